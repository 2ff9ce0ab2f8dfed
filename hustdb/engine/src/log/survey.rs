//! First pass of recovery: how far the log goes, and whether that is where it may end.
//!
//! The log ends at the first position X where no whole record or segment follows. A crash leaves such an end only where
//! nothing was durable: if a flush, a clean close or any later record says that X was, the log is damaged and must not
//! be used. Changes nothing.

use std::path::Path;

use super::{
    found::Found,
    header::SEGMENT_HEADER_BYTES,
    options::RecoverFrom,
    position::{offset_of, position, segment_of},
    segment::segment_path,
};
use crate::{Error, Result};

/// How far the log goes.
pub struct Survey {
    /// Index of the first hot segment that is replayed.
    pub first: usize,
    /// Index behind the last one that belongs to the log.
    pub kept: usize,
    /// Where the log ends.
    pub stop: u64,
    /// Everything below was durable once.
    pub proven: u64,
}

/// Surveys the hot segments, of which blank ones that no segment follows on are taken out. Sets their ends.
pub fn survey(dir: &Path, hot: &mut Vec<Found>, from: &RecoverFrom, salt: Option<u64>) -> Result<Survey> {
    let first = hot.partition_point(|found| found.id < segment_of(from.replay_from));
    let proven = from.durable_floor.max(from.replay_from).max(from.clean_end.unwrap_or_default());
    let mut survey = Survey { first, kept: first, stop: from.replay_from, proven };
    while let Some(found) = hot.get(survey.kept) {
        let Some(header) = found.header else {
            let next = hot.get(survey.kept + 1).and_then(|next| next.header);
            if next.is_none_or(|next| next.prev_end != survey.stop) {
                break;
            }
            if !found.blank {
                return Err(found.damaged(0, "the segment's header cannot be read"));
            }
            // Its creation failed; nothing was appended to it.
            hot.remove(survey.kept);
            continue;
        };
        if !survey.follows(header.prev_end, found, from)? {
            break;
        }
        survey.proven = survey.proven.max(header.durable);
        let Some(found) = hot.get_mut(survey.kept) else { break };
        let whole = survey.walk(found, from, salt.unwrap_or_default())?;
        survey.kept += 1;
        if !whole {
            break;
        }
    }
    survey.judge(dir, hot, from, salt)?;
    Ok(survey)
}

impl Survey {
    /// Whether a segment that says it follows on `prev_end` does follow on what was surveyed.
    fn follows(&self, prev_end: u64, found: &Found, from: &RecoverFrom) -> Result<bool> {
        if self.kept == self.first {
            if prev_end > from.replay_from {
                let what = format!("segment {} before it is missing", segment_of(prev_end));
                return Err(found.damaged(0, &what));
            }
            return Ok(true);
        }
        if prev_end < self.stop {
            let what = format!("the segment before it has grown since: {} bytes", offset_of(self.stop));
            return Err(found.damaged(0, &what));
        }
        if segment_of(prev_end) != segment_of(self.stop) {
            return Err(found.damaged(0, &format!("segment {} before it is missing", segment_of(prev_end))));
        }
        Ok(prev_end == self.stop)
    }

    /// Goes over the records of a segment. Answers whether nothing but zeros follows the last.
    fn walk(&mut self, found: &mut Found, from: &RecoverFrom, salt: u64) -> Result<bool> {
        let mut offset = u64::from(SEGMENT_HEADER_BYTES);
        if found.id == segment_of(from.replay_from) {
            offset = offset.max(u64::from(offset_of(from.replay_from))).min(found.len);
        }
        let mut reader = found.reader(salt);
        while let Some((header, _)) = reader.record(offset)? {
            offset += header.record_bytes();
            self.proven = self.proven.max(header.synced);
        }
        found.end = offset;
        self.stop = position(found.id, offset as u32);
        reader.is_blank(offset)
    }

    /// Decides whether the log may end where it does.
    fn judge(&mut self, dir: &Path, hot: &[Found], from: &RecoverFrom, salt: Option<u64>) -> Result<()> {
        for found in hot.get(self.kept.saturating_sub(1).max(self.first)..).unwrap_or_default() {
            self.gather_proofs(found, salt)?;
        }
        // Whoever flushed up to `replay_from` had a durable segment there to go on in.
        let headless = self.kept == self.first && from.replay_from != 0;
        if self.proven <= self.stop && !headless {
            return Ok(());
        }
        let (segment, offset) = (segment_of(self.proven), offset_of(self.proven));
        let what = format!("the log ends here, but was durable up to byte {offset} of segment {segment}");
        let last = self.kept.checked_sub(1).filter(|last| *last >= self.first).and_then(|last| hot.get(last));
        let next = hot.get(self.kept);
        Err(match (last, next) {
            (Some(last), Some(next)) if next.header.is_some() || last.end < last.len => {
                last.damaged(last.end, &what)
            }
            (_, Some(next)) => next.damaged(0, &what),
            (Some(last), None) => last.damaged(last.end, &what),
            (None, None) => Error::damaged(segment_path(dir, segment_of(from.replay_from)), 0, what),
        })
    }

    /// Looks for records behind the end of the log and what they say was durable when they were appended.
    fn gather_proofs(&mut self, found: &Found, salt: Option<u64>) -> Result<()> {
        self.proven = self.proven.max(found.header.map_or(0, |header| header.durable));
        let surveyed = found.id == segment_of(self.stop) && self.kept > self.first;
        let mut offset = if surveyed { found.end } else { u64::from(SEGMENT_HEADER_BYTES) };
        let lost = found.header.is_none() && !found.blank;
        let Some(salt) = salt else {
            // Without a single header nothing can be told from anything.
            return if lost { Err(found.damaged(0, "the segment's header cannot be read")) } else { Ok(()) };
        };
        let mut reader = found.reader(salt);
        if lost && reader.find_cold(0)?.is_some() {
            return Err(found.damaged(0, "the header of a cold segment cannot be read"));
        }
        while let Some((at, header)) = reader.find_record(offset)? {
            self.proven = self.proven.max(header.synced);
            offset = at + header.record_bytes();
        }
        Ok(())
    }
}
