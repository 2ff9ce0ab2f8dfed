//! One batch of a segment: read, and settled on disk. Both block.

use std::{fs::File, io, path::Path};

use hust_wire::{
    frame,
    hint::{self, HINT_AGE_MAX_S, Header, Piece, Reader},
};

use super::batch::{Batch, BatchWriter};
use crate::{
    backlog::{self, Progress, Settled},
    disk,
};

/// Hints that are settled together.
#[derive(Debug, Default)]
pub struct Part {
    /// Their records.
    pub batch: Batch,
    /// The slot of each, if they were asked for.
    pub slots: Vec<u16>,
    /// When the last hint was noted.
    last_ms: Option<u64>,
    /// Hints that are too old to be sent.
    pub expired: u64,
    /// The offset after the last.
    pub end: u64,
}

impl Part {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty() && self.expired == 0
    }

    /// What became of it, if all but these were merged.
    pub fn settled(&self, refused: usize) -> Settled {
        let refused = refused as u64;
        Settled {
            end: self.end,
            merged: self.batch.len() as u64 - refused,
            refused,
            expired: self.expired,
            last_ms: self.last_ms,
        }
    }
}

/// A reader that can take back one hint.
#[derive(Debug)]
pub struct Parts {
    reader: Reader<File>,
    /// When the hint that the reader still has was noted, and where it ends.
    taken_back: Option<(u64, u64)>,
    wants_slots: bool,
    at: u64,
}

impl Parts {
    /// The parts of what a reader reads, from an offset on.
    pub fn new(reader: Reader<File>, at: u64, wants_slots: bool) -> Parts {
        Parts { reader, taken_back: None, wants_slots, at }
    }

    /// The next part; an empty one at the end.
    pub fn next(&mut self, now_ms: u64) -> io::Result<Part> {
        let mut part = Part { end: self.at, ..Part::default() };
        let mut batch = BatchWriter::default();
        while let Some((noted_ms, end)) = self.hint()? {
            if is_expired(noted_ms, now_ms) {
                part.expired += 1;
            } else {
                let frame = self.reader.frame();
                if !batch.has_room(frame.len()) {
                    self.taken_back = Some((noted_ms, end));
                    break;
                }
                if self.wants_slots {
                    // The reader has verified it.
                    part.slots.push(frame::decode_one(frame).map_or(0, |record| record.slot()));
                }
                batch.push(frame);
            }
            part.last_ms = Some(noted_ms);
            part.end = end;
        }
        part.batch = batch.finish();
        self.at = part.end;
        Ok(part)
    }

    fn hint(&mut self) -> io::Result<Option<(u64, u64)>> {
        if let Some(hint) = self.taken_back.take() {
            return Ok(Some(hint));
        }
        loop {
            match self.reader.read()? {
                Piece::Hint { end, noted_ms } => return Ok(Some((noted_ms, end))),
                Piece::Damage { .. } => {}
                Piece::Torn { .. } | Piece::End => return Ok(None),
            }
        }
    }
}

/// Whether a hint is too old: the tombstone of what deleted its record since may be gone.
pub fn is_expired(noted_ms: u64, now_ms: u64) -> bool {
    now_ms.saturating_sub(noted_ms) > HINT_AGE_MAX_S * 1000
}

/// Puts refused records aside and keeps how far the segment is done; in this order, so that none is lost in between.
pub fn settle(segment: &Path, part: &Part, refused: &[usize], damaged: u64, now_ms: u64) -> io::Result<()> {
    if !refused.is_empty() {
        let frames: Vec<u8> = refused.iter().flat_map(|index| aside(part, *index, now_ms)).collect();
        let head = Header { created_ms: now_ms }.encode();
        disk::append(&backlog::bad_path(segment), &head, &frames)?;
    }
    Progress { at: part.end, damaged }.store(segment)
}

/// A refused record as a hint again, so that what is put aside can be replayed by giving it the name of a segment.
fn aside(part: &Part, index: usize, now_ms: u64) -> Vec<u8> {
    let frame = part.batch.frame(index);
    let record = frame::decode_one(&frame);
    record.ok().and_then(|record| hint::encode(now_ms, &record).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_expire_with_the_memory_of_deletions() {
        let age = 950_400_000;
        let table = [(0, age, false), (0, age + 1, true), (5, 0, false), (u64::MAX, 0, false)];
        for (noted_ms, now_ms, expected) in table {
            assert_eq!(is_expired(noted_ms, now_ms), expected, "{noted_ms} {now_ms}");
        }
    }
}
