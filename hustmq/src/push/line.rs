//! The line of a queue: pubs one at a time in the order in which they came, deletes alone, catching up beside pubs.
//!
//! A line is kept as long as somebody holds or wants a turn, so there are never more than there are requests.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{Mutex as Queue, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// All lines.
#[derive(Debug, Default)]
pub struct LinesOfPubs(Mutex<HashMap<Arc<str>, Arc<Line>>>);

#[derive(Debug, Default)]
struct Line {
    /// One pub or delete at a time, in order.
    turn: Arc<Queue<()>>,
    /// Many at a time, but a delete alone.
    shared: Arc<RwLock<()>>,
}

/// Keeps a line while somebody uses it.
#[derive(Debug)]
struct Used {
    lines: Arc<LinesOfPubs>,
    queue: Arc<str>,
    line: Arc<Line>,
}

/// A turn to publish.
#[derive(Debug)]
pub struct Turn {
    _turn: OwnedMutexGuard<()>,
    _shared: OwnedRwLockReadGuard<()>,
    _used: Used,
}

/// A turn to catch up.
#[derive(Debug)]
pub struct Beside {
    _shared: OwnedRwLockReadGuard<()>,
    _used: Used,
}

/// A turn to delete.
#[derive(Debug)]
pub struct Alone {
    _turn: OwnedMutexGuard<()>,
    _shared: OwnedRwLockWriteGuard<()>,
    _used: Used,
}

impl LinesOfPubs {
    /// Waits for the turn to publish.
    pub async fn turn(self: &Arc<LinesOfPubs>, queue: &str) -> Turn {
        let used = self.enter(queue);
        let turn = used.line.turn.clone().lock_owned().await;
        Turn { _turn: turn, _shared: used.line.shared.clone().read_owned().await, _used: used }
    }

    /// Waits until no delete is under way.
    pub async fn beside(self: &Arc<LinesOfPubs>, queue: &str) -> Beside {
        let used = self.enter(queue);
        Beside { _shared: used.line.shared.clone().read_owned().await, _used: used }
    }

    /// Waits for those before it, and keeps everybody else waiting.
    pub async fn alone(self: &Arc<LinesOfPubs>, queue: &str) -> Alone {
        let used = self.enter(queue);
        let turn = used.line.turn.clone().lock_owned().await;
        Alone { _turn: turn, _shared: used.line.shared.clone().write_owned().await, _used: used }
    }

    fn enter(self: &Arc<LinesOfPubs>, queue: &str) -> Used {
        let mut lines = self.0.lock();
        let (queue, line) = match lines.get_key_value(queue) {
            Some((queue, line)) => (queue.clone(), line.clone()),
            None => {
                let (queue, line): (Arc<str>, Arc<Line>) = (queue.into(), Arc::default());
                lines.insert(queue.clone(), line.clone());
                (queue, line)
            }
        };
        Used { lines: self.clone(), queue, line }
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        let mut lines = self.lines.0.lock();
        // Ours and that of the map: nobody else uses the line, and nobody can begin to meanwhile.
        if Arc::strong_count(&self.line) == 2 {
            lines.remove(&self.queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn is_ready<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn pubs_in_order_a_delete_alone() {
        let lines: Arc<LinesOfPubs> = Arc::default();
        let first = is_ready(pin!(lines.turn("q"))).expect("nobody is before it");
        assert!(is_ready(pin!(lines.turn("other"))).is_some(), "another queue");
        let beside = is_ready(pin!(lines.beside("q"))).expect("beside a pub");
        let (mut second, mut third) = (pin!(lines.turn("q")), pin!(lines.alone("q")));
        let mut fourth = pin!(lines.turn("q"));
        assert!(is_ready(second.as_mut()).is_none() && is_ready(third.as_mut()).is_none());
        assert!(is_ready(fourth.as_mut()).is_none());
        drop(first);
        let second = is_ready(second.as_mut()).expect("its turn");
        assert!(is_ready(third.as_mut()).is_none());
        drop(second);
        assert!(is_ready(third.as_mut()).is_none(), "not beside catching up");
        assert!(is_ready(fourth.as_mut()).is_none());
        drop(beside);
        let third = is_ready(third.as_mut()).expect("alone");
        assert!(is_ready(pin!(lines.beside("q"))).is_none() && is_ready(fourth.as_mut()).is_none());
        drop(third);
        drop(is_ready(fourth.as_mut()).expect("the last"));
    }

    #[test]
    fn a_line_goes_with_its_last_user() {
        let lines: Arc<LinesOfPubs> = Arc::default();
        let turn = is_ready(pin!(lines.turn("q"))).expect("free");
        {
            let mut waits = pin!(lines.turn("q"));
            assert!(is_ready(waits.as_mut()).is_none());
        }
        assert_eq!(lines.0.lock().len(), 1);
        drop(turn);
        assert_eq!(lines.0.lock().len(), 0);
    }
}
