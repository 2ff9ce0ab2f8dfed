//! Hint logs: their headers, and what the writer leaves on disk.

use std::time::Duration;

use super::{
    folder::{Disk, RealDisk},
    reader::tests as tests_of_reader,
    *,
};
use crate::{frame::RecordRef, host::Host};

fn record(key: &'static [u8]) -> RecordRef<'static> {
    tests_of_reader::record(key, b"v")
}

#[test]
fn headers() {
    let bytes = Header { created_ms: 5 }.encode();
    assert_eq!(header(&&bytes[..]).unwrap(), Some(Ok(Header { created_ms: 5 })));
    for cut in 0..HEADER_BYTES {
        assert_eq!(Header::decode(&bytes[..cut]), Err(HintError::CutOff));
        assert_eq!(header(&&bytes[..cut]).unwrap(), None);
    }
    for bit in 0..HEADER_BYTES * 8 {
        let mut bytes = bytes;
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(Header::decode(&bytes).is_err(), "bit {bit}");
    }
    let mut newer = bytes;
    newer[8] = 2;
    let checksum = crc32fast::hash(&newer[..28]).to_le_bytes();
    newer[28..].copy_from_slice(&checksum);
    assert_eq!(Header::decode(&newer), Err(HintError::Version(2)));
}

#[tokio::test]
async fn the_writer_syncs_locks_and_closes() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("logs");
    let hosts: Vec<Host> = vec!["a:1".parse().unwrap(), "[::1]:2".parse().unwrap()];
    let writer = Writer::start(dir.clone()).unwrap();
    assert_eq!(super::hosts(&dir).unwrap(), Vec::<Host>::new());
    for host in &hosts {
        let (first, second) = (record(b"a"), record(b"b"));
        let both = tokio::join!(writer.write(host, 97, &first), writer.write(host, 98, &second));
        assert_eq!(both, (Ok(()), Ok(())));
    }
    assert_eq!(super::hosts(&dir).unwrap().len(), 2);
    let segment = segments(&dir, &hosts[1]).unwrap().remove(0);
    let mut seen: Vec<char> =
        tests_of_reader::read(&read_segment(&segment).unwrap(), Growth::Open).chars().collect();
    seen.sort_unstable();
    assert_eq!(seen, ['a', 'b']);
    assert!(!is_free(&segment).unwrap(), "its writer holds it");
    let closed = tokio::time::timeout(Duration::from_secs(20), async {
        while !is_free(&segment).unwrap() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    closed.await.expect("a segment without new hints is closed");
    writer.write(&hosts[1], 99, &record(b"c")).await.unwrap();
    let names = segments(&dir, &hosts[1]).unwrap();
    assert_eq!(names.len(), 2, "a closed segment is not written again");
    drop(writer);
    assert!(names.iter().all(|segment| is_free(segment).unwrap()));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_fails_the_hint() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    assert_eq!(rustix::fs::open(&blocked, rustix::fs::OFlags::CREATE, 0o600.into()).map(drop), Ok(()));
    let writer = Writer::start(blocked).unwrap();
    let host: Host = "a:1".parse().unwrap();
    assert!(writer.write(&host, 1, &record(b"a")).await.is_err());
}

#[tokio::test]
async fn a_segment_that_is_there_is_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let host: Host = "a:1".parse().unwrap();
    let home = folder.path().join(host.as_str());
    let taken = home.join(format!("0000000000097-{}-1{SEGMENT_SUFFIX}", std::process::id()));
    super::folder::make(&RealDisk, &home).unwrap();
    drop(RealDisk.create(&taken).unwrap());
    let writer = Writer::start(folder.path().to_path_buf()).unwrap();
    assert!(writer.write(&host, 97, &record(b"a")).await.is_err());
    assert_eq!(writer.write(&host, 98, &record(b"b")).await, Ok(()));
    drop(writer);
    let segments = segments(folder.path(), &host).unwrap();
    assert_eq!((segments.len(), &segments[0]), (2, &taken));
    assert_eq!(read_segment(&taken).unwrap(), b"");
    assert_eq!(tests_of_reader::read(&read_segment(&segments[1]).unwrap(), Growth::Closed), "b");
}
