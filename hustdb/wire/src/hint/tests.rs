//! Hint logs: round trips, every truncation, every flipped bit, what the writer leaves on disk.

use std::time::Duration;

use super::*;
use crate::{
    frame::{Form, Kind, RecordRef},
    host::Host,
};

const PAYLOAD_MAX: usize = 1 << 20;

fn record(key: &'static [u8]) -> RecordRef<'static> {
    RecordRef {
        kind: Kind::Hash,
        form: Form::Live,
        stamp: 7,
        version: 3,
        expire_ms: 9,
        table: "t",
        key,
        value: b"HNT1 a value with a magic",
    }
}

fn segment() -> Vec<u8> {
    let mut bytes = Header { created_ms: 5 }.encode().to_vec();
    for (at, key) in [&b"a"[..], b"b", b"c"].into_iter().enumerate() {
        bytes.extend(encode(at as u64, &record(key)).unwrap());
    }
    bytes
}

fn keys(bytes: &[u8]) -> String {
    let found = Scan::from(bytes, HEADER_BYTES, PAYLOAD_MAX);
    found
        .map(|found| match found {
            Found::Hint { hint, .. } => char::from(hint.record.key[0]),
            Found::Damage { .. } => '!',
            Found::Torn { .. } => '~',
        })
        .collect()
}

#[test]
fn what_is_written_is_read() {
    let bytes = segment();
    let (header, scan) = Scan::new(&bytes, PAYLOAD_MAX).unwrap();
    assert_eq!(header.created_ms, 5);
    let hints: Vec<Found<'_>> = scan.collect();
    let Found::Hint { end, hint } = hints[1] else { panic!("{hints:?}") };
    assert_eq!((hint.noted_ms, hint.record), (1, record(b"b")));
    assert_eq!(crate::frame::decode_one(hint.frame), Ok(record(b"b")));
    assert_eq!(Scan::from(&bytes, end, PAYLOAD_MAX).count(), 1, "an offset goes on behind the hint");
    assert_eq!(keys(&bytes), "abc");
    assert_eq!(Scan::from(&bytes, usize::MAX, PAYLOAD_MAX).next(), None);
}

#[test]
fn a_cut_segment_has_its_whole_hints() {
    let bytes = segment();
    let length = (bytes.len() - HEADER_BYTES) / 3;
    for cut in HEADER_BYTES..bytes.len() {
        let whole = (cut - HEADER_BYTES) / length;
        let torn = if (cut - HEADER_BYTES).is_multiple_of(length) { "" } else { "~" };
        assert_eq!(keys(&bytes[..cut]), format!("{}{torn}", &"abc"[..whole]), "cut at {cut}");
    }
    for cut in 0..HEADER_BYTES {
        assert_eq!(Scan::new(&bytes[..cut], PAYLOAD_MAX).unwrap_err(), HintError::CutOff);
    }
}

#[test]
fn any_flipped_bit_costs_one_hint() {
    let whole = segment();
    let length = (whole.len() - HEADER_BYTES) / 3;
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if bit / 8 < HEADER_BYTES {
            assert!(Header::decode(&bytes).is_err(), "bit {bit} of the header");
            continue;
        }
        let expected = match (bit / 8 - HEADER_BYTES) / length {
            0 => "!bc",
            1 => "a!c",
            _ => "ab~",
        };
        assert_eq!(keys(&bytes), expected, "bit {bit}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "measures how long a scan takes")]
fn a_hostile_segment_is_read_in_time() {
    const HOSTILE_BYTES: u32 = 8 << 20;
    let header = Header { created_ms: 5 }.encode();
    // Heads of frames that reach to the end: read one by one that is a terabyte.
    let mut overlapping = header.to_vec();
    // The same inside each other, with checksums that fit, around what is no record.
    let mut nested = vec![0; HOSTILE_BYTES as usize];
    for left in (0..HOSTILE_BYTES / 12).rev() {
        overlapping.extend(FRAME_MAGIC);
        overlapping.extend((left * 12).max(64).to_le_bytes());
        overlapping.extend(left.to_le_bytes());
    }
    for at in (HEADER_BYTES..nested.len()).step_by(64 << 10).rev() {
        let (head, payload) = nested[at..].split_at_mut(FRAME_HEADER_BYTES);
        head[..4].copy_from_slice(&FRAME_MAGIC);
        head[4..8].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        head[8..].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
    }
    nested[..HEADER_BYTES].copy_from_slice(&header);
    for hostile in [overlapping, nested] {
        let mut bytes = hostile;
        bytes.extend(encode(1, &record(b"z")).unwrap());
        let begun = std::time::Instant::now();
        let found: Vec<Found<'_>> = Scan::from(&bytes, HEADER_BYTES, 64 << 20).collect();
        let took = begun.elapsed();
        assert!(matches!(found[..], [Found::Damage { .. }, Found::Hint { .. }]), "what follows is not lost");
        assert!(took < Duration::from_secs(60), "{took:?}");
    }
}

#[test]
fn a_length_beyond_the_limit_is_damage() {
    let bytes = segment();
    assert_eq!(Scan::from(&bytes, HEADER_BYTES, 20).next(), Some(Found::Torn { start: HEADER_BYTES }));
    let mut newer = Header { created_ms: 5 }.encode();
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
        let both = tokio::join!(writer.write(host, 1, &first), writer.write(host, 2, &second));
        assert_eq!(both, (Ok(()), Ok(())));
    }
    assert_eq!(super::hosts(&dir).unwrap().len(), 2);
    let segment = segments(&dir, &hosts[1]).unwrap().remove(0);
    let mut seen: Vec<char> = keys(&read_segment(&segment).unwrap()).chars().collect();
    seen.sort_unstable();
    assert_eq!(seen, ['a', 'b']);
    assert!(!is_free(&segment).unwrap(), "its writer holds it");
    let closed = tokio::time::timeout(Duration::from_secs(20), async {
        while !is_free(&segment).unwrap() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    closed.await.expect("a segment without new hints is closed");
    writer.write(&hosts[1], 3, &record(b"c")).await.unwrap();
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
