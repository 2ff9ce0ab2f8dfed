//! A task on its way to a worker. Dropped before the worker has it, it gives the task back to the board.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    Rpc, Verdict,
    board::{Back, Job},
};

/// A task on its way.
#[derive(Debug)]
pub struct Delivery {
    rpc: Arc<Rpc>,
    job: Job,
    arrived: bool,
}

impl Delivery {
    pub fn new(rpc: &Arc<Rpc>, job: Job) -> Delivery {
        Delivery { rpc: rpc.clone(), job, arrived: false }
    }

    /// What is delivered.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The worker has it.
    pub fn arrived(mut self) {
        self.arrived = true;
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if self.arrived {
            return;
        }
        let back = self.rpc.board.lock().give_back(self.job.token, Instant::now());
        match back {
            Back::Waits | Back::Gone => {}
            Back::Handed(seat, job) => self.rpc.hand(seat, job),
            // The caller may have gone.
            Back::Ended(caller) => drop(caller.send(Verdict::Late)),
        }
        self.rpc.ended.notify_waiters();
    }
}
