//! Signals of a server program: SIGTERM and SIGINT drain, a second one exits at once, SIGHUP reads the configuration
//! again.

use std::io;

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
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

    /// Serves until told to end, then drains; blocks. `reload` runs on each SIGHUP. Returns whether all workers ended
    /// well; a second SIGTERM or SIGINT does not return but exits the process with status 1.
    pub fn serve(self, running: Running, mut reload: impl FnMut()) -> bool {
        let Signals { runtime, mut terminate, mut interrupt, mut hang_up } = self;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    _ = hang_up.recv() => reload(),
                }
            }
            tracing::info!("draining");
            running.control().drain();
            let workers = tokio::task::spawn_blocking(move || running.join());
            tokio::select! {
                ended = workers => ended.unwrap_or(false),
                _ = terminate.recv() => std::process::exit(1),
                _ = interrupt.recv() => std::process::exit(1),
            }
        })
    }
}
