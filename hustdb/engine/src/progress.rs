//! How far the log has got: for callers that wait for less, or for an earlier write, than a ticket of their own.

use crate::{Result, Ticket, engine::Engine};

impl Engine {
    /// A ticket for everything appended below `position`, the [`Ticket::end`] of another.
    pub fn ticket(&self, position: u64) -> Ticket {
        self.inner.log.ticket(position)
    }

    /// Whether a ticket for `position` would be done.
    pub fn is_acknowledged(&self, position: u64) -> bool {
        self.inner.log.acknowledged() >= position
    }

    /// Whether everything below `position` is in the files: a crash of the process does not lose it, a loss of power
    /// may.
    pub fn is_written(&self, position: u64) -> bool {
        self.inner.log.written_to() >= position
    }

    /// Puts everything below `position` into the files without waiting for a sync.
    pub fn write_out(&self, position: u64) -> Result<()> {
        self.inner.log.write_out(position)
    }
}
