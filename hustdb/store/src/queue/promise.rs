//! What an answer waits for: that what it says will hold.
//!
//! Two degrees: *durable* as the engine's mode has it, for puts and acks; *written*, that is in the files but perhaps
//! not synced, for leases, which a crash of the process must not lose and a loss of power may.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use hust_engine::{Engine, SyncMode, Ticket};

use crate::error::Result;

/// Waits until an answer may be given, by [`Promise::wait`] or as a future.
#[derive(Debug, Default)]
pub struct Promise {
    durable: Option<Ticket>,
    written: Option<Written>,
}

#[derive(Debug)]
struct Written {
    engine: Engine,
    position: u64,
    yielded: bool,
}

impl Promise {
    /// That all up to `position` is durable.
    pub(crate) fn durable(engine: &Engine, position: u64) -> Promise {
        Promise { durable: Some(engine.ticket(position)), written: None }
    }

    /// That all up to `durable` is durable and all up to `written` in the files.
    pub(crate) fn lease(engine: &Engine, durable: Option<u64>, written: u64) -> Promise {
        if engine.options().sync != SyncMode::Always {
            return Promise::durable(engine, written);
        }
        let durable = durable.filter(|position| !engine.is_acknowledged(*position));
        let written = Written { engine: engine.clone(), position: written, yielded: false };
        Promise { durable: durable.map(|position| engine.ticket(position)), written: Some(written) }
    }

    /// That both hold, with one wait: what is further in the log holds what is before it.
    #[must_use]
    pub fn and(self, other: Promise) -> Promise {
        Promise {
            durable: self.durable.into_iter().chain(other.durable).max_by_key(Ticket::end),
            written: self.written.into_iter().chain(other.written).max_by_key(|written| written.position),
        }
    }

    /// Does what is quick of what it waits for at once, on this thread: for threads that nobody else waits for.
    pub fn hasten(&self) {
        if let Some(ticket) = &self.durable {
            ticket.hasten();
        }
        if let Some(written) = &self.written {
            // What went wrong is known to the engine, which is asked again.
            let _ = written.engine.write_out(written.position);
        }
    }

    /// Blocks until it holds.
    pub fn wait(self) -> Result<()> {
        if let Some(ticket) = self.durable {
            ticket.wait()?;
        }
        if let Some(written) = self.written {
            written.engine.write_out(written.position)?;
        }
        Ok(())
    }
}

impl Future for Promise {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if let Some(ticket) = &mut self.durable {
            match Pin::new(ticket).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Ready(Ok(())) => self.durable = None,
            }
        }
        let Some(written) = &mut self.written else { return Poll::Ready(Ok(())) };
        if written.engine.is_written(written.position) {
            return Poll::Ready(Ok(()));
        }
        if !written.yielded {
            // The other tasks that are ready append too before this one writes for all of them.
            written.yielded = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(written.engine.write_out(written.position).map_err(Into::into))
    }
}

/// Messages whose puts are not known to be durable, with the log position of each put.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    /// Everything up to this index is durable.
    settled: u64,
    puts: VecDeque<(u64, u64)>,
}

impl Unsettled {
    /// Everything up to `index` is durable.
    pub(crate) fn after(index: u64) -> Unsettled {
        Unsettled { settled: index, puts: VecDeque::new() }
    }

    /// Everything up to `index` was put by `position`.
    pub(crate) fn note(&mut self, index: u64, position: u64, engine: &Engine) {
        self.trim(engine);
        let last = self.puts.back().map_or(self.settled, |(last, _)| *last);
        if index > last {
            self.puts.push_back((index, position));
        }
    }

    /// Something up to the last index was put by `position`.
    pub(crate) fn note_below(&mut self, last: u64, position: u64) {
        *self = Unsettled { settled: 0, puts: VecDeque::from([(last, position)]) };
    }

    /// The position that must be durable before the message may be shown, if there is one.
    pub(crate) fn position(&self, index: u64) -> Option<u64> {
        if index <= self.settled {
            return None;
        }
        let at = self.puts.partition_point(|(last, _)| *last < index);
        self.puts.get(at).map(|(_, position)| *position)
    }

    /// Forgets what is durable.
    pub(crate) fn trim(&mut self, engine: &Engine) {
        while let Some((index, _)) = self.puts.pop_front_if(|(_, at)| engine.is_acknowledged(*at)) {
            self.settled = index;
        }
    }
}
