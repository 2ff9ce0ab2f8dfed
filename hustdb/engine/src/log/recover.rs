//! Recovery: survey the log, replay it, cut off what a crash left of the last group.
//!
//! The log is read twice, in bounded memory: the survey finds its end and what is known to be durable; the replay hands
//! out the entries and checks the large values of records that are not known to be. Nothing is changed before both are
//! through. The cut removes segments newest first, each durably, then shortens the last one and syncs what was
//! replayed: a crash at any point leaves a log that recovers to the same end.

use super::{
    body::Body,
    entry::{DecodedEntry, Tally},
    found::{Found, Inventory},
    header::SEGMENT_HEADER_BYTES,
    options::{LogOptions, RecoverFrom},
    position::{offset_of, position, segment_of},
    reader::SegmentReader,
    segment::{Registry, SegmentsMap},
    survey::{Survey, survey},
};
use crate::{Error, Pointer, Result, Value, vfs::Vfs};

/// Takes the position of a record and one of its entries.
pub type Visit<'a> = dyn FnMut(u64, &DecodedEntry<'_>) -> Result<()> + 'a;

/// A log that was recovered.
pub struct Recovered {
    pub registry: Registry,
    pub salt: Option<u64>,
    /// Where the log ends.
    pub end: u64,
    /// The greatest segment number ever used.
    pub last_id: u32,
}

/// Recovers the log of `options`.
pub fn recover(
    options: &LogOptions,
    vfs: &dyn Vfs,
    from: &RecoverFrom,
    visit: &mut Visit<'_>,
) -> Result<Recovered> {
    let mut inventory = Inventory::take(options, vfs, from)?;
    let salt = inventory.salt.unwrap_or_default();
    let mut survey = survey(&options.dir, &mut inventory.hot, from, inventory.salt)?;
    replay(&mut inventory.hot, &mut survey, from, salt, visit)?;
    cut(options, vfs, &mut inventory.hot, &survey, salt)?;
    trim_unread(&mut inventory.hot, survey.first);
    let mut map = SegmentsMap::new();
    for found in inventory.hot.iter().chain(&inventory.cold).filter(|found| !found.blank) {
        map.insert(found.id, found.segment(salt)?);
    }
    let registry = Registry::default();
    registry.change(|registered| *registered = map);
    let floors = [from.replay_from, from.durable_floor, from.clean_end.unwrap_or_default()];
    let last_id = floors.map(segment_of).into_iter().fold(inventory.last_id, u32::max);
    Ok(Recovered { registry, salt: inventory.salt, end: survey.stop, last_id })
}

/// Segments that were not read end where the next one says: a power loss may have left them longer.
fn trim_unread(hot: &mut [Found], unread: usize) {
    for index in 0..unread {
        let next = hot.get(index + 1).and_then(|next| next.header);
        if let (Some(found), Some(next)) = (hot.get_mut(index), next)
            && segment_of(next.prev_end) == found.id
        {
            found.end = found.end.min(u64::from(offset_of(next.prev_end)));
        }
    }
}

/// Hands out the entries, up to the first record whose values were torn.
fn replay(
    hot: &mut [Found],
    survey: &mut Survey,
    from: &RecoverFrom,
    salt: u64,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut tallies = Vec::new();
    for (index, found) in hot.iter_mut().enumerate().take(survey.kept).skip(survey.first) {
        let mut offset = u64::from(SEGMENT_HEADER_BYTES);
        if found.id == segment_of(from.replay_from) {
            offset = offset.max(u64::from(offset_of(from.replay_from)));
        }
        let mut reader = found.reader(salt);
        let mut values = found.reader(salt);
        while offset < found.end {
            let at = position(found.id, offset as u32);
            let Some((header, body)) = reader.record(offset)? else {
                return Err(found.damaged(offset, "a record changed while it was read"));
            };
            let next = offset + header.record_bytes();
            if position(found.id, next as u32) > survey.proven
                && !values_whole(&mut values, Body::new(&header, at, body), &mut tallies, found.id)?
            {
                (survey.stop, survey.kept, found.end) = (at, index + 1, offset);
                return Ok(());
            }
            let mut entries = Body::new(&header, at, body);
            while let Some(body) = &mut entries {
                let malformed = |_| found.damaged(offset, "a record that this program did not write");
                match body.next(&mut tallies).map_err(malformed)? {
                    Some(entry) => visit(at, &entry)?,
                    None => entries = None,
                }
            }
            offset = next;
        }
    }
    Ok(())
}

/// Whether the large values of a record are what its entries say.
fn values_whole(
    values: &mut SegmentReader,
    body: Option<Body<'_>>,
    tallies: &mut Vec<Tally>,
    segment: u32,
) -> Result<bool> {
    let Some(mut body) = body else { return Ok(false) };
    while let Ok(Some(entry)) = body.next(tallies) {
        if let Value::Stored(Pointer { segment: own, offset, len, crc, .. }) = entry.value
            && own == segment
            && values.crc(u64::from(offset), len)? != Some(crc)
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes what is behind the end of the log and makes the rest durable.
fn cut(options: &LogOptions, vfs: &dyn Vfs, hot: &mut Vec<Found>, survey: &Survey, salt: u64) -> Result<()> {
    warn_of_loss(hot, survey, salt)?;
    let sync_dir = || {
        let synced = vfs.sync_dir(&options.dir);
        synced.map_err(|cause| Error::io(format!("sync {}", options.dir.display()), cause))
    };
    for found in hot.drain(survey.kept..).rev() {
        vfs.remove(&found.path)
            .map_err(|cause| Error::io(format!("remove {}", found.path.display()), cause))?;
        sync_dir()?;
    }
    for found in hot.iter().skip(survey.first) {
        let io = |what: &str, cause| Error::io(format!("{what} {}", found.path.display()), cause);
        if found.end < found.len {
            found.file.set_len(found.end).map_err(|cause| io("cut", cause))?;
        }
        // After a kill the bytes may be in the kernel only, and the next record will say that they are durable.
        found.file.sync_data().map_err(|cause| io("sync", cause))?;
    }
    sync_dir()
}

/// Says in one line what is cut off, unless it is nothing but zeros.
fn warn_of_loss(hot: &[Found], survey: &Survey, salt: u64) -> Result<()> {
    let mut dropped = 0;
    let mut place = None;
    let last = survey.kept.checked_sub(1).filter(|last| *last >= survey.first).and_then(|last| hot.get(last));
    if let Some(last) = last
        && !last.reader(salt).is_blank(last.end)?
    {
        dropped += last.len - last.end;
        place = Some((&last.path, last.end));
    }
    for found in hot.iter().skip(survey.kept).filter(|found| !found.blank) {
        dropped += found.len;
        place = place.or(Some((&found.path, 0)));
    }
    if let Some((file, offset)) = place {
        tracing::warn!(file = %file.display(), offset, dropped_bytes = dropped, "cut off the torn end of the log");
    }
    Ok(())
}
