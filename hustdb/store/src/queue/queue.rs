//! One queue in memory: its state behind a lock of its own, and what only this process remembers of it.
//!
//! The lock is held for a decision and the append of its batch, never for a read from the disk. Where two queues are
//! locked together it is in the order of their names. Locks of the engine are taken inside of it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    counters::{Counters, PRIORITIES},
    error::{QueueError, QueueResult},
    layout::QueueKeys,
    normal::Normal,
    promise::Unsettled,
    push::Push,
    settings::{Identity, QueueKind, Settings},
    watch::Stamp,
    workers::Workers,
};

/// How long expiries are gathered before they are swept, ms. No get shows what has expired meanwhile.
const GATHER_MS: u64 = 500;

/// A name and what it stands for now.
pub(crate) struct Queue {
    pub(crate) name: Arc<str>,
    pub(crate) inner: Mutex<Inner>,
    /// The last event, for watchers.
    pub(crate) stamp: Stamp,
    /// When the timer looks at it next, unix ms; `u64::MAX` = never.
    pub(crate) scheduled_ms: AtomicU64,
    /// Whether the reclaimer has it on its list.
    pub(crate) listed: AtomicBool,
    /// Whether what was due could not be handled when the timer last looked.
    pub(crate) failing: AtomicBool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a name stands for.
#[derive(Debug)]
pub(crate) enum Inner {
    /// Nothing yet; the command that found it so may create it.
    Vacant,
    /// Nothing any more: look the name up again.
    Gone,
    /// A queue.
    Live(Box<Live>),
}

/// An existing queue.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) keys: QueueKeys,
    pub(crate) created_s: u64,
    pub(crate) body: Body,
    pub(crate) workers: Workers,
    pub(crate) unsettled: [Unsettled; PRIORITIES],
    /// Where a search found the next plain message of a priority: from this index to that there is none.
    pub(crate) holes: [(u64, u64); PRIORITIES],
    /// No row of the expiry table has an earlier time; `u64::MAX` = there is none.
    pub(crate) expiries_from_ms: u64,
    /// The same for the table of id times.
    pub(crate) ids_from_ms: u64,
}

/// What a queue is.
#[derive(Debug)]
pub(crate) enum Body {
    Normal(Box<Normal>),
    Push(Box<Push>),
}

impl Queue {
    pub(crate) fn new(name: &str, inner: Inner) -> Arc<Queue> {
        Arc::new(Queue {
            name: Arc::from(name),
            inner: Mutex::new(inner),
            stamp: Stamp::default(),
            scheduled_ms: AtomicU64::new(u64::MAX),
            listed: AtomicBool::new(false),
            failing: AtomicBool::new(false),
        })
    }

    /// When the timer looks at it next.
    pub(crate) fn scheduled_ms(&self) -> u64 {
        self.scheduled_ms.load(Ordering::Acquire)
    }
}

impl Inner {
    /// The queue, if there is one.
    pub(crate) fn live(&mut self) -> QueueResult<&mut Live> {
        match self {
            Inner::Live(live) => Ok(live),
            Inner::Vacant | Inner::Gone => Err(QueueError::Unknown),
        }
    }
}

impl Live {
    pub(crate) fn new(keys: QueueKeys, created_s: u64, body: Body) -> Live {
        Live {
            keys,
            created_s,
            body,
            workers: Workers::default(),
            unsettled: Default::default(),
            holes: [(0, 0); PRIORITIES],
            expiries_from_ms: u64::MAX,
            ids_from_ms: u64::MAX,
        }
    }

    /// The normal queue, or why it is none.
    pub(crate) fn normal(&mut self) -> QueueResult<&mut Normal> {
        match &mut self.body {
            Body::Normal(normal) => Ok(normal),
            Body::Push(_) => Err(QueueError::OtherKind(QueueKind::Push)),
        }
    }

    /// The push queue, or why it is none.
    pub(crate) fn push(&mut self) -> QueueResult<&mut Push> {
        match &mut self.body {
            Body::Push(push) => Ok(push),
            Body::Normal(_) => Err(QueueError::OtherKind(QueueKind::Normal)),
        }
    }

    pub(crate) fn kind(&self) -> QueueKind {
        match self.body {
            Body::Normal(_) => QueueKind::Normal,
            Body::Push(_) => QueueKind::Push,
        }
    }

    pub(crate) fn settings(&mut self) -> &mut Settings {
        match &mut self.body {
            Body::Normal(normal) => &mut normal.settings,
            Body::Push(push) => &mut push.settings,
        }
    }

    pub(crate) fn counters(&mut self) -> &mut Counters {
        match &mut self.body {
            Body::Normal(normal) => &mut normal.counters,
            Body::Push(push) => &mut push.counters,
        }
    }

    /// What the settings row is to hold with these settings.
    pub(crate) fn identity(&self, settings: Settings) -> Identity {
        let (incarnation, created_s) = (self.keys.incarnation, self.created_s);
        Identity { incarnation, kind: self.kind(), created_s, settings }
    }

    /// When the timer has to look at it, ms.
    pub(crate) fn next_event_ms(&self) -> u64 {
        let (entries_ms, dedup_s) = match &self.body {
            Body::Normal(normal) => (normal.next_event_ms(), normal.settings.dedup_s),
            Body::Push(_) => (None, 0),
        };
        let ids_ms = self.ids_from_ms.saturating_add(dedup_s.saturating_mul(1000));
        let swept_ms = self.expiries_from_ms.min(ids_ms).saturating_add(GATHER_MS);
        entries_ms.unwrap_or(u64::MAX).min(swept_ms)
    }
}
