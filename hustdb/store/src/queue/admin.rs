//! settings, purge, delete: changes of a queue as a whole.

use std::sync::Arc;

use super::{
    core::{Core, Step},
    counters::PRIORITIES,
    error::{QueueError, QueueResult},
    promise::Promise,
    push::Journal,
    queue::{Body, Inner, Live, Queue},
    read::figures,
    reclaim::Work,
    rows::{Access, Rows},
    settings::{Change, QueueKind, Settings},
};
use crate::error::Error;

/// The settings of a queue, after a change if there was one.
#[derive(Debug)]
pub struct Configured {
    /// What kind of queue.
    pub kind: QueueKind,
    /// Its settings.
    pub settings: Settings,
    /// To wait for before saying so.
    pub promise: Promise,
}

/// One attempt to read or change settings; see [`Queues::configure`](super::Queues::configure).
pub(crate) fn configure(
    core: &Core,
    name: &str,
    change: &Change,
    create: bool,
    access: Access,
) -> QueueResult<Step<Configured>> {
    let work = |queue: &Arc<Queue>, inner: &mut Inner| {
        if let Inner::Live(live) = inner {
            return reconfigure(core, queue, live, change, access);
        }
        if !create {
            return Err(QueueError::Unknown);
        }
        let seat = core.seat()?;
        let mut live = core.conceive(name, QueueKind::Normal, core.now_ms());
        let ttl_max_s = core.shared.ttl_maximum_s;
        *live.settings() = change.apply(name, QueueKind::Normal, live.settings(), ttl_max_s)?;
        let mut rows = Rows::default();
        Core::birth(&mut rows, &queue.name, &mut live)?;
        let counters = *live.counters();
        rows.counters(&live.keys, &queue.name, &counters, &counters)?;
        let done = configured(core, &mut live, core.commit(&rows, access)?);
        if matches!(done, Step::Done(_)) {
            seat.keep();
            *inner = Inner::Live(Box::new(live));
        }
        Ok(done)
    };
    if create {
        return core.with_entered(name, work);
    }
    let queue = core.find(name)?;
    let mut inner = queue.inner.lock();
    work(&queue, &mut inner)
}

fn reconfigure(
    core: &Core,
    queue: &Arc<Queue>,
    live: &mut Live,
    change: &Change,
    access: Access,
) -> QueueResult<Step<Configured>> {
    let kind = live.kind();
    if change.is_empty() {
        let settings = live.settings().clone();
        return Ok(Step::Done(Configured { kind, settings, promise: Promise::default() }));
    }
    let ttl_max_s = match kind {
        QueueKind::Normal => core.shared.ttl_maximum_s,
        QueueKind::Push => core.options.push_ttl_maximum_s,
    };
    let after = change.apply(&queue.name, kind, live.settings(), ttl_max_s)?;
    let mut rows = Rows::default();
    rows.identity(&live.keys, &queue.name, &live.identity(after.clone()))?;
    rows.guard(&live.keys, 0);
    let committed = core.commit(&rows, access)?;
    if matches!(committed, Step::Done(_)) {
        *live.settings() = after;
        core.schedule(queue, live);
    }
    Ok(configured(core, live, committed))
}

fn configured(core: &Core, live: &mut Live, committed: Step<u64>) -> Step<Configured> {
    match committed {
        Step::Cold(warm) => Step::Cold(warm),
        Step::Done(position) => {
            let promise = Promise::durable(core.engine(), position);
            Step::Done(Configured { kind: live.kind(), settings: live.settings().clone(), promise })
        }
    }
}

/// What to purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// Everything of a priority of a normal queue.
    Priority(u8),
    /// Everything of a push queue.
    All,
    /// Everything of a push queue up to this index.
    UpTo(u64),
}

/// One attempt to purge; see [`Queues::purge`](super::Queues::purge).
pub(crate) fn purge(core: &Core, name: &str, purge: Purge, access: Access) -> QueueResult<Step<Promise>> {
    let queue = core.find(name)?;
    let mut inner = queue.inner.lock();
    let live = inner.live()?;
    let purged = match (purge, live.kind()) {
        (Purge::Priority(priority), QueueKind::Normal) => {
            if usize::from(priority) >= PRIORITIES {
                return Err(Error::invalid("priori", "not in 0..2").into());
            }
            let others = (0u8..).zip(&live.counters().lanes).filter(|(other, _)| *other != priority);
            if others.map(|(_, lane)| lane.held).sum::<u64>() == 0 {
                return bury(core, &queue, &mut inner, access);
            }
            purge_priority(core, &queue, live, priority, access)
        }
        (Purge::Priority(0) | Purge::All | Purge::UpTo(_), QueueKind::Push) => {
            let upto = if let Purge::UpTo(index) = purge { Some(index) } else { None };
            purge_push(core, &queue, live, upto, access)
        }
        (Purge::Priority(_), QueueKind::Push) => Err(Error::invalid("priori", "not 0").into()),
        (Purge::All, QueueKind::Normal) => Err(Error::invalid("priori", "missing").into()),
        (Purge::UpTo(_), QueueKind::Normal) => Err(Error::invalid("upto", "not of a normal queue").into()),
    };
    let purged = purged?;
    if matches!(purged, Step::Done(_)) {
        core.collect(Work::Floor(queue.clone()));
    }
    Ok(purged)
}

fn purge_priority(
    core: &Core,
    queue: &Arc<Queue>,
    live: &mut Live,
    priority: u8,
    access: Access,
) -> QueueResult<Step<Promise>> {
    let keys = live.keys;
    let normal = live.normal()?;
    let mut after = normal.counters;
    after.lane(priority).purge();
    let mut rows = Rows::default();
    rows.counters(&keys, &queue.name, &normal.counters, &after)?;
    let position = match core.commit(&rows, access)? {
        Step::Done(position) => position,
        Step::Cold(warm) => return Ok(Step::Cold(warm)),
    };
    normal.counters = after;
    if let Some(slots) = normal.slots.get_mut(usize::from(priority)) {
        // Leases may be many: they are freed without the queue.
        core.collect(Work::Memory(Box::new(std::mem::take(slots))));
    }
    Ok(Step::Done(Promise::durable(core.engine(), position)))
}

fn purge_push(
    core: &Core,
    queue: &Arc<Queue>,
    live: &mut Live,
    upto: Option<u64>,
    access: Access,
) -> QueueResult<Step<Promise>> {
    let keys = live.keys;
    let push = live.push()?;
    let (before, mut journal) = (push.counters, Journal::default());
    match upto.filter(|upto| *upto < before.lanes[0].last) {
        Some(upto) => push.raise_floor(upto, &mut journal),
        None => push.purge(&mut journal),
    }
    let committed =
        super::publish::commit(core, queue, &keys, push, &before, journal, Rows::default(), access)?;
    Ok(match committed {
        Step::Done(position) => Step::Done(Promise::durable(core.engine(), position)),
        Step::Cold(warm) => Step::Cold(warm),
    })
}

/// One attempt to delete; see [`Queues::delete`](super::Queues::delete).
pub(crate) fn delete(core: &Core, name: &str, access: Access) -> QueueResult<Step<Promise>> {
    let queue = core.find(name)?;
    let mut inner = queue.inner.lock();
    bury(core, &queue, &mut inner, access)
}

/// Ends a queue. Its rows go later.
fn bury(core: &Core, queue: &Arc<Queue>, inner: &mut Inner, access: Access) -> QueueResult<Step<Promise>> {
    let live = inner.live()?;
    let (keys, guarded) = (live.keys, live.counters().guarded_bytes());
    let mut rows = Rows::default();
    rows.purge(keys.settings());
    rows.purge(keys.counters());
    rows.put(keys.tables.grave(keys.incarnation), queue.name.as_bytes(), Vec::new());
    rows.guard(&keys, -(guarded as i64));
    let position = match core.commit(&rows, access)? {
        Step::Done(position) => position,
        Step::Cold(warm) => return Ok(Step::Cold(warm)),
    };
    core.departed.lock().take(&figures(queue, inner.live()?));
    let before = std::mem::replace(inner, Inner::Gone);
    core.leave(queue, inner);
    core.vacate();
    core.collect(Work::Grave(keys.tables, keys.incarnation));
    if let Inner::Live(live) = before
        && let Body::Normal(normal) = live.body
    {
        for slots in normal.slots {
            core.collect(Work::Memory(Box::new(slots)));
        }
    }
    Ok(Step::Done(Promise::durable(core.engine(), position)))
}
