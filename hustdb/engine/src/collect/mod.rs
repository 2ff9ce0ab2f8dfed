//! Collection: which segment of the content log to empty next.
//!
//! A segment whose values are all dead is forgotten for nothing. Any other is freed by moving its live values to a cold
//! segment, which costs a write of what lives and frees what is dead. While the engine is busy that is put off until
//! space amplification reaches a cap, because the longer a segment waits the fewer of its values live; once idle, space
//! is taken back down to a lower cap. The choice is greedy: the lowest live share first.

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use crate::log::SegmentKind;

/// The use of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentUse {
    /// Segment number.
    pub id: u32,
    /// Where its values came from.
    pub kind: SegmentKind,
    /// Bytes written to it.
    pub size_bytes: u64,
    /// Bytes of values that a row still points to.
    pub live_bytes: u64,
    /// No longer written.
    pub sealed: bool,
    /// Holds no rows that are in memtables only.
    pub flushed: bool,
}

impl SegmentUse {
    fn live_share(&self) -> f64 {
        (self.live_bytes as f64 / self.size_bytes.max(1) as f64).min(1.0)
    }

    fn dead_bytes(&self) -> u64 {
        self.size_bytes.saturating_sub(self.live_bytes)
    }
}

/// Thresholds of collection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollectConfig {
    /// When idle, a segment below this live share is collected whatever the amplification.
    pub live_share_min: f64,
    /// Space amplification at which collection begins while writes come in.
    pub space_amp_busy: f64,
    /// Space amplification at which collection ends when idle.
    pub space_amp_idle: f64,
}

impl Default for CollectConfig {
    fn default() -> CollectConfig {
        CollectConfig { live_share_min: 0.5, space_amp_busy: 1.8, space_amp_idle: 1.15 }
    }
}

/// A segment that lives by more than this is never collected: the copy costs ten times what it frees.
const LIVE_SHARE_MAX: f64 = 0.9;

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Segments without live values, in order: forget them.
    pub forget: Vec<u32>,
    /// The segment whose live values to move next.
    pub collect: Option<u32>,
}

/// Space that `segments` take over what lives in them, as far as collection can change it: dead bytes of segments that
/// are still written or not yet flushed count as live, since nothing but time frees them.
pub fn space_amp(segments: &[SegmentUse]) -> f64 {
    let dead_bytes: u64 = collectable(segments).map(SegmentUse::dead_bytes).sum();
    let live_bytes: u64 = segments.iter().map(|segment| segment.live_bytes).sum();
    1.0 + dead_bytes as f64 / live_bytes.max(1) as f64
}

/// Decides what to forget and what to collect. `idle`: no writes worth mentioning come in.
pub fn pick(segments: &[SegmentUse], cfg: &CollectConfig, idle: bool) -> Decision {
    let mut forget: Vec<u32> = segments
        .iter()
        .filter(|segment| segment.sealed && segment.flushed && segment.live_bytes == 0)
        .map(|segment| segment.id)
        .collect();
    forget.sort_unstable();
    // Of equals the cold one: a hot one is likelier to lose more values soon. Then the oldest.
    let rank = |segment: &&SegmentUse| (segment.kind == SegmentKind::Hot, segment.id);
    let emptiest = collectable(segments)
        .min_by(|a, b| a.live_share().total_cmp(&b.live_share()).then_with(|| rank(a).cmp(&rank(b))));
    let cap = if idle { cfg.space_amp_idle } else { cfg.space_amp_busy };
    let over = space_amp(segments) > cap;
    let collect = emptiest
        .filter(|segment| {
            let share = segment.live_share();
            share <= LIVE_SHARE_MAX && (over || idle && share < cfg.live_share_min)
        })
        .map(|segment| segment.id);
    Decision { forget, collect }
}

fn collectable(segments: &[SegmentUse]) -> impl Iterator<Item = &SegmentUse> {
    segments.iter().filter(|segment| segment.sealed && segment.flushed && segment.live_bytes > 0)
}
