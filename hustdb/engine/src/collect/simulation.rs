//! What collection costs: uniform random overwrites of 4 KiB values, then rest.

use super::{CollectConfig, SegmentKind, SegmentUse, pick, space_amp};
use crate::compaction::simulate::Random;

const VALUE_BYTES: u64 = 4096;
const SEGMENT_VALUES: usize = 64;
const KEYS: usize = 64 * 400;
/// Segments behind the newest that wait for a flush.
const UNFLUSHED: usize = 3;

/// A segment's values by key number.
struct Segment {
    kind: SegmentKind,
    keys: Vec<u32>,
    live: u64,
    sealed: bool,
}

struct Log {
    segments: Vec<Segment>,
    forgotten: Vec<bool>,
    /// Segment in which each key's value lives.
    place: Vec<Option<usize>>,
    open: [Option<usize>; 2],
    written: u64,
}

impl Log {
    fn append(&mut self, kind: SegmentKind, key: u32) {
        let at = match self.open[kind as usize] {
            Some(at) => at,
            None => {
                self.segments.push(Segment { kind, keys: Vec::new(), live: 0, sealed: false });
                self.forgotten.push(false);
                self.segments.len() - 1
            }
        };
        if let Some(old) = self.place[key as usize].replace(at) {
            self.segments[old].live -= 1;
        }
        let segment = &mut self.segments[at];
        segment.keys.push(key);
        segment.live += 1;
        segment.sealed = segment.keys.len() == SEGMENT_VALUES;
        self.open[kind as usize] = (!segment.sealed).then_some(at);
        self.written += 1;
    }

    fn uses(&self, idle: bool) -> Vec<SegmentUse> {
        let newest = self.segments.len();
        let known = self.segments.iter().enumerate().filter(|(at, _)| !self.forgotten[*at]);
        known
            .map(|(at, segment)| SegmentUse {
                id: at as u32,
                kind: segment.kind,
                size_bytes: segment.keys.len() as u64 * VALUE_BYTES,
                live_bytes: segment.live * VALUE_BYTES,
                sealed: segment.sealed,
                flushed: idle || at + UNFLUSHED < newest || segment.kind == SegmentKind::Cold,
            })
            .collect()
    }

    /// Collects until nothing is due; answers how many segments were collected.
    fn collect(&mut self, cfg: &CollectConfig, idle: bool) -> usize {
        let mut collected = 0;
        loop {
            let decision = pick(&self.uses(idle), cfg, idle);
            for id in &decision.forget {
                assert_eq!(self.segments[*id as usize].live, 0);
                self.forgotten[*id as usize] = true;
            }
            let Some(id) = decision.collect else { return collected };
            let at = id as usize;
            for key in self.segments[at].keys.clone() {
                if self.place[key as usize] == Some(at) {
                    self.append(SegmentKind::Cold, key);
                }
            }
            assert_eq!(self.segments[at].live, 0, "all that lived was moved");
            collected += 1;
        }
    }

    /// Space taken over space needed, all segments counted.
    fn amplification(&self) -> f64 {
        let uses = self.uses(true);
        uses.iter().map(|u| u.size_bytes).sum::<u64>() as f64
            / uses.iter().map(|u| u.live_bytes).sum::<u64>() as f64
    }
}

#[test]
fn uniform_overwrites_stay_cheap_and_rest_is_small() {
    for seed in [1, 2, 3] {
        let cfg = CollectConfig::default();
        let mut random = Random::new(seed);
        let mut log = Log {
            segments: Vec::new(),
            forgotten: Vec::new(),
            place: vec![None; KEYS],
            open: [None, None],
            written: 0,
        };
        let mut clients = 0;
        let mut worst = 0.0f64;
        for overwrite in 0..6 {
            for i in 0..KEYS {
                let key = if overwrite == 0 { i as u64 } else { random.below(KEYS as u64) };
                log.append(SegmentKind::Hot, key as u32);
                clients += 1;
                if log.open[0].is_none() {
                    log.collect(&cfg, false);
                    worst = worst.max(log.amplification());
                }
            }
        }
        let busy = log.written as f64 / clients as f64;
        let steps = log.collect(&cfg, true);
        let total = log.written as f64 / clients as f64;
        let rest = log.amplification();
        println!(
            "seed {seed}: write {busy:.3} busy, {total:.3} with the rest; space {worst:.3} busy, {rest:.3} at rest, \
             {steps} segments collected at rest"
        );
        assert!(busy <= 1.35, "write amplification {busy}");
        assert!(worst <= cfg.space_amp_busy * 1.05, "space amplification {worst} while busy");
        assert!(rest <= 1.2, "space amplification {rest} at rest");
        assert!(total <= 1.5, "write amplification {total} with the rest");
        assert!(space_amp(&log.uses(true)) <= cfg.space_amp_idle);
        assert!(
            log.place.iter().all(|at| at.is_some_and(|at| !log.forgotten[at])),
            "a live value was forgotten"
        );
    }
}
