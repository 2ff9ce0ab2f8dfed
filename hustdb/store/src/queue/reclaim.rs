//! Space comes back: rows of deleted queues, and rows below a floor, go in bounded steps.
//!
//! What is to be done is in the store - a grave for each deleted queue, floors in the counters - and is found again
//! after a restart. A row goes in the batch that says how far things are.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use hust_engine::{Direction, Key};
use parking_lot::{Condvar, Mutex};

use super::{
    core::{Core, Step},
    error::QueueResult,
    layout::{Tables, item_index},
    normal::Slots,
    queue::{Body, Queue},
    rows::{Access, Rows},
};

/// Rows looked at in one step.
const STEP_ROWS: usize = 256;
/// The pause after a failure.
const REST: Duration = Duration::from_millis(500);

/// Something to reclaim.
#[derive(Debug)]
pub(crate) enum Work {
    /// Rows below the floors of this queue.
    Floor(Arc<Queue>),
    /// All rows of an incarnation.
    Grave(Tables, u64),
    /// Memory whose freeing takes time.
    Memory(Box<Slots>),
}

/// What waits to be reclaimed.
#[derive(Debug, Default)]
pub(crate) struct Garbage {
    heap: Mutex<Heap>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Heap {
    work: Vec<Work>,
    stopped: bool,
}

impl Garbage {
    /// Lists something; a queue is listed once, however often its floor rises.
    pub(crate) fn add(&self, work: Work) {
        if let Work::Floor(queue) = &work
            && queue.listed.swap(true, Ordering::AcqRel)
        {
            return;
        }
        self.heap.lock().work.push(work);
        self.changed.notify_all();
    }

    /// Everything there is, without waiting.
    pub(crate) fn take_all(&self) -> Vec<Work> {
        std::mem::take(&mut self.heap.lock().work)
    }

    /// Waits for something; `None` = the end.
    pub(crate) fn wait(&self) -> Option<Work> {
        let mut heap = self.heap.lock();
        loop {
            if heap.stopped {
                return None;
            }
            if let Some(work) = heap.work.pop() {
                return Some(work);
            }
            self.changed.wait(&mut heap);
        }
    }

    /// Waits a moment after a failure.
    pub(crate) fn rest(&self) {
        let mut heap = self.heap.lock();
        if !heap.stopped {
            self.changed.wait_for(&mut heap, REST);
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.heap.lock().stopped
    }

    pub(crate) fn stop(&self) {
        self.heap.lock().stopped = true;
        self.changed.notify_all();
    }
}

/// Does one piece of work, or as much of it as there is time for before the end.
pub(crate) fn run(core: &Core, work: &Work) -> QueueResult<()> {
    match work {
        Work::Memory(slots) => {
            // They are freed with the work, on the thread that has time for it.
            tracing::debug!(entries = slots.len(), "entries of a purged queue are freed");
            Ok(())
        }
        Work::Grave(tables, incarnation) => clear_grave(core, tables, *incarnation),
        Work::Floor(queue) => {
            queue.listed.store(false, Ordering::Release);
            while let Some(stretch) = Stretch::of(queue) {
                if !stretch.reclaim(core, queue)? {
                    break;
                }
            }
            Ok(())
        }
    }
}

fn clear_grave(core: &Core, tables: &Tables, incarnation: u64) -> QueueResult<()> {
    for (mut from, to) in tables.incarnation(incarnation) {
        loop {
            if core.garbage.is_stopped() {
                return Ok(());
            }
            let page = core.engine().page_without_values(from, to, Direction::Forward, STEP_ROWS)?;
            let mut rows = Rows::default();
            let live = page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone());
            live.for_each(|(key, _)| rows.purge(*key));
            commit(core, &rows)?;
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
    }
    let mut rows = Rows::default();
    rows.purge(tables.grave(incarnation));
    commit(core, &rows)
}

/// Writes rows and waits for them, so that deleting is never far ahead of the log.
fn commit(core: &Core, rows: &Rows<'_>) -> QueueResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let position = core.run(|access| core.commit(rows, access))?;
    Ok(core.engine().ticket(position).wait()?)
}

/// Indices of a lane that are below its floor and may still have rows.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    incarnation: u64,
    priority: u8,
    from: u64,
    to: u64,
}

impl Stretch {
    fn of(queue: &Queue) -> Option<Stretch> {
        let mut inner = queue.inner.lock();
        let live = inner.live().ok()?;
        let incarnation = live.keys.incarnation;
        let counters = live.counters();
        let floor = counters.floor;
        let lanes = (0u8..).zip(&counters.lanes);
        let mut open = lanes.filter_map(|(priority, lane)| {
            let to = if priority == 0 { lane.purged.max(floor) } else { lane.purged };
            (lane.reclaimed < to).then_some(Stretch { incarnation, priority, from: lane.reclaimed + 1, to })
        });
        open.next()
    }

    /// Deletes the rows of the stretch. `false`: not to its end.
    fn reclaim(&self, core: &Core, queue: &Arc<Queue>) -> QueueResult<bool> {
        let Some(keys) = queue.inner.lock().live().ok().map(|live| live.keys) else { return Ok(true) };
        let (mut from, to) = (keys.item(self.priority, self.from), keys.item(self.priority, self.to));
        loop {
            if core.garbage.is_stopped() {
                return Ok(false);
            }
            let page = core.engine().page_without_values(from, to, Direction::Forward, STEP_ROWS)?;
            let mut found = Vec::new();
            for (key, row) in &page.rows {
                if !row.meta.is_tombstone()
                    && let Some(head) = core.engine().head(key)?
                {
                    found.push((*key, u64::from(head.value_len())));
                }
            }
            let reached = page.next.map_or(self.to, |next| item_index(next).saturating_sub(1));
            if !found.is_empty() || page.next.is_none() {
                let position = core.run(|access| self.step(core, queue, &found, reached, access))?;
                if let Some(position) = position {
                    core.engine().ticket(position).wait()?;
                }
            }
            match page.next {
                Some(next) => from = next,
                None => return Ok(true),
            }
        }
    }

    /// Deletes these rows and notes how far things are. `None`: the queue is another one by now.
    fn step(
        &self,
        core: &Core,
        queue: &Arc<Queue>,
        found: &[(Key, u64)],
        reached: u64,
        access: Access,
    ) -> QueueResult<Step<Option<u64>>> {
        let mut inner = queue.inner.lock();
        let Some(live) = inner.live().ok().filter(|live| live.keys.incarnation == self.incarnation) else {
            return Ok(Step::Done(None));
        };
        let keys = live.keys;
        let before = *live.counters();
        let mut after = before;
        let lane = after.lane(self.priority);
        lane.reclaimed = lane.reclaimed.max(reached);
        let mut rows = Rows::default();
        for (key, bytes) in found {
            // What was purged is not counted any more.
            if item_index(*key) > lane.purged {
                lane.release(*bytes);
            }
            rows.purge(*key);
        }
        rows.counters(&keys, &queue.name, &before, &after)?;
        Ok(match core.commit(&rows, access)? {
            Step::Cold(warm) => Step::Cold(warm),
            Step::Done(position) => {
                match &mut live.body {
                    Body::Normal(normal) => normal.counters = after,
                    Body::Push(push) => push.counters = after,
                }
                Step::Done(Some(position))
            }
        })
    }
}
