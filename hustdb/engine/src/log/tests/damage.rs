//! A torn end is cut off; damage anywhere else is refused, and nothing is changed then.

use std::path::Path;

use super::*;
use crate::log::record::RecordHeader;

/// Ten records in one segment, each acknowledged before the next; answers where they start.
fn ten_records(vfs: &SimVfs) -> Vec<Appended> {
    let (log, _) = open(vfs).unwrap();
    let records = (0..10)
        .map(|n| {
            let (appended, _) = append(&log, &[n % 2]).unwrap();
            log.ticket(appended.end).wait().unwrap();
            appended
        })
        .collect();
    log.close().unwrap();
    records
}

fn file(id: u32) -> PathBuf {
    dir().join(format!("{id:08}.log"))
}

fn open_from(vfs: &SimVfs, from: &RecoverFrom) -> Result<(Log, Vec<Seen>)> {
    open_with(Arc::new(vfs.clone()), options(SyncMode::Always, Background::Manual), from)
}

fn assert_damaged(vfs: &SimVfs, from: &RecoverFrom, path: &Path, at: u64) {
    let before = vfs.ops();
    match open_from(vfs, from) {
        Err(Error::Damaged { file, offset, what }) => {
            assert_eq!((file.as_path(), offset), (path, at), "{what}");
        }
        Err(other) => panic!("{other}"),
        Ok((_, seen)) => panic!("{} records", seen.len()),
    }
    assert_eq!(vfs.ops(), before, "a damaged log is not touched");
}

#[test]
fn every_damaged_byte_before_the_last_group_is_refused() {
    let vfs = SimVfs::new(1);
    let records = ten_records(&vfs);
    let from = RecoverFrom::default();
    for record in &records[..8] {
        for at in record.start..record.end {
            vfs.flip_bit(&file(1), u64::from(offset_of(at)), (at % 8) as u8).unwrap();
            assert_damaged(&vfs, &from, &file(1), u64::from(offset_of(record.start)));
            vfs.flip_bit(&file(1), u64::from(offset_of(at)), (at % 8) as u8).unwrap();
        }
    }
    assert_eq!(open(&vfs).unwrap().1.len(), 10);
}

#[test]
fn a_torn_end_is_cut_off_unless_it_was_durable() {
    let whole = SimVfs::new(1);
    let records = ten_records(&whole);
    let last = records[9];
    whole.flip_bit(&file(1), u64::from(offset_of(last.start)) + 40, 0).unwrap();
    let offset = u64::from(offset_of(last.start));
    let flushed = RecoverFrom { durable_floor: last.end, ..RecoverFrom::default() };
    assert_damaged(&whole, &flushed, &file(1), offset);
    let clean = RecoverFrom { clean_end: Some(last.end), ..RecoverFrom::default() };
    assert_damaged(&whole, &clean, &file(1), offset);
    let earlier = RecoverFrom { durable_floor: last.start, ..RecoverFrom::default() };
    let (log, seen) = open_from(&whole, &earlier).unwrap();
    assert_eq!(seen.len(), 9);
    assert_eq!(whole.len(&file(1)).unwrap(), offset);
    let (appended, _) = append(&log, &[1]).unwrap();
    assert_eq!(segment_of(appended.start), 2, "an old segment is never appended to");
    log.close().unwrap();
    assert_eq!(open(&whole).unwrap().1.len(), 10);
}

#[test]
fn torn_values_of_the_last_record_are_noticed() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    append(&log, &[1]).unwrap();
    let (appended, pointers) = append(&log, &[4]).unwrap();
    log.ticket(appended.end).wait().unwrap();
    drop(log);
    vfs.flip_bit(&file(1), u64::from(pointers[0].unwrap().offset) + 2000, 0).unwrap();
    let flushed = RecoverFrom { durable_floor: appended.end, ..RecoverFrom::default() };
    assert_eq!(open_from(&vfs.kill(), &flushed).unwrap().1.len(), 2, "reads find durable damage");
    assert_eq!(numbers(&open(&vfs.kill()).unwrap().1), [1]);
}

/// Three hot segments with two acknowledged records each.
fn three_segments(vfs: &SimVfs) -> Vec<Appended> {
    let (log, _) = open(vfs).unwrap();
    let mut records = Vec::new();
    for n in 0..6 {
        if n == 2 || n == 4 {
            log.rotate().unwrap();
        }
        let (appended, _) = append(&log, &[n]).unwrap();
        log.ticket(appended.end).wait().unwrap();
        records.push(appended);
    }
    log.close().unwrap();
    records
}

#[test]
fn missing_cut_or_headless_segments_are_refused() {
    let world = || {
        let vfs = SimVfs::new(1);
        let records = three_segments(&vfs);
        (vfs, records)
    };
    let from = RecoverFrom::default();
    let (vfs, _) = world();
    vfs.remove(&file(2)).unwrap();
    assert_damaged(&vfs, &from, &file(3), 0);
    let (vfs, _) = world();
    vfs.remove(&file(1)).unwrap();
    assert_damaged(&vfs, &from, &file(2), 0);
    let (vfs, records) = world();
    let at = u64::from(offset_of(records[3].start));
    vfs.open(&file(2)).unwrap().set_len(at).unwrap();
    assert_damaged(&vfs, &from, &file(2), at);
    for id in 1..=2 {
        let (vfs, _) = world();
        vfs.flip_bit(&file(id), 30, 1).unwrap();
        assert_damaged(&vfs, &from, &file(id), 0);
    }
    let (vfs, records) = world();
    vfs.remove(&file(3)).unwrap();
    let floor = RecoverFrom { durable_floor: records[4].end, ..RecoverFrom::default() };
    assert_damaged(&vfs, &floor, &file(2), u64::from(offset_of(records[3].end)));
    let (vfs, records) = world();
    let from = RecoverFrom { replay_from: records[4].end, ..RecoverFrom::default() };
    vfs.remove(&file(3)).unwrap();
    assert_damaged(&vfs, &from, &file(3), 0);
}

#[test]
fn segments_below_the_flushed_position_are_not_read() {
    let vfs = SimVfs::new(1);
    let records = three_segments(&vfs);
    vfs.flip_bit(&file(1), 100, 0).unwrap();
    vfs.flip_bit(&file(2), u64::from(offset_of(records[2].start)) + 30, 0).unwrap();
    let (replay_from, durable_floor) = (records[3].start, records[5].end);
    let from = RecoverFrom { replay_from, durable_floor, ..RecoverFrom::default() };
    let (log, seen) = open_from(&vfs, &from).unwrap();
    assert_eq!(numbers(&seen), [3, 4, 5]);
    check_values(&log, &seen);
    assert_eq!(log.segments().len(), 4);
    drop(log);
    vfs.remove(&file(1)).unwrap();
    assert_eq!(open_from(&vfs, &from).unwrap().1.len(), 3);
}

/// A log of two records. The value of the second is made by `forge` from the log's salt and the value's position.
fn forged_log(forge: impl Fn(u64, u64) -> Vec<u8>) -> SimVfs {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    let salt = log.snapshot_segments()[&1].salt;
    let first = log.end();
    let mut bytes = forge(salt, first);
    // Both have the same lengths, so that the first tells where the value of the second will lie.
    for _ in 0..2 {
        let value = EntryValue::Large { bytes: &bytes, raw_len: bytes.len() as u32 };
        let entry = Entry { key: key(3), meta: meta(3), user_key: b"3", value, kill: None, tallies: &[] };
        let mut pointers = Pointers::new();
        let appended = log.append(&[entry], &mut pointers).unwrap();
        log.ticket(appended.end).wait().unwrap();
        let inside = u64::from(pointers[0].unwrap().offset) - u64::from(offset_of(appended.start));
        bytes = forge(salt, log.end() + inside);
    }
    vfs
}

#[test]
fn bytes_that_a_client_made_up_prove_nothing() {
    let header = |salt, at| {
        let header = RecordHeader { body_len: 1, values_len: 0, body_crc: 9, synced: at };
        header.encode(salt, at).to_vec()
    };
    for (knows_the_salt, refused) in [(false, false), (true, true)] {
        let vfs = forged_log(|salt, at| header(if knows_the_salt { salt } else { !salt }, at));
        let (log, seen) = open(&vfs.kill()).unwrap();
        assert_eq!(seen.len(), 2);
        let second = seen[1].position;
        drop(log);
        let from = RecoverFrom { replay_from: second, durable_floor: second, ..RecoverFrom::default() };
        let vfs = vfs.kill();
        vfs.flip_bit(&file(1), u64::from(offset_of(second)) + 5, 0).unwrap();
        assert_eq!(open_from(&vfs, &from).is_err(), refused, "salt known: {knows_the_salt}");
    }
}

#[test]
fn a_format_of_the_future_is_refused() {
    let vfs = SimVfs::new(1);
    ten_records(&vfs);
    let handle = vfs.open(&file(1)).unwrap();
    let mut bytes = [0; 64];
    handle.read_at(&mut bytes, 0).unwrap();
    let mut header = crate::log::header::SegmentHeader::decode(&bytes).unwrap();
    header.version += 1;
    handle.write_all_at(&header.encode(), 0).unwrap();
    assert!(matches!(open(&vfs), Err(Error::Invalid(_))));
}
