//! What queues are opened with.

/// Options of the queues of a store.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// Queues of both kinds.
    pub maximum: usize,
    /// Redelivery timeout of a new queue, seconds.
    pub redelivery_timeout_s: u64,
    /// Longest ttl of a published message, seconds.
    pub push_ttl_maximum_s: u64,
    /// Whether threads notice deadlines and delete what was purged; if not, [`Queues::tick`](crate::Queues::tick) and
    /// [`Queues::reclaim`](crate::Queues::reclaim) do when they are called.
    pub threads: bool,
}

impl Default for QueueOptions {
    fn default() -> QueueOptions {
        QueueOptions { maximum: 8192, redelivery_timeout_s: 300, push_ttl_maximum_s: 7200, threads: true }
    }
}
