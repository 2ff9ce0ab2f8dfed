//! The queues of a store: one call a command.
//!
//! Each command that may need the disk has a blocking form and a `try_` form that answers [`Fetch::Cold`] where it
//! would have to read from it; the caller then runs the blocking form where blocking is allowed. Both share one
//! attempt. The other calls never wait for the disk. Every answer has a [`Promise`] to wait for before it is given.

use std::{fmt, sync::Arc};

use hust_engine::Fetch;

use super::{
    admin::{self, Configured, Purge},
    core::Core,
    error::QueueResult,
    get::{self, Get, GetDone},
    layout::Layout,
    load,
    normal::settle::Verdict,
    options::QueueOptions,
    promise::Promise,
    publish::{self, Copy, Merged, Publication, Published},
    put::{self, NewMessage, PutDone},
    read::{self, Departed, LiveRuns, QueueStat, SubDone},
    reclaim,
    rows::Access,
    settings::Change,
    settle::{self, Settlement},
    threads::Threads,
    tick,
    token::Token,
    watch::{Changes, NextEvent},
    workers::Worker,
};
use crate::{error::Error, store::Shared};

/// See the module.
#[derive(Clone)]
pub struct Queues {
    core: Arc<Core>,
}

impl fmt::Debug for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queues").finish_non_exhaustive()
    }
}

impl Queues {
    /// Loads all queues. Blocks.
    pub(crate) fn open(
        shared: &Arc<Shared>,
        partition_bits: u32,
        options: QueueOptions,
    ) -> Result<Queues, Error> {
        let as_error = |error| match error {
            super::QueueError::Store(error) => error,
            other => Error::invalid("queue", other.to_string()),
        };
        let layout = Layout::new(partition_bits);
        let tables = layout.partitions().first().copied().unwrap_or_default();
        let start = load::start_number(&shared.engine, &tables).map_err(as_error)?;
        let core = Arc::new(Core::new(shared.clone(), layout, options, start));
        load::load(&core).map_err(as_error)?;
        Ok(Queues { core })
    }

    /// Starts the threads, if that is asked for.
    pub(crate) fn start(&self) -> Result<Option<Threads>, Error> {
        if !self.core.options.threads {
            return Ok(None);
        }
        let threads = Threads::start(&self.core);
        threads.map(Some).map_err(|cause| Error::Engine(hust_engine::Error::io("starting the queues", cause)))
    }

    /// Puts messages, all or none; a queue that is not there is created. May block on the disk.
    pub fn put(&self, queue: &str, messages: &[NewMessage<'_>]) -> QueueResult<PutDone> {
        self.core.run(|access| put::attempt(&self.core, queue, messages, access))
    }

    /// [`Queues::put`] without blocking.
    pub fn try_put(&self, queue: &str, messages: &[NewMessage<'_>]) -> QueueResult<Fetch<PutDone>> {
        Ok(put::attempt(&self.core, queue, messages, Access::Try)?.into_fetch())
    }

    /// Takes the next messages of a normal queue. May block on the disk.
    pub fn get(&self, queue: &str, get: &Get<'_>) -> QueueResult<GetDone> {
        self.core.run(|access| get::attempt(&self.core, queue, get, access))
    }

    /// [`Queues::get`] without blocking.
    pub fn try_get(&self, queue: &str, get: &Get<'_>) -> QueueResult<Fetch<GetDone>> {
        Ok(get::attempt(&self.core, queue, get, Access::Try)?.into_fetch())
    }

    /// Acknowledges, gives back or prolongs deliveries; `None` stands for a token that no node made.
    /// [`QueueError::NotCurrent`](super::QueueError::NotCurrent) if none of them is current. May block on the disk.
    pub fn settle(&self, queue: &str, tokens: &[Option<Token>], verdict: Verdict) -> QueueResult<Settlement> {
        self.core.run(|access| settle::attempt(&self.core, queue, tokens, verdict, access))
    }

    /// [`Queues::settle`] without blocking.
    pub fn try_settle(
        &self,
        queue: &str,
        tokens: &[Option<Token>],
        verdict: Verdict,
    ) -> QueueResult<Fetch<Settlement>> {
        Ok(settle::attempt(&self.core, queue, tokens, verdict, Access::Try)?.into_fetch())
    }

    /// Changes settings, all or none, and answers them. With `create` a normal queue that is not there is made. May
    /// block on the disk.
    pub fn configure(&self, queue: &str, change: &Change, create: bool) -> QueueResult<Configured> {
        self.core.run(|access| admin::configure(&self.core, queue, change, create, access))
    }

    /// [`Queues::configure`] without blocking.
    pub fn try_configure(
        &self,
        queue: &str,
        change: &Change,
        create: bool,
    ) -> QueueResult<Fetch<Configured>> {
        Ok(admin::configure(&self.core, queue, change, create, Access::Try)?.into_fetch())
    }

    /// Removes messages. A normal queue that has nothing left goes itself. May block on the disk.
    pub fn purge(&self, queue: &str, purge: Purge) -> QueueResult<Promise> {
        self.core.run(|access| admin::purge(&self.core, queue, purge, access))
    }

    /// [`Queues::purge`] without blocking.
    pub fn try_purge(&self, queue: &str, purge: Purge) -> QueueResult<Fetch<Promise>> {
        Ok(admin::purge(&self.core, queue, purge, Access::Try)?.into_fetch())
    }

    /// Removes a queue with everything. May block on the disk.
    pub fn delete(&self, queue: &str) -> QueueResult<Promise> {
        self.core.run(|access| admin::delete(&self.core, queue, access))
    }

    /// [`Queues::delete`] without blocking.
    pub fn try_delete(&self, queue: &str) -> QueueResult<Fetch<Promise>> {
        Ok(admin::delete(&self.core, queue, Access::Try)?.into_fetch())
    }

    /// Publishes a message; a queue that is not there is created. May block on the disk.
    pub fn publish(&self, queue: &str, publication: &Publication<'_>) -> QueueResult<Published> {
        self.core.run(|access| publish::attempt(&self.core, queue, publication, access))
    }

    /// [`Queues::publish`] without blocking.
    pub fn try_publish(&self, queue: &str, publication: &Publication<'_>) -> QueueResult<Fetch<Published>> {
        Ok(publish::attempt(&self.core, queue, publication, Access::Try)?.into_fetch())
    }

    /// Takes in messages of other nodes under their own indices. May block on the disk.
    pub fn merge(&self, queue: &str, floor: u64, copies: &[Copy<'_>]) -> QueueResult<Merged> {
        self.core.run(|access| publish::merge(&self.core, queue, floor, copies, access))
    }

    /// Reads the published message `idx`, or with `count` up to so many from there on. May block on the disk.
    pub fn subscribe(&self, queue: &str, idx: u64, count: Option<usize>) -> QueueResult<SubDone> {
        self.core.run(|access| read::subscribe(&self.core, queue, idx, count, access))
    }

    /// [`Queues::subscribe`] without blocking.
    pub fn try_subscribe(&self, queue: &str, idx: u64, count: Option<usize>) -> QueueResult<Fetch<SubDone>> {
        Ok(read::subscribe(&self.core, queue, idx, count, Access::Try)?.into_fetch())
    }

    /// The live indices of a push queue.
    pub fn runs(&self, queue: &str) -> QueueResult<LiveRuns> {
        read::runs(&self.core, queue)
    }

    /// Figures of a queue.
    pub fn stat(&self, queue: &str) -> QueueResult<QueueStat> {
        read::stat(&self.core, queue)
    }

    /// Figures of all queues, by name.
    pub fn stat_all(&self) -> Vec<QueueStat> {
        read::stat_all(&self.core)
    }

    /// Counts of queues that are no more.
    pub fn departed(&self) -> Departed {
        *self.core.departed.lock()
    }

    /// Who asked a normal queue for messages lately, by name.
    pub fn workers(&self, queue: &str) -> QueueResult<Vec<Worker>> {
        read::workers(&self.core, queue)
    }

    /// Queues in which messages became fetchable since a cursor; without one, the present cursor.
    pub fn changes(&self, since: Option<u64>) -> Changes {
        read::changes(&self.core, since)
    }

    /// A future that ends with the next event in any queue. Make it before [`Queues::changes`] is asked a last time,
    /// and no event is missed in between. When the store closes it ends at once.
    pub fn next_event(&self) -> NextEvent {
        self.core.watch.next_event()
    }

    /// Ends all waiting for events, now and for ever: the node is draining.
    pub fn close_watch(&self) {
        self.core.watch.close();
    }

    /// Handles what is due now, as the timer does. May block on the disk.
    pub fn tick(&self) -> QueueResult<()> {
        let now_ms = self.core.now_ms();
        while let Some(queue) = self.core.agenda.take(now_ms) {
            let done = tick::tick(&self.core, &queue, now_ms);
            if done.is_err() {
                self.core.agenda.schedule(&queue, now_ms);
            }
            done?;
        }
        Ok(())
    }

    /// Deletes the rows of what was purged or deleted, as the reclaimer does. May block on the disk.
    pub fn reclaim(&self) -> QueueResult<()> {
        let mut work = self.core.garbage.take_all();
        while let Some(one) = work.pop() {
            let done = reclaim::run(&self.core, &one);
            if done.is_err() {
                self.core.garbage.add(one);
                work.drain(..).for_each(|one| self.core.garbage.add(one));
            }
            done?;
        }
        Ok(())
    }
}
