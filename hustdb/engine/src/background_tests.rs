//! How background work ends: with the engine, and when writing has stopped.

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::{
    Options,
    clock::{Clock, SystemClock},
    vfs::SimVfs,
};

/// Counts what is logged.
struct Lines(Arc<AtomicUsize>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Relaxed);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn what_a_normal_end_cuts_short_is_not_warned_of() {
    let mut options = Options::new("/db");
    options.vfs = Arc::new(SimVfs::new(1));
    options.background = Background::Manual;
    let engine = Engine::open(options).unwrap();
    let lines = Arc::new(AtomicUsize::new(0));
    tracing::subscriber::with_default(Lines(lines.clone()), || {
        engine.inner.report(&Error::Busy("a test"));
        assert_eq!(lines.load(Relaxed), 1, "whoever waits says so");
        engine.inner.signal.stop();
        engine.inner.run(|_| Err(Error::Busy("stopping")));
        assert_eq!(lines.load(Relaxed), 1);
        engine.inner.run(|_| Err(Error::Full("no room to end".into())));
        assert_eq!(lines.load(Relaxed), 2);
    });
    assert!(engine.inner.log.poisoned().is_none());
    engine.close().unwrap();
}

#[test]
fn threads_end_when_writing_has_stopped() {
    let mut options = Options::new("/db");
    options.vfs = Arc::new(SimVfs::new(1));
    let engine = Engine::open(options).unwrap();
    let over = || engine.workers.threads.lock().iter().all(JoinHandle::is_finished);
    assert!(!over());
    engine.inner.log.poison("a test");
    let clock = SystemClock::new();
    while !over() {
        assert!(clock.monotonic() < Duration::from_secs(60));
        std::thread::yield_now();
    }
    assert!(engine.close().is_err());
}
