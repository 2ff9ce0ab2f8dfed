//! Whether a connection has its worker to itself.
//!
//! A command may then do on the worker's thread what blocks for a moment: nobody else waits there, and handing it to
//! another thread and back would cost more. Connections are counted by the thread that serves them from first to last.

use std::cell::Cell;

thread_local! {
    static OPEN: Cell<usize> = const { Cell::new(0) };
}

/// An open connection of this thread, which drops it in the end.
pub struct Here(());

impl Here {
    /// One more is open.
    pub fn enter() -> Here {
        OPEN.set(OPEN.get() + 1);
        Here(())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        OPEN.set(OPEN.get().saturating_sub(1));
    }
}

/// Whether this thread serves one connection and no more; asked on the thread of a worker.
pub fn is_alone() -> bool {
    OPEN.get() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_alone_and_two_are_not() {
        assert!(!is_alone());
        let first = Here::enter();
        assert!(is_alone());
        let second = Here::enter();
        assert!(!is_alone());
        drop(first);
        assert!(is_alone());
        std::thread::scope(|scope| scope.spawn(|| assert!(!is_alone())).join().unwrap());
        drop(second);
        assert!(!is_alone());
    }
}
