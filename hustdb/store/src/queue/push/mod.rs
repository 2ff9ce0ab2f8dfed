//! Push queues, decided: the window, what a publication drops, what a merge takes.

pub(crate) mod runs;
pub(crate) mod window;

pub(crate) use runs::{Journal, Run, Runs};
pub(crate) use window::Push;
