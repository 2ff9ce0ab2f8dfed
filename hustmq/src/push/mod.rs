//! Push queues.
