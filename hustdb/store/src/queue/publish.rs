//! pub and merge: what push queues take in.

use std::sync::Arc;

use hust_engine::Fetch;

use super::{
    core::{Core, Step, Warm},
    counters::Counters,
    error::QueueResult,
    layout::QueueKeys,
    normal::{is_past, put::admit},
    promise::Promise,
    push::{Journal, Push, window::publish},
    put::check_item,
    queue::{Inner, Live, Queue},
    reclaim::Work,
    rows::{Access, Rows},
    settings::{QueueKind, encode},
};
use crate::error::Error;

/// Life of a published message where nobody says, seconds.
const TTL_DEFAULT_S: u64 = 900;
/// Greatest index that a reader may ask for.
pub const INDEX_MAX: u64 = (1 << 63) - 1;

/// A message to publish.
#[derive(Clone, Copy, Debug, Default)]
pub struct Publication<'a> {
    /// Its bytes.
    pub item: &'a [u8],
    /// The index to give it; everything before goes.
    pub idx: Option<u64>,
    /// The index is over this one.
    pub base: u64,
    /// Life, seconds; `None`: as the queue says.
    pub ttl_s: Option<u64>,
}

/// What a publication got.
#[derive(Debug)]
pub struct Published {
    /// Its index.
    pub index: u64,
    /// When it expires, unix ms.
    pub expire_ms: u64,
    /// To wait for before saying so.
    pub promise: Promise,
}

/// A message of another node.
#[derive(Clone, Copy, Debug)]
pub struct Copy<'a> {
    /// Its index.
    pub index: u64,
    /// When it expires, unix ms; 0 = never.
    pub expire_ms: u64,
    /// Its bytes.
    pub item: &'a [u8],
}

/// What a merge did.
#[derive(Debug, Default)]
pub struct Merged {
    /// Messages stored.
    pub applied: u64,
    /// Messages that were there, had expired, or were dropped on purpose.
    pub ignored: u64,
    /// Of the ignored: those with other bytes than here.
    pub conflicts: u64,
    /// To wait for before saying so.
    pub promise: Promise,
}

/// Runs `work` on the push queue of this name; it is told whether it has to store the queue too.
fn with_push<T>(
    core: &Core,
    name: &str,
    work: impl Fn(&Arc<Queue>, &mut Live, bool) -> QueueResult<Step<T>>,
) -> QueueResult<Step<T>> {
    core.with_entered(name, |queue, inner| {
        if let Inner::Live(live) = inner {
            let done = work(queue, live, false)?;
            core.schedule(queue, live);
            return Ok(done);
        }
        let seat = core.seat()?;
        let mut live = core.conceive(name, QueueKind::Push, core.now_ms());
        let done = work(queue, &mut live, true)?;
        if matches!(done, Step::Done(_)) {
            seat.keep();
            core.schedule(queue, &live);
            *inner = Inner::Live(Box::new(live));
        }
        Ok(done)
    })
}

/// One attempt to publish; see [`Queues::publish`](super::Queues::publish).
pub(crate) fn attempt(
    core: &Core,
    name: &str,
    publication: &Publication<'_>,
    access: Access,
) -> QueueResult<Step<Published>> {
    let ttl_max_s = core.options.push_ttl_maximum_s;
    if publication.ttl_s.is_some_and(|ttl_s| !(1..=ttl_max_s).contains(&ttl_s)) {
        return Err(Error::invalid("ttl", format!("not in 1..{ttl_max_s}")).into());
    }
    for (subject, index) in [("idx", publication.idx.unwrap_or(0)), ("base", publication.base)] {
        if index >= INDEX_MAX {
            return Err(Error::invalid(subject, format!("not below {INDEX_MAX}")).into());
        }
    }
    check_item(publication.item)?;
    with_push(core, name, |queue, live, created| {
        let mut rows = Rows::default();
        if created {
            Core::birth(&mut rows, &queue.name, live)?;
        }
        let (keys, now_ms) = (live.keys, core.now_ms());
        let push = live.push()?;
        let done = publish(push.window(), publication.idx, publication.base)?;
        let kept = match done.floor {
            Some(floor) => push.runs.count_after(floor),
            None => push.runs.count(),
        };
        admit(&push.settings, kept, 1)?;
        core.shared.capacity.check(core.engine(), now_ms)?;
        let ttl_s = match (publication.ttl_s, push.settings.ttl_s) {
            (Some(ttl_s), _) => ttl_s,
            (None, 0) => TTL_DEFAULT_S.min(ttl_max_s),
            (None, ttl_s) => ttl_s,
        };
        let expire_ms = now_ms.saturating_add(ttl_s.saturating_mul(1000));
        let bytes = publication.item.len() as u32;
        let (before, mut journal) = (push.counters, Journal::default());
        if let Some(floor) = done.floor {
            push.raise_floor(floor, &mut journal);
        }
        push.store(done.index, u64::from(bytes), &mut journal);
        push.counters.published_s = now_ms / 1000;
        push.counters.expiries_from_ms = push.counters.expiries_from_ms.min(expire_ms);
        rows.item(keys.item(0, done.index), (now_ms, expire_ms), false, &[][..], publication.item);
        rows.expiry(&keys, expire_ms, (0, done.index), bytes);
        let position = match commit(core, queue, &keys, push, &before, journal, rows, access)? {
            Step::Done(position) => position,
            Step::Cold(warm) => return Ok(Step::Cold(warm)),
        };
        live.expiries_from_ms = live.expiries_from_ms.min(expire_ms);
        if let Some(unsettled) = live.unsettled.first_mut() {
            unsettled.note(done.index, position, core.engine());
        }
        core.announce(queue);
        if done.floor.is_some() {
            core.collect(Work::Floor(queue.clone()));
        }
        let promise = Promise::durable(core.engine(), position);
        Ok(Step::Done(Published { index: done.index, expire_ms, promise }))
    })
}

/// Writes what was changed in a push queue, or takes it back.
#[expect(clippy::too_many_arguments, reason = "the parts of one change")]
pub(crate) fn commit<'a>(
    core: &Core,
    queue: &'a Queue,
    keys: &QueueKeys,
    push: &mut Push,
    before: &Counters,
    journal: Journal,
    mut rows: Rows<'a>,
    access: Access,
) -> QueueResult<Step<u64>> {
    let written = (|| {
        rows.counters(keys, &queue.name, before, &push.counters)?;
        for slot in journal.slots() {
            match push.runs.get(slot) {
                Some(run) => rows.put(keys.slot(0, slot), &[][..], encode(&run)?),
                None => rows.purge(keys.slot(0, slot)),
            }
        }
        core.commit(&rows, access)
    })();
    if !matches!(written, Ok(Step::Done(_))) {
        push.runs.undo(journal);
        push.counters = *before;
    }
    written
}

/// One attempt to merge; see [`Queues::merge`](super::Queues::merge).
pub(crate) fn merge(
    core: &Core,
    name: &str,
    floor: u64,
    copies: &[Copy<'_>],
    access: Access,
) -> QueueResult<Step<Merged>> {
    if floor > INDEX_MAX {
        return Err(Error::invalid("floor", format!("over {INDEX_MAX}")).into());
    }
    for copy in copies {
        check_item(copy.item)?;
        if !(1..=INDEX_MAX).contains(&copy.index) {
            return Err(Error::invalid("index", format!("not in 1..{INDEX_MAX}")).into());
        }
    }
    with_push(core, name, |queue, live, created| {
        live.push()?;
        core.shared.capacity.check(core.engine(), core.now_ms())?;
        let merging = Merging { core, queue, access, now_ms: core.now_ms(), created };
        let merged = merging.run(live, floor, copies)?;
        if matches!(merged, Step::Done(_)) && floor > 0 {
            core.collect(Work::Floor(queue.clone()));
        }
        Ok(merged)
    })
}

struct Merging<'a> {
    core: &'a Core,
    queue: &'a Arc<Queue>,
    access: Access,
    now_ms: u64,
    created: bool,
}

impl Merging<'_> {
    fn run(&self, live: &mut Live, floor: u64, copies: &[Copy<'_>]) -> QueueResult<Step<Merged>> {
        let (keys, mut rows) = (live.keys, Rows::default());
        if self.created {
            Core::birth(&mut rows, &self.queue.name, live)?;
        }
        let push = live.push()?;
        let (mut merged, mut expiries_from_ms) = (Merged::default(), u64::MAX);
        let (before, mut journal) = (push.counters, Journal::default());
        if floor > push.counters.floor {
            push.raise_floor(floor, &mut journal);
        }
        for copy in copies {
            let differs = self.differs(&keys, push, copy, copies);
            if !matches!(differs, Ok(Step::Done(_))) {
                push.runs.undo(std::mem::take(&mut journal));
                push.counters = before;
            }
            match differs? {
                Step::Cold(warm) => return Ok(Step::Cold(warm)),
                Step::Done(Some(differs)) => {
                    merged.ignored += 1;
                    merged.conflicts += u64::from(differs);
                    push.note_published(copy.index);
                }
                Step::Done(None) => {
                    merged.applied += 1;
                    let bytes = copy.item.len() as u32;
                    push.store(copy.index, u64::from(bytes), &mut journal);
                    rows.item(
                        keys.item(0, copy.index),
                        (self.now_ms, copy.expire_ms),
                        false,
                        &[][..],
                        copy.item,
                    );
                    if copy.expire_ms != 0 {
                        rows.expiry(&keys, copy.expire_ms, (0, copy.index), bytes);
                        expiries_from_ms = expiries_from_ms.min(copy.expire_ms);
                    }
                }
            }
        }
        push.counters.expiries_from_ms = push.counters.expiries_from_ms.min(expiries_from_ms);
        if merged.applied > 0 {
            push.counters.published_s = self.now_ms / 1000;
        }
        let committed = commit(self.core, self.queue, &keys, push, &before, journal, rows, self.access)?;
        let position = match committed {
            Step::Done(position) => position,
            Step::Cold(warm) => return Ok(Step::Cold(warm)),
        };
        push.conflicts += merged.conflicts;
        live.expiries_from_ms = live.expiries_from_ms.min(expiries_from_ms);
        let last = live.counters().lanes[0].last;
        if let Some(unsettled) = live.unsettled.first_mut() {
            unsettled.note_below(last, position);
        }
        self.core.announce(self.queue);
        merged.promise = Promise::durable(self.core.engine(), position);
        Ok(Step::Done(merged))
    }

    /// `None`: the copy is to be stored. Else it is ignored; `true`: for there are other bytes here.
    fn differs(
        &self,
        keys: &QueueKeys,
        push: &Push,
        copy: &Copy<'_>,
        copies: &[Copy<'_>],
    ) -> QueueResult<Step<Option<bool>>> {
        if copy.index <= push.counters.floor || is_past(copy.expire_ms, self.now_ms) {
            return Ok(Step::Done(Some(false)));
        }
        if !push.runs.contains(copy.index) {
            return Ok(Step::Done(None));
        }
        let key = keys.item(0, copy.index);
        let row = match self.core.row(&key, self.access)? {
            Fetch::Ready(row) => row.filter(|row| !row.meta.is_tombstone()),
            Fetch::Cold => return Ok(Step::Cold(Warm::Keys(vec![key]))),
        };
        // What is live without a row stands further up in this merge.
        let here = match &row {
            Some(row) => Some(row.value()),
            None => copies.iter().find(|other| other.index == copy.index).map(|other| other.item),
        };
        Ok(Step::Done(Some(here.is_some_and(|here| here != copy.item))))
    }
}
