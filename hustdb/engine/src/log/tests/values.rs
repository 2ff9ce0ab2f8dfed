//! Reading values back, collection, and segments that come and go.

use super::*;
use crate::vfs::RealVfs;

fn ready(fetch: ValueRead<Slice>) -> Slice {
    let ValueRead::Ready(bytes) = fetch else { panic!("{fetch:?}") };
    bytes
}

#[test]
fn values_are_readable_from_buffer_file_and_after_a_restart() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    let (appended, pointers) = append(&log, &[2, 4, 0, 5]).unwrap();
    assert_eq!(pointers.iter().filter(|pointer| pointer.is_some()).count(), 3);
    let rows: Vec<_> =
        [2, 4, 0, 5].into_iter().zip(pointers).map(|(n, pointer)| Seen { n, position: 0, pointer }).collect();
    check_values(&log, &rows);
    assert!(log.written_to() < appended.end);
    let held = ready(log.read(rows[0].pointer.unwrap(), Cold::Refuse).unwrap());
    log.sync_to(appended.end).unwrap();
    check_values(&log, &rows);
    assert_eq!(*held, *value(2));
    log.close().unwrap();
    drop(log);
    let (log, seen) = open(&vfs.kill()).unwrap();
    check_values(&log, &rows);
    check_values(&log, &seen);
    assert_eq!(ready(log.read(rows[0].pointer.unwrap(), Cold::Refuse).unwrap())[..], value(2));
}

#[test]
fn compressed_values_are_expanded_and_checked() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    let raw = vec![9; 5000];
    let bytes = snap::raw::Encoder::new().compress_vec(&raw).unwrap();
    let value = EntryValue::Large { bytes: &bytes, raw_len: 5000 };
    let entry = Entry { key: key(1), meta: meta(1), user_key: b"1", value, kill: None, tallies: &[] };
    let mut pointers = Pointers::new();
    let appended = log.append(&[entry], &mut pointers).unwrap();
    let pointer = pointers[0].unwrap();
    for _ in 0..2 {
        assert_eq!(*ready(log.read(pointer, Cold::Read).unwrap()), *raw);
        log.sync_to(appended.end).unwrap();
    }
    for raw_len in [4999, 5001, u32::MAX] {
        let wrong = Pointer { raw_len, ..pointer };
        assert!(matches!(log.read(wrong, Cold::Read), Err(Error::Damaged { .. })));
    }
}

#[test]
fn damaged_values_and_wild_pointers_are_errors() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    let (appended, pointers) = append(&log, &[4]).unwrap();
    let pointer = pointers[0].unwrap();
    log.sync_to(appended.end).unwrap();
    drop(log);
    let vfs = vfs.kill();
    let path = dir().join("00000001.log");
    let from =
        RecoverFrom { replay_from: appended.end, durable_floor: appended.end, ..RecoverFrom::default() };
    let (log, _) =
        open_with(Arc::new(vfs.clone()), options(SyncMode::Always, Background::Manual), &from).unwrap();
    vfs.flip_bit(&path, u64::from(pointer.offset) + 1000, 3).unwrap();
    let Err(Error::Damaged { file, offset, .. }) = log.read(pointer, Cold::Read) else { panic!() };
    assert_eq!((file, offset), (path.clone(), u64::from(pointer.offset)));
    vfs.flip_bit(&path, u64::from(pointer.offset) + 1000, 3).unwrap();
    assert_eq!(*ready(log.read(pointer, Cold::Read).unwrap()), *value(4));
    for offset in [u32::MAX, u32::MAX - pointer.len, 8000, pointer.offset + 1] {
        let wild = Pointer { offset, ..pointer };
        assert!(matches!(log.read(wild, Cold::Read), Err(Error::Damaged { .. })), "{offset}");
    }
    let absent = Pointer { segment: 99, ..pointer };
    assert!(matches!(log.read(absent, Cold::Read).unwrap(), ValueRead::Gone));
}

#[test]
fn moved_values_are_read_and_found_again() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    for n in 0..20 {
        append(&log, &[n]).unwrap();
    }
    log.rotate().unwrap();
    log.sync_to(log.end()).unwrap();
    let hot: Vec<_> =
        log.segments().iter().filter(|segment| segment.sealed).map(|segment| segment.id).collect();
    let found: Vec<_> =
        hot.iter().flat_map(|id| log.scan_values(*id).unwrap().unwrap()).map(Result::unwrap).collect();
    let large: Vec<_> = (0..20).filter(|n| value(*n).len() >= INLINE_MAX).map(key).collect();
    assert_eq!(found.iter().map(|(key, _)| *key).collect::<Vec<_>>(), large);
    let mut writer = log.cold_writer();
    let mut moved = Vec::new();
    for (key, pointer) in &found {
        let bytes = ready(log.read(*pointer, Cold::Read).unwrap());
        moved.push((*key, writer.append(*key, &bytes, bytes.len() as u32).unwrap()));
    }
    assert!(matches!(writer.append(key(1), b"", 0), Err(Error::Invalid(_))));
    writer.sync().unwrap();
    for (key, pointer) in &moved {
        let value = EntryValue::Stored(*pointer);
        let n = key.0[1];
        let (name, tallies) = (n.to_string(), tallies(n));
        let entry = Entry {
            key: *key,
            meta: meta(n),
            user_key: name.as_bytes(),
            value,
            kill: kill(n),
            tallies: &tallies,
        };
        log.append(&[entry], &mut Pointers::new()).unwrap();
    }
    log.sync_to(log.end()).unwrap();
    writer.append(key(77), b"never synced", 12).unwrap();
    drop(writer);
    let (log, seen) = open(&vfs.crash()).unwrap();
    check_values(&log, &seen);
    assert_eq!(seen.len(), 20 + moved.len());
    let cold: Vec<_> =
        log.segments().into_iter().filter(|segment| segment.kind == SegmentKind::Cold).collect();
    assert!(cold.len() > 1 && cold.iter().all(|segment| segment.sealed));
    let found: Vec<_> =
        cold.iter().flat_map(|s| log.scan_values(s.id).unwrap().unwrap()).map(Result::unwrap).collect();
    assert_eq!(found, moved);
}

#[test]
fn a_scan_reports_damage_and_goes_on_behind_it() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    let mut writer = log.cold_writer();
    let pointers: Vec<_> = (0..3).map(|n| writer.append(key(n), &[n as u8; 500], 500).unwrap()).collect();
    writer.finish().unwrap();
    let path = dir().join(format!("{:08}.log", pointers[0].segment));
    vfs.flip_bit(&path, u64::from(pointers[1].offset) - 10, 0).unwrap();
    let found: Vec<_> = log.scan_values(pointers[0].segment).unwrap().unwrap().collect();
    assert_eq!(found[0].as_ref().unwrap().0, key(0));
    assert!(matches!(found[1], Err(Error::Damaged { .. })));
    assert_eq!(found[2].as_ref().unwrap().0, key(2));
    assert_eq!(found.len(), 3);
}

#[test]
fn forgotten_segments_stay_readable_for_snapshots() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    let (appended, pointers) = append(&log, &[4]).unwrap();
    let pointer = pointers[0].unwrap();
    assert!(matches!(log.remove_segments(&[segment_of(appended.start)]), Err(Error::Invalid(_))));
    log.rotate().unwrap();
    log.sync_to(log.end()).unwrap();
    let snapshot = log.snapshot_segments();
    let slice = ready(log.read(pointer, Cold::Read).unwrap());
    log.remove_segments(&[pointer.segment, 1234]).unwrap();
    assert!(!vfs.exists(&dir().join("00000001.log")).unwrap());
    assert!(matches!(log.read(pointer, Cold::Read).unwrap(), ValueRead::Gone));
    assert_eq!(*ready(log.read_in(&snapshot, pointer, Cold::Read).unwrap()), *value(4));
    assert_eq!(*slice, *value(4));
    let (flushed, _) = append(&log, &[1]).unwrap();
    log.sync_to(flushed.end).unwrap();
    drop(log);
    // The name may come back after a crash; the manifest knows that it was forgotten.
    let from = RecoverFrom {
        replay_from: appended.end,
        durable_floor: appended.end,
        forgotten: vec![1],
        clean_end: None,
    };
    let vfs = vfs.crash();
    let (log, seen) =
        open_with(Arc::new(vfs.clone()), options(SyncMode::Always, Background::Manual), &from).unwrap();
    assert_eq!(numbers(&seen), [1]);
    assert!(!vfs.exists(&dir().join("00000001.log")).unwrap());
    assert!(log.segments().iter().all(|segment| segment.id != 1));
}

#[test]
fn cooling_keeps_what_is_in_memory() {
    let vfs = SimVfs::new(1);
    let (log, _) = open(&vfs).unwrap();
    let (appended, pointers) = append(&log, &[4]).unwrap();
    log.sync_to(appended.end).unwrap();
    log.cool();
    assert_eq!(*ready(log.read(pointers[0].unwrap(), Cold::Refuse).unwrap()), *value(4));
}

#[test]
fn what_is_not_in_memory_is_refused_until_somebody_reads_it() {
    // Holes of a real file are in no cache until they are read.
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("holes");
    let file = RealVfs.create(&path).unwrap();
    file.set_len(4 << 20).unwrap();
    let segment = Segment::new((77, SegmentKind::Cold, 0), path, file, 4 << 20).unwrap();
    segment.set_written(4 << 20);
    let segments = SegmentsMap::from([(77, Arc::new(segment))]);
    let (log, _) = open(&SimVfs::new(1)).unwrap();
    let read = |offset, len: u32, cold| {
        let crc = crc32fast::hash(&vec![0; len as usize]);
        log.read_in(&segments, Pointer { segment: 77, offset, len, raw_len: len, crc }, cold).unwrap()
    };
    // In one region, and across two.
    for (offset, len) in [(8192, 9000), ((2 << 20) - 4096, 8192)] {
        assert!(matches!(read(offset, len, Cold::Refuse), ValueRead::Cold));
        assert!(matches!(read(offset, len, Cold::Refuse), ValueRead::Cold));
        assert_eq!(ready(read(offset, len, Cold::Read)).len(), len as usize);
        assert_eq!(ready(read(offset, len, Cold::Refuse)).len(), len as usize);
    }
    // A region that is not wholly in memory loses its marks; what is there is found again all the same.
    assert!(segments[&77].verified.has(8192, 9000));
    segments[&77].cool();
    assert!(!segments[&77].verified.has(8192, 9000));
    ready(read(8192, 9000, Cold::Refuse));
}
