//! A thread with a runtime of its own, for what no request waits for: checks, polls, work that goes on when the client
//! that caused it has gone.

use std::{future::Future, io, thread};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::JoinHandle,
};

/// Runs things on the thread.
#[derive(Clone, Debug)]
pub struct Background(Handle);

/// Ends the thread, and what runs on it, when dropped.
#[derive(Debug)]
pub struct Stop {
    end: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Background {
    /// Starts the thread, called `name`.
    pub fn start(name: &str) -> io::Result<(Background, Stop)> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let background = Background(runtime.handle().clone());
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            // Told to end, or whoever could tell has gone.
            let _ = runtime.block_on(ended);
        })?;
        Ok((background, Stop { end: Some(end), thread: Some(thread) }))
    }

    /// Runs something on the thread.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.spawn(work)
    }

    /// Runs something on the thread and waits for it. Not for use inside a runtime.
    pub fn wait<F>(&self, work: F) -> io::Result<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (done, result) = std::sync::mpsc::sync_channel(1);
        self.spawn(async move {
            // The receiver waits until this has run.
            let _ = done.send(work.await);
        });
        result.recv().map_err(io::Error::other)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a background thread panicked");
        }
    }
}
