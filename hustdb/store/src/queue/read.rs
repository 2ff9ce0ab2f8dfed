//! What changes nothing: sub, runs, stat, workers, watch.

use std::sync::Arc;

use hust_engine::{Fetch, Slice};

use super::{
    core::{Core, Step, Warm},
    counters::PRIORITIES,
    error::QueueResult,
    normal::{Normal, is_past},
    promise::Promise,
    push::{Push, Run, window::Window},
    queue::{Body, Live, Queue},
    rows::Access,
    settings::{QueueKind, Settings},
    watch::Changes,
    workers::Worker,
};

/// A batch ends before its messages pass this, bytes.
pub(crate) const BATCH_BYTES_MAX: usize = 8 << 20;
/// What a message of a batch takes beside its item, at most: token, index, names and numbers, bytes.
pub(crate) const HEAD_BYTES_MAX: usize = 256;
/// Expired messages that one sub passes over; the sweep takes them soon.
const EXPIRED_MAX: usize = 1000;

/// A published message.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its index.
    pub index: u64,
    /// When it expires, unix ms; 0 = never.
    pub expire_ms: u64,
    /// Its bytes.
    pub item: Slice,
}

/// What a reader gets.
#[derive(Debug)]
pub struct SubDone {
    /// The window; the index asked for is inside if `inside`.
    pub window: Window,
    /// Whether the index asked for is in the window.
    pub inside: bool,
    /// Live messages from there on; of a single read, that one or none.
    pub messages: Vec<Read>,
    /// Where to go on.
    pub next: u64,
    /// To wait for before handing them out.
    pub promise: Promise,
}

/// One attempt to read; see [`Queues::subscribe`](super::Queues::subscribe).
pub(crate) fn subscribe(
    core: &Core,
    name: &str,
    idx: u64,
    count: Option<usize>,
    access: Access,
) -> QueueResult<Step<SubDone>> {
    let queue = core.find(name)?;
    let mut inner = queue.inner.lock();
    let live = inner.live()?;
    let keys = live.keys;
    let push = live.push()?;
    let window = push.window();
    let inside = window.si < idx && idx <= window.ci;
    let mut done = SubDone { window, inside, messages: Vec::new(), next: idx, promise: Promise::default() };
    if !inside {
        return Ok(Step::Done(done));
    }
    let (now_ms, mut bytes, mut expired) = (core.now_ms(), 0, 0);
    done.next = idx + 1;
    let mut from = idx;
    while let Some(index) = push.runs.at_or_after(from).filter(|index| count.is_some() || *index == idx) {
        if done.messages.len() >= count.unwrap_or(1) || expired >= EXPIRED_MAX {
            break;
        }
        let key = keys.item(0, index);
        let Fetch::Ready(row) = core.row(&key, access)? else {
            return Ok(Step::Cold(Warm::Stretch(key, keys.item(0, u64::MAX))));
        };
        (from, done.next) = (index + 1, index + 1);
        let Some(row) = row.filter(|row| !row.meta.is_tombstone() && !is_past(row.meta.expire_ms, now_ms))
        else {
            expired += 1;
            continue;
        };
        bytes += row.value().len() + HEAD_BYTES_MAX;
        if bytes > BATCH_BYTES_MAX && !done.messages.is_empty() {
            done.next = index;
            break;
        }
        done.messages.push(Read { index, expire_ms: row.meta.expire_ms, item: row.into_value() });
    }
    if count.is_some() && push.runs.at_or_after(from).is_none() {
        done.next = window.ci + 1;
    }
    if let (Some(last), Some(unsettled)) = (done.messages.last(), live.unsettled.first_mut()) {
        unsettled.trim(core.engine());
        if let Some(position) = unsettled.position(last.index) {
            done.promise = Promise::durable(core.engine(), position);
        }
    }
    Ok(Step::Done(done))
}

/// The live indices of a push queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveRuns {
    /// Everything up to here was dropped on purpose.
    pub floor: u64,
    /// The window.
    pub window: Window,
    /// First and last index of each run, ascending and maximal.
    pub runs: Vec<(u64, u64)>,
}

/// See [`Queues::runs`](super::Queues::runs).
pub(crate) fn runs(core: &Core, name: &str) -> QueueResult<LiveRuns> {
    let queue = core.find(name)?;
    let mut inner = queue.inner.lock();
    let push = inner.live()?.push()?;
    let runs = push.runs.iter().map(|Run { start, end }| (start, end)).collect();
    Ok(LiveRuns { floor: push.counters.floor, window: push.window(), runs })
}

/// Figures of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStat {
    /// Its name.
    pub name: Arc<str>,
    /// What kind of queue.
    pub kind: QueueKind,
    /// Ready messages of each priority; of a push queue the live ones, in the first place.
    pub ready: [u64; PRIORITIES],
    /// Messages in flight.
    pub in_flight: u64,
    /// Delayed messages of each priority.
    pub delayed: [u64; PRIORITIES],
    /// The index before the first never delivered, or live, one, and the last one given; priority 0.
    pub window: Window,
    /// Creation, of a push queue the last publication, unix s.
    pub time_s: u64,
    /// Its settings.
    pub settings: Settings,
    /// Item bytes held.
    pub bytes: u64,
    /// Push: everything up to here was dropped on purpose.
    pub floor: u64,
    /// Deliveries that were not the first, since the node started.
    pub redelivered: u64,
    /// Messages that became dead letters or were dropped, since the node started.
    pub dead: u64,
    /// Messages that expired, since the node started.
    pub expired: u64,
    /// Merged messages that differed from those here, since the node started.
    pub conflicts: u64,
}

/// See [`Queues::stat`](super::Queues::stat).
pub(crate) fn stat(core: &Core, name: &str) -> QueueResult<QueueStat> {
    let queue = core.find(name)?;
    let mut inner = queue.inner.lock();
    Ok(figures(&queue, inner.live()?))
}

/// See [`Queues::stat_all`](super::Queues::stat_all).
pub(crate) fn stat_all(core: &Core) -> Vec<QueueStat> {
    let queues = core.all();
    let one = |queue: &Arc<Queue>| queue.inner.lock().live().ok().map(|live| figures(queue, live));
    let mut all: Vec<QueueStat> = queues.iter().filter_map(one).collect();
    all.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    all
}

/// What was counted, since the node started, of queues that are no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Departed {
    /// See [`QueueStat::redelivered`].
    pub redelivered: u64,
    /// See [`QueueStat::dead`].
    pub dead: u64,
    /// See [`QueueStat::expired`].
    pub expired: u64,
    /// See [`QueueStat::conflicts`].
    pub conflicts: u64,
}

impl Departed {
    /// Takes over the counts of a queue that ends.
    pub(crate) fn take(&mut self, stat: &QueueStat) {
        self.redelivered += stat.redelivered;
        self.dead += stat.dead;
        self.expired += stat.expired;
        self.conflicts += stat.conflicts;
    }
}

pub(crate) fn figures(queue: &Queue, live: &Live) -> QueueStat {
    let name = queue.name.clone();
    match &live.body {
        Body::Normal(normal) => normal_figures(name, live.created_s, normal),
        Body::Push(push) => push_figures(name, push),
    }
}

fn normal_figures(name: Arc<str>, created_s: u64, normal: &Normal) -> QueueStat {
    let [slots, ..] = &normal.slots;
    let [lane, ..] = &normal.counters.lanes;
    let plain = (lane.plain > 0).then_some(lane.cursor);
    let first = slots.late().next().map(|(index, _)| index).into_iter().chain(plain).min();
    let si = first.map_or(lane.last, |first| first.saturating_sub(1));
    QueueStat {
        name,
        kind: QueueKind::Normal,
        ready: normal.ready(),
        in_flight: normal.in_flight(),
        delayed: normal.slots.each_ref().map(|slots| slots.delayed_count()),
        window: Window { si, ci: lane.last },
        time_s: created_s,
        settings: normal.settings.clone(),
        bytes: normal.counters.lanes.iter().map(|lane| lane.bytes).sum(),
        floor: 0,
        redelivered: normal.events.redelivered,
        dead: normal.events.dead,
        expired: normal.events.expired,
        conflicts: 0,
    }
}

fn push_figures(name: Arc<str>, push: &Push) -> QueueStat {
    QueueStat {
        name,
        kind: QueueKind::Push,
        ready: [push.runs.count(), 0, 0],
        in_flight: 0,
        delayed: [0; PRIORITIES],
        window: push.window(),
        time_s: push.counters.published_s,
        settings: push.settings.clone(),
        bytes: push.counters.lanes[0].bytes,
        floor: push.counters.floor,
        redelivered: 0,
        dead: 0,
        expired: push.expired,
        conflicts: push.conflicts,
    }
}

/// See [`Queues::workers`](super::Queues::workers).
pub(crate) fn workers(core: &Core, name: &str) -> QueueResult<Vec<Worker>> {
    let queue = core.find(name)?;
    let mut inner = queue.inner.lock();
    let live = inner.live()?;
    live.normal()?;
    Ok(live.workers.list(core.now_ms()))
}

/// See [`Queues::changes`](super::Queues::changes).
pub(crate) fn changes(core: &Core, since: Option<u64>) -> Changes {
    let cursor = core.watch.cursor();
    let Some(since) = since else { return Changes { cursor, ..Changes::default() } };
    if !core.watch.is_ours(since) {
        return Changes { cursor, reset: true, queues: Vec::new() };
    }
    let queues = core.all().into_iter().filter(|queue| queue.stamp.is_since(since));
    let mut queues: Vec<Arc<str>> = queues.map(|queue| queue.name.clone()).collect();
    queues.sort_unstable();
    Changes { cursor, reset: false, queues }
}
