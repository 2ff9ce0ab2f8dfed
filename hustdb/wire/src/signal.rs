//! Signals of a server program: SIGTERM and SIGINT drain, a second one exits at once, SIGHUP reads the configuration
//! again.

use std::{io, thread};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use crate::server::Running;

/// Waits for signals. Made before the program says that it serves, so that none is missed.
#[derive(Debug)]
pub struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Takes over the signals of this process.
    pub fn new() -> io::Result<Signals> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let _inside = runtime.enter();
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let hang_up = signal(SignalKind::hangup())?;
        drop(_inside);
        Ok(Signals { runtime, terminate, interrupt, hang_up })
    }

    /// Does `work`, which must be of a kind that may be cut off at any point, on a thread called `name`; blocks. `None`
    /// if told to end before it is done: the process must end then, and the thread with it.
    pub fn unless_ended<T, F>(&mut self, name: &str, work: F) -> io::Result<Option<T>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let Signals { runtime, terminate, interrupt, .. } = self;
        let (done, result) = oneshot::channel();
        // Nobody may be waiting any more.
        thread::Builder::new().name(name.into()).spawn(move || drop(done.send(work())))?;
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => Ok(None),
                _ = interrupt.recv() => Ok(None),
                result = result => result.map(Some).map_err(io::Error::other),
            }
        })
    }

    /// Serves until told to end, then drains; blocks. `reload` runs on each SIGHUP. Returns whether all workers ended
    /// well; a second SIGTERM or SIGINT does not return but exits the process with status 1.
    pub fn serve(mut self, running: Running, mut reload: impl FnMut()) -> bool {
        let Signals { runtime, terminate, interrupt, hang_up } = &mut self;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    _ = hang_up.recv() => reload(),
                }
            }
        });
        tracing::info!("draining");
        self.drain(running)
    }

    /// Drains; blocks. Returns, and exits at a signal, as [`Signals::serve`] does.
    pub fn drain(self, running: Running) -> bool {
        let Signals { runtime, mut terminate, mut interrupt, .. } = self;
        running.control().drain();
        runtime.block_on(async {
            let workers = tokio::task::spawn_blocking(move || running.join());
            tokio::select! {
                ended = workers => ended.unwrap_or(false),
                _ = terminate.recv() => std::process::exit(1),
                _ = interrupt.recv() => std::process::exit(1),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    #[test]
    fn what_is_done_before_a_signal_is_done_and_what_is_not_is_left() {
        let mut signals = Signals::new().unwrap();
        assert_eq!(signals.unless_ended("quick", || 7).unwrap(), Some(7));
        for signal in [Signal::TERM, Signal::INT] {
            let (let_go, held) = std::sync::mpsc::channel::<()>();
            kill_process(getpid(), signal).unwrap();
            let left =
                signals.unless_ended("held", move || held.recv_timeout(Duration::from_secs(60))).unwrap();
            assert_eq!(left, None, "{signal:?}");
            drop(let_go);
        }
        let panicked = signals.unless_ended("panics", || assert_eq!(1, 2)).unwrap_err();
        assert!(panicked.to_string().contains("closed"), "{panicked}");
    }
}
