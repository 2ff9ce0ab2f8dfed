//! Which segments to forget, and which to collect: pure decisions over the use of each segment.

use crate::log::SegmentKind;

/// How a segment is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentUse {
    /// Its number.
    pub id: u32,
    /// Hot or cold.
    pub kind: SegmentKind,
    /// Bytes of the file.
    pub size_bytes: u64,
    /// Bytes of values that newest rows point to.
    pub live_bytes: u64,
    /// Nothing is appended any more.
    pub sealed: bool,
    /// All its rows are in tables.
    pub flushed: bool,
}

/// When collecting pays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Size of all segments over live bytes that is borne while there are writes.
    pub space_amp_busy: f64,
    /// The same at rest.
    pub space_amp_idle: f64,
    /// Segments with a greater live share are left alone at rest.
    pub live_share_max: f64,
}

impl Default for Config {
    fn default() -> Config {
        Config { space_amp_busy: 1.8, space_amp_idle: 1.15, live_share_max: 0.9 }
    }
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Segments that nothing needs any more.
    pub forget: Vec<u32>,
    /// The segment whose live values should be moved.
    pub collect: Option<u32>,
}

/// Decides.
pub fn pick(segments: &[SegmentUse], config: &Config, idle: bool) -> Decision {
    let done = || segments.iter().filter(|segment| segment.sealed && segment.flushed);
    let forget: Vec<u32> = done().filter(|segment| segment.live_bytes == 0).map(|segment| segment.id).collect();
    let live: u64 = segments.iter().map(|segment| segment.live_bytes).sum();
    let size: u64 = done().map(|segment| segment.size_bytes).sum();
    let cap = if idle { config.space_amp_idle } else { config.space_amp_busy };
    let share = |segment: &SegmentUse| segment.live_bytes as f64 / segment.size_bytes.max(1) as f64;
    let collect = done()
        .filter(|segment| segment.live_bytes > 0 && share(segment) <= config.live_share_max)
        .min_by(|a, b| share(a).total_cmp(&share(b)))
        .filter(|_| size as f64 > cap * live as f64)
        .map(|segment| segment.id);
    Decision { forget, collect }
}
