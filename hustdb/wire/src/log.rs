//! Logging: lines on stderr, from a level that can be changed while the program runs.

use std::{
    io::{self, IsTerminal},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use tracing_subscriber::{
    Registry, filter::LevelFilter, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

/// Changes the level.
#[derive(Debug, Clone)]
pub struct LogLevel(reload::Handle<LevelFilter, Registry>);

/// Begins to log at `level` (`server.log_level`). Once per process; a second call changes nothing.
pub fn init(level: &str) -> LogLevel {
    let (filter, handle) = reload::Layer::new(filter(level));
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).with_target(false);
    // Fails only if a logger is there already, which then stays.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    LogLevel(handle)
}

impl LogLevel {
    /// Logs at `level` from now on.
    pub fn set(&self, level: &str) {
        if let Err(error) = self.0.reload(filter(level)) {
            tracing::warn!("the log level stays: {error}");
        }
    }
}

/// Whether something that is done again and again fails, so that a failure is logged once and not each time.
#[derive(Debug, Default)]
pub struct Failing(AtomicBool);

impl Failing {
    /// Notes how it went this time. `true`: that it fails is news.
    pub fn is_news(&self, fails: bool) -> bool {
        !self.0.swap(fails, Relaxed) && fails
    }
}

fn filter(level: &str) -> LevelFilter {
    level.parse().unwrap_or(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_news_once_until_it_went_well() {
        let failing = Failing::default();
        let news = [false, true, true, false, false, true].map(|fails| failing.is_news(fails));
        assert_eq!(news, [false, true, false, false, false, true]);
    }
}
