//! What all commands share: the engine, the names, the numbers, the watchers, the timer's agenda.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use hust_engine::{Direction, Engine, Fetch, Key, Row};
use parking_lot::{Mutex, RwLock};

use super::{
    agenda::Agenda,
    counters::Counters,
    error::{QueueError, QueueResult},
    layout::Layout,
    options::QueueOptions,
    queue::{Body, Inner, Live, Queue},
    read::Departed,
    reclaim::{Garbage, Work},
    rows::{Access, Rows, SLOTTED},
    settings::{Identity, QueueKind, Settings, check_name},
    watch::Watch,
};
use crate::{error::Error, store::Shared};

/// Rows read ahead when a message is not in memory.
const AHEAD_ROWS: usize = 64;
/// Bytes read ahead, about.
const AHEAD_BYTES: usize = 256 << 10;
/// Rows looked at in one step of a search.
const SEARCH_ROWS: usize = 1024;
/// How often a blocking command brings to memory what it needs before it reads while it holds its queue.
const WARM_MAX: usize = 4;

/// See the module.
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) layout: Layout,
    pub(crate) options: QueueOptions,
    pub(crate) watch: Arc<Watch>,
    pub(crate) agenda: Agenda,
    /// What the reclaimer has to do.
    pub(crate) garbage: Garbage,
    names: RwLock<HashMap<Arc<str>, Arc<Queue>>>,
    /// Queues that exist.
    count: AtomicUsize,
    /// Gives incarnations and delivery numbers; begins with the number of the node's start.
    numbers: AtomicU64,
    /// Counts of queues that ended.
    pub(crate) departed: Mutex<Departed>,
}

/// The outcome of an attempt that may not block.
pub(crate) enum Step<T> {
    Done(T),
    /// It needs this first.
    Cold(Warm),
}

/// What has to come to memory.
pub(crate) enum Warm {
    /// Nothing: the rest takes too long for an event loop.
    Nothing,
    /// Rows.
    Keys(Vec<Key>),
    /// A stretch of rows, the beginning of it.
    Stretch(Key, Key),
    /// The next plain message of this priority from here to there has to be found.
    Search(Arc<Queue>, u8, u64, u64),
}

impl<T> Step<T> {
    pub(crate) fn into_fetch(self) -> Fetch<T> {
        match self {
            Step::Done(done) => Fetch::Ready(done),
            Step::Cold(_) => Fetch::Cold,
        }
    }
}

/// The place of a queue among those that may exist; given back unless it is kept.
pub(crate) struct Seat<'a> {
    core: &'a Core,
    kept: bool,
}

impl Seat<'_> {
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.core.count.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Core {
    /// Without any queue. `start` is the number of the node's start.
    pub(crate) fn new(shared: Arc<Shared>, layout: Layout, options: QueueOptions, start: u64) -> Core {
        Core {
            shared,
            layout,
            options,
            watch: Arc::new(Watch::new(start)),
            agenda: Agenda::default(),
            garbage: Garbage::default(),
            names: RwLock::default(),
            count: AtomicUsize::new(0),
            numbers: AtomicU64::new((start << 40) + 1),
            departed: Mutex::default(),
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.shared.clock.now_ms()
    }

    /// A number never given before, also by earlier runs.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::AcqRel)
    }

    /// Takes in a queue that was loaded.
    pub(crate) fn adopt(&self, queue: Arc<Queue>) {
        self.names.write().insert(queue.name.clone(), queue);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// All names, whatever they stand for now.
    pub(crate) fn all(&self) -> Vec<Arc<Queue>> {
        self.names.read().values().cloned().collect()
    }

    /// The queue of this name.
    pub(crate) fn find(&self, name: &str) -> QueueResult<Arc<Queue>> {
        self.names.read().get(name).cloned().ok_or(QueueError::Unknown)
    }

    /// The queue of this name, which may have to be created.
    pub(crate) fn enter(&self, name: &str) -> QueueResult<Arc<Queue>> {
        if let Some(queue) = self.names.read().get(name) {
            return Ok(queue.clone());
        }
        check_name("queue", name)?;
        let queue = Queue::new(name, Inner::Vacant);
        Ok(self.names.write().entry(queue.name.clone()).or_insert(queue).clone())
    }

    /// Lets a command work on the queue of this name, which it may create.
    pub(crate) fn with_entered<T>(
        &self,
        name: &str,
        mut work: impl FnMut(&Arc<Queue>, &mut Inner) -> QueueResult<T>,
    ) -> QueueResult<T> {
        loop {
            let queue = self.enter(name)?;
            let mut inner = queue.inner.lock();
            if matches!(*inner, Inner::Gone) {
                continue;
            }
            let done = work(&queue, &mut inner);
            self.leave(&queue, &mut inner);
            return done;
        }
    }

    /// Forgets a name that stands for nothing.
    pub(crate) fn leave(&self, queue: &Arc<Queue>, inner: &mut Inner) {
        if !matches!(inner, Inner::Live(_)) {
            *inner = Inner::Gone;
            self.agenda.forget(queue);
            let mut names = self.names.write();
            if names.get(&queue.name).is_some_and(|there| Arc::ptr_eq(there, queue)) {
                names.remove(&queue.name);
            }
        }
    }

    /// A deleted queue makes room.
    pub(crate) fn vacate(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    /// Room for one more queue.
    pub(crate) fn seat(&self) -> QueueResult<Seat<'_>> {
        let maximum = self.options.maximum;
        let taken = self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
            (count < maximum).then_some(count + 1)
        });
        match taken {
            Ok(_) => Ok(Seat { core: self, kept: false }),
            Err(_) => Err(QueueError::Limit(maximum)),
        }
    }

    /// A queue that is not stored yet.
    pub(crate) fn conceive(&self, name: &str, kind: QueueKind, now_ms: u64) -> Live {
        let keys = self.layout.keys(name, self.number());
        let settings = Settings::new(self.options.redelivery_timeout_s);
        let body = match kind {
            QueueKind::Normal => Body::Normal(Box::new(super::normal::Normal::new(settings))),
            QueueKind::Push => {
                Body::Push(Box::new(super::push::Push::new(settings, Counters::new(), Default::default())))
            }
        };
        Live::new(keys, now_ms / 1000, body)
    }

    /// The rows of a queue that is stored for the first time, but its counters.
    pub(crate) fn birth<'a>(rows: &mut Rows<'a>, name: &'a str, live: &mut Live) -> QueueResult<()> {
        let settings = live.settings().clone();
        let identity: Identity = live.identity(settings);
        rows.identity(&live.keys, name, &identity)
    }

    /// The row of this key.
    pub(crate) fn row(&self, key: &Key, access: Access) -> QueueResult<Fetch<Option<Row>>> {
        Ok(match access {
            Access::Try => self.engine().try_get(key)?,
            Access::Block => Fetch::Ready(self.engine().get(key)?),
        })
    }

    /// Writes rows, or says what has to be in memory for that.
    pub(crate) fn commit(&self, rows: &Rows<'_>, access: Access) -> QueueResult<Step<u64>> {
        Ok(match rows.commit(self.engine(), access)? {
            Fetch::Ready(position) => Step::Done(position),
            Fetch::Cold => Step::Cold(Warm::Keys(rows.keys())),
        })
    }

    /// Runs an attempt where blocking is allowed: what it needs comes to memory while no queue is held.
    pub(crate) fn run<T>(&self, attempt: impl Fn(Access) -> QueueResult<Step<T>>) -> QueueResult<T> {
        for _ in 0..WARM_MAX {
            match attempt(Access::Try)? {
                Step::Done(done) => return Ok(done),
                Step::Cold(warm) => self.warm(warm)?,
            }
        }
        loop {
            match attempt(Access::Block)? {
                Step::Done(done) => return Ok(done),
                Step::Cold(warm @ (Warm::Nothing | Warm::Search(..))) => self.warm(warm)?,
                Step::Cold(_) => return Err(Error::Busy("what a queue needs does not stay in memory").into()),
            }
        }
    }

    fn warm(&self, warm: Warm) -> QueueResult<()> {
        match warm {
            Warm::Nothing => {}
            Warm::Keys(keys) => {
                for key in keys {
                    if let Some(row) = self.engine().get(&key)? {
                        touch(&row);
                    }
                }
            }
            Warm::Stretch(from, to) => {
                let page = self.engine().page(from, to, Direction::Forward, AHEAD_ROWS, AHEAD_BYTES)?;
                page.rows.iter().for_each(|(_, row)| touch(row));
            }
            Warm::Search(queue, priority, from, to) => self.search(&queue, priority, from, to)?,
        }
        Ok(())
    }

    /// Finds the next plain message and leaves word of it in the queue.
    fn search(&self, queue: &Queue, priority: u8, from: u64, to: u64) -> QueueResult<()> {
        let keys = queue.inner.lock().live()?.keys;
        let (mut start, end) = (keys.item(priority, from), keys.item(priority, to));
        let found = loop {
            let page = self.engine().page_without_values(start, end, Direction::Forward, SEARCH_ROWS)?;
            let plain = |row: &Row| !row.meta.is_tombstone() && row.meta.flags & SLOTTED == 0;
            if let Some((key, _)) = page.rows.iter().find(|(_, row)| plain(row)) {
                break super::layout::item_index(*key);
            }
            match page.next {
                Some(next) => start = next,
                None => break to.saturating_add(1),
            }
        };
        let mut inner = queue.inner.lock();
        if let Ok(live) = inner.live()
            && live.keys == keys
            && let Some(hole) = live.holes.get_mut(usize::from(priority))
        {
            *hole = (from, found);
        }
        Ok(())
    }

    /// A message became ready: watchers hear of it.
    pub(crate) fn announce(&self, queue: &Queue) {
        self.watch.happened(&queue.stamp);
    }

    /// Leaves something to the reclaimer.
    pub(crate) fn collect(&self, work: Work) {
        self.garbage.add(work);
    }

    /// Has the timer look at a queue when its next event is due.
    pub(crate) fn schedule(&self, queue: &Arc<Queue>, live: &Live) {
        self.agenda.schedule(queue, live.next_event_ms());
    }
}

/// Brings all bytes of a row to memory.
fn touch(row: &Row) {
    // The engine may hand out a value without a look at all of its pages; a checksum looks at every byte.
    std::hint::black_box(crc32fast::hash(row.value()));
}
