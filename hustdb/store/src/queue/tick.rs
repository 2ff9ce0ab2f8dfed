//! What time does to a queue: deadlines, ended delays, expiries, forgotten ids.

use std::sync::Arc;

use hust_engine::{Direction, Fetch, Key, Row};

use super::{
    core::{Core, Step, Warm},
    error::QueueResult,
    layout::{QueueKeys, time_ms},
    normal::{Normal, back},
    push::{Journal, Push},
    queue::{Body, Live, Queue},
    rows::{Access, FirstPut, Rows},
    settings::decode,
};

/// Entries and rows handled in one write.
const STEP_MAX: usize = 256;
/// Pages of rows handled at a time. A sweep that is broken off begins again at the time it had reached.
const PAGES_MAX: usize = 64;
/// Writes for one queue before others have their turn.
const STEPS_MAX: usize = 16;

/// Handles what is due in a queue at `now_ms`, and enters it for what comes next.
pub(crate) fn tick(core: &Core, queue: &Arc<Queue>, now_ms: u64) -> QueueResult<()> {
    let mut more = true;
    for _ in 0..STEPS_MAX {
        more = entries(core, queue, now_ms)?;
        more |= Timed::Expiries.sweep(core, queue, now_ms)?;
        more |= Timed::Ids.sweep(core, queue, now_ms)?;
        // The timer is never far ahead of the log, and a crash of the process loses nothing of this.
        core.engine().write_out(u64::MAX)?;
        if !more {
            break;
        }
    }
    if let Ok(live) = queue.inner.lock().live() {
        let next_ms = if more { now_ms } else { live.next_event_ms() };
        core.agenda.schedule(queue, next_ms);
    }
    Ok(())
}

/// Handles entries that are due; `true`: there may be more.
fn entries(core: &Core, queue: &Arc<Queue>, now_ms: u64) -> QueueResult<bool> {
    if !matches!(queue.inner.lock().live().map(|live| &live.body), Ok(Body::Normal(_))) {
        return Ok(false);
    }
    let decide = |normal: &Normal, _| back::due(normal, now_ms, STEP_MAX);
    let done = core.run(|access| super::settle::change(core, queue, decide, access));
    match done {
        Err(super::error::QueueError::Unknown) => Ok(false),
        done => Ok(done?.is_some()),
    }
}

/// A table of rows by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timed {
    Expiries,
    Ids,
}

/// Rows of such a table.
struct Due {
    rows: Vec<(Key, Row)>,
    /// No row that is left is before this time.
    reached_ms: u64,
    /// Where to read on.
    next: Option<Key>,
}

impl Timed {
    /// Handles rows that are due; `true`: there are more.
    fn sweep(self, core: &Core, queue: &Arc<Queue>, now_ms: u64) -> QueueResult<bool> {
        let Some((keys, from_ms, upto_ms)) = self.begin(queue, now_ms) else { return Ok(false) };
        let mut reached_ms = from_ms;
        let swept = self.pages(core, queue, &keys, upto_ms, &mut reached_ms);
        if let Ok(live) = queue.inner.lock().live()
            && live.keys == keys
        {
            let hint = self.hint(live);
            *hint = (*hint).min(reached_ms);
        }
        swept?;
        Ok(reached_ms <= upto_ms)
    }

    /// Handles page after page from `reached_ms` on, which goes along.
    fn pages(
        self,
        core: &Core,
        queue: &Arc<Queue>,
        keys: &QueueKeys,
        upto_ms: u64,
        reached_ms: &mut u64,
    ) -> QueueResult<()> {
        let (mut from, to) = keys.until(self.table(keys), *reached_ms, u64::MAX);
        for _ in 0..PAGES_MAX {
            let due = self.due(core, (from, to), upto_ms)?;
            core.run(|access| self.step(core, queue, keys, &due, access))?;
            *reached_ms = due.reached_ms;
            match due.next.filter(|_| due.reached_ms <= upto_ms) {
                Some(next) => from = next,
                None => break,
            }
        }
        Ok(())
    }

    fn table(self, keys: &QueueKeys) -> u32 {
        match self {
            Timed::Expiries => keys.tables.expiries,
            Timed::Ids => keys.tables.id_times,
        }
    }

    fn hint(self, live: &mut Live) -> &mut u64 {
        match self {
            Timed::Expiries => &mut live.expiries_from_ms,
            Timed::Ids => &mut live.ids_from_ms,
        }
    }

    /// Takes the hint of a queue that has something due: writers note new rows in its place meanwhile.
    fn begin(self, queue: &Queue, now_ms: u64) -> Option<(QueueKeys, u64, u64)> {
        let mut inner = queue.inner.lock();
        let live = inner.live().ok()?;
        let upto_ms = match (self, &live.body) {
            (Timed::Expiries, _) => now_ms,
            (Timed::Ids, Body::Normal(normal)) => {
                now_ms.checked_sub(normal.settings.dedup_s.saturating_mul(1000))?
            }
            (Timed::Ids, Body::Push(_)) => return None,
        };
        let hint = self.hint(live);
        let from_ms = (*hint <= upto_ms).then_some(*hint)?;
        *hint = u64::MAX;
        Some((live.keys, from_ms, upto_ms))
    }

    fn due(self, core: &Core, (from, to): (Key, Key), upto_ms: u64) -> QueueResult<Due> {
        let page = core.engine().page_without_values(from, to, Direction::Forward, STEP_MAX)?;
        let live: Vec<_> = page.rows.into_iter().filter(|(_, row)| !row.meta.is_tombstone()).collect();
        let next_ms = page.next.map_or(u64::MAX, time_ms);
        let later = live.iter().map(|(key, _)| time_ms(*key)).find(|at_ms| *at_ms > upto_ms);
        let rows = live.into_iter().filter(|(key, _)| time_ms(*key) <= upto_ms).collect();
        Ok(Due { rows, reached_ms: later.unwrap_or(next_ms), next: page.next })
    }

    /// Takes these rows out, and what they tell about.
    fn step(
        self,
        core: &Core,
        queue: &Arc<Queue>,
        keys: &QueueKeys,
        due: &Due,
        access: Access,
    ) -> QueueResult<Step<()>> {
        let mut inner = queue.inner.lock();
        let Some(live) = inner.live().ok().filter(|live| live.keys == *keys) else {
            return Ok(Step::Done(()));
        };
        let noted_ms = *self.hint(live);
        let from_ms = due.reached_ms.min(noted_ms);
        let mut rows = Rows::default();
        due.rows.iter().for_each(|(key, _)| rows.purge(*key));
        let expired = due.rows.iter().filter_map(|(_, row)| expired(row));
        match (self, &mut live.body) {
            (_, _) if due.rows.is_empty() => Ok(Step::Done(())),
            (Timed::Expiries, Body::Normal(normal)) => {
                expire(core, queue, keys, normal, expired, from_ms, rows, access)
            }
            (Timed::Expiries, Body::Push(push)) => {
                trim(core, queue, keys, push, expired, from_ms, rows, access)
            }
            (Timed::Ids, Body::Normal(normal)) => {
                forget(core, queue, keys, normal, due, from_ms, rows, access)
            }
            (Timed::Ids, Body::Push(_)) => Ok(Step::Done(())),
        }
    }
}

/// Priority, index and bytes of the message that a row of the expiry table tells about.
fn expired(row: &Row) -> Option<(u8, u64, u32)> {
    let (priority, index) = row.user_key().split_first()?;
    let index = u64::from_be_bytes(index.try_into().ok()?);
    Some((*priority, index, u32::from_be_bytes(row.value().try_into().ok()?)))
}

#[expect(clippy::too_many_arguments, reason = "the parts of one sweep")]
fn expire<'a>(
    core: &Core,
    queue: &'a Queue,
    keys: &QueueKeys,
    normal: &mut Normal,
    expired: impl Iterator<Item = (u8, u64, u32)>,
    from_ms: u64,
    mut rows: Rows<'a>,
    access: Access,
) -> QueueResult<Step<()>> {
    let mut plan = normal.plan();
    plan.counters.expiries_from_ms = from_ms;
    for (priority, index, bytes) in expired {
        let lane = plan.counters.lane(priority);
        // What the cursor has passed was delivered, or came into a slot: it expires there.
        if lane.plain > 0 && index >= lane.cursor {
            lane.drop_plain(index);
            lane.release(u64::from(bytes));
            plan.gone.push((priority, index));
            plan.events.expired += 1;
        }
    }
    rows.plan(keys, &queue.name, &normal.counters, &plan)?;
    Ok(match core.commit(&rows, access)? {
        Step::Cold(warm) => Step::Cold(warm),
        Step::Done(_) => {
            normal.apply(plan);
            Step::Done(())
        }
    })
}

#[expect(clippy::too_many_arguments, reason = "the parts of one sweep")]
fn trim<'a>(
    core: &Core,
    queue: &'a Queue,
    keys: &QueueKeys,
    push: &mut Push,
    expired: impl Iterator<Item = (u8, u64, u32)>,
    from_ms: u64,
    mut rows: Rows<'a>,
    access: Access,
) -> QueueResult<Step<()>> {
    let (before, mut journal, counted) = (push.counters, Journal::default(), push.expired);
    push.counters.expiries_from_ms = from_ms;
    for (_, index, bytes) in expired {
        if push.expire(index, u64::from(bytes), &mut journal) {
            rows.purge(keys.item(0, index));
        }
    }
    let committed = super::publish::commit(core, queue, keys, push, &before, journal, rows, access);
    if !matches!(committed, Ok(Step::Done(_))) {
        push.expired = counted;
    }
    Ok(match committed? {
        Step::Done(_) => Step::Done(()),
        Step::Cold(warm) => Step::Cold(warm),
    })
}

#[expect(clippy::too_many_arguments, reason = "the parts of one sweep")]
fn forget<'a>(
    core: &Core,
    queue: &'a Queue,
    keys: &QueueKeys,
    normal: &mut Normal,
    due: &Due,
    from_ms: u64,
    mut rows: Rows<'a>,
    access: Access,
) -> QueueResult<Step<()>> {
    let mut after = normal.counters;
    after.ids_from_ms = from_ms;
    for (time_key, row) in &due.rows {
        let Ok(hash) = <[u8; 12]>::try_from(row.user_key()) else { continue };
        let key = keys.id(hash);
        let Fetch::Ready(first) = core.row(&key, access)? else {
            return Ok(Step::Cold(Warm::Keys(vec![key])));
        };
        let first = first.filter(|row| !row.meta.is_tombstone());
        // The id may have been put again since.
        if first
            .and_then(|row| decode::<FirstPut>(row.value()))
            .is_some_and(|f| f.put_ms == time_ms(*time_key))
        {
            rows.purge(key);
        }
    }
    rows.counters(keys, &queue.name, &normal.counters, &after)?;
    Ok(match core.commit(&rows, access)? {
        Step::Cold(warm) => Step::Cold(warm),
        Step::Done(_) => {
            normal.counters = after;
            Step::Done(())
        }
    })
}
