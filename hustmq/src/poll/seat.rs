//! A waiter's place in a line, given up when dropped: whoever hangs up is out of the line at once, and a message that
//! had just been claimed for him is there for the next.

use std::sync::Arc;

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{State, Wake, look};
use crate::front::Front;

/// A place in a line.
pub struct Place<'a> {
    front: &'a Arc<Front>,
    queue: &'a str,
    line: Line,
    seat: oneshot::Receiver<Wake>,
}

/// Which line, and where.
#[derive(Clone, Copy)]
pub enum Line {
    /// The messages of a normal queue; the number.
    Messages(u64),
    /// The index of a push queue; the number.
    Index(u64, u64),
}

impl<'a> Place<'a> {
    /// A place in the line for messages; a new one, or an old one once more. `None` if the front ends.
    pub fn for_message(front: &'a Arc<Front>, queue: &'a str, number: &mut Option<u64>) -> Option<Place<'a>> {
        Place::enter(front, queue, |state, wake| {
            let number = *number.get_or_insert_with(|| state.lines.number());
            state.lines.enter(queue, number, wake);
            Line::Messages(number)
        })
    }

    /// A place among those who wait for an index. `None` if the front ends.
    pub fn for_index(front: &'a Arc<Front>, queue: &'a str, index: u64) -> Option<Place<'a>> {
        Place::enter(front, queue, |state, wake| Line::Index(index, state.readers.enter(queue, index, wake)))
    }

    fn enter(
        front: &'a Arc<Front>,
        queue: &'a str,
        enter: impl FnOnce(&mut State, oneshot::Sender<Wake>) -> Line,
    ) -> Option<Place<'a>> {
        let (wake, seat) = oneshot::channel();
        let mut state = front.polls.state.lock();
        if state.draining {
            return None;
        }
        let line = enter(&mut state, wake);
        front.polls.note_waiting(&state);
        drop(state);
        Some(Place { front, queue, line, seat })
    }

    /// Waits until woken; `None` when the time is over.
    pub async fn wait(mut self, until: Instant) -> Option<Wake> {
        if let Ok(wake) = timeout_at(until, &mut self.seat).await {
            return wake.ok();
        }
        if self.leave() {
            return None;
        }
        // Woken in the last moment.
        self.seat.try_recv().ok()
    }

    /// Whether it was still in the line.
    fn leave(&self) -> bool {
        let mut state = self.front.polls.state.lock();
        let left = match self.line {
            Line::Messages(number) => state.lines.leave(self.queue, number),
            Line::Index(index, number) => state.readers.leave(self.queue, index, number),
        };
        self.front.polls.note_waiting(&state);
        left
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.leave()
            && let (Line::Messages(_), Ok(Wake::Go(node))) = (self.line, self.seat.try_recv())
        {
            passed(self.front, self.queue, Some(node));
            look(self.front, self.queue, node);
        }
    }
}

/// A get of this queue passed this front: it took something from `node`, or nothing was there. Ends one claim.
pub fn passed(front: &Arc<Front>, queue: &str, node: Option<usize>) {
    let short = front.polls.state.lock().lines.passed(queue, node, Instant::now());
    for node in short {
        look(front, queue, node);
    }
}
