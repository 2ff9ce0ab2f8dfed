//! Segments read piece by piece, whole, cut, flipped at every bit, and full of what only looks like frames.

use std::{cell::Cell, time::Duration};

use hust_testkit::Random;

use super::{
    super::format::{HEADER_BYTES, Header, decode, encode},
    *,
};
use crate::frame::{Form, Kind, RecordRef, decode_one};

const PAYLOAD_MAX: usize = 1 << 20;

/// A segment in memory that hands out a few bytes at a time.
struct Bytes<'a>(&'a [u8]);

impl Source for Bytes<'_> {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(into.len()).min(7);
        into[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }
}

pub fn record<'a>(key: &'a [u8], value: &'a [u8]) -> RecordRef<'a> {
    RecordRef {
        kind: Kind::Hash,
        form: Form::Live,
        stamp: 7,
        version: 3,
        expire_ms: 9,
        table: "t",
        key,
        value,
    }
}

/// A hint, noted at the first byte of its key.
fn hint(key: &[u8], value: &[u8]) -> Vec<u8> {
    encode(u64::from(key[0]), &record(key, value)).unwrap()
}

fn segment() -> Vec<u8> {
    let mut bytes = Header { created_ms: 5 }.encode().to_vec();
    for key in [&b"a"[..], b"b", b"c"] {
        bytes.extend(hint(key, b"HNT1 a value with a magic"));
    }
    bytes
}

/// The first letter of the key in a merge frame.
fn key(frame: &[u8]) -> char {
    char::from(decode_one(frame).unwrap().key[0])
}

/// The hints by their keys, `!` for damage, `~` for a torn end.
pub fn read(bytes: &[u8], growth: Growth) -> String {
    let end = bytes.len() as u64;
    let mut reader = Reader::new(Bytes(bytes), HEADER_BYTES as u64, end, growth, PAYLOAD_MAX);
    let mut seen = String::new();
    loop {
        match reader.read().unwrap() {
            Piece::Hint { noted_ms, end } => {
                let key = key(reader.frame());
                assert_eq!((u64::from(key), reader.at()), (noted_ms, end));
                seen.push(key);
            }
            Piece::Damage { end } => {
                assert_eq!(end, reader.at());
                seen.push('!');
            }
            Piece::Torn { .. } => return seen + "~",
            Piece::End => return seen,
        }
    }
}

#[test]
fn a_cut_segment_has_its_whole_hints() {
    let bytes = segment();
    let length = (bytes.len() - HEADER_BYTES) / 3;
    for cut in HEADER_BYTES..=bytes.len() {
        let whole = &"abc"[..(cut - HEADER_BYTES) / length];
        let torn = if (cut - HEADER_BYTES).is_multiple_of(length) { "" } else { "~" };
        for growth in [Growth::Open, Growth::Closed] {
            assert_eq!(read(&bytes[..cut], growth), format!("{whole}{torn}"), "cut at {cut}");
        }
    }
}

#[test]
fn any_flipped_bit_costs_one_hint_and_is_seen() {
    let whole = segment();
    let length = (whole.len() - HEADER_BYTES) / 3;
    for bit in HEADER_BYTES * 8..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (frame, at) = ((bit / 8 - HEADER_BYTES) / length, (bit / 8 - HEADER_BYTES) % length);
        // A length that is too long looks like a write that was cut off, as long as nothing whole comes after it.
        let is_length =
            (4..8).contains(&at) && usize_at(&bytes, HEADER_BYTES + frame * length + 4) > length - 12;
        let legal = usize_at(&bytes, HEADER_BYTES + frame * length + 4) <= PAYLOAD_MAX;
        let expected = match frame {
            0 => "!bc",
            1 => "a!c",
            _ if is_length && legal => "ab~",
            _ => "ab!",
        };
        assert_eq!(read(&bytes, Growth::Closed), expected, "bit {bit}");
    }
}

fn usize_at(bytes: &[u8], at: usize) -> usize {
    u32_at(&bytes[at..])
}

#[test]
fn a_part_of_an_open_segment_waits_for_the_rest() {
    // What has come of the last frame holds a whole one in its value: it is no hint.
    let inner = hint(b"x", b"v");
    let outer = hint(b"d", &inner);
    let mut bytes = segment();
    let whole = bytes.len();
    bytes.extend(&outer[..outer.len() - 1]);
    assert_eq!(read(&bytes, Growth::Open), "abc~");
    let end = bytes.len() as u64;
    let mut reader = Reader::new(Bytes(&bytes), whole as u64, end, Growth::Open, PAYLOAD_MAX);
    for _ in 0..2 {
        assert_eq!(reader.read().unwrap(), Piece::Torn { start: whole as u64 });
    }
    bytes.extend(&outer[outer.len() - 1..]);
    assert_eq!(read(&bytes, Growth::Open), "abcd");
}

#[test]
fn zeros_at_the_end_are_no_damage() {
    let mut bytes = segment();
    bytes.extend([0; 5000]);
    assert_eq!(read(&bytes, Growth::Closed), "abc~");
    bytes.extend(hint(b"d", b"v"));
    assert_eq!(read(&bytes, Growth::Closed), "abc!d");
}

#[test]
fn what_only_looks_like_frames_is_passed_quickly() {
    let mut bytes = segment();
    bytes.push(b'?');
    for _ in 0..20_000 {
        bytes.extend(FRAME_MAGIC);
        bytes.extend((PAYLOAD_MAX as u32).to_le_bytes());
    }
    bytes.extend(hint(b"d", b"v"));
    assert_eq!(read(&bytes, Growth::Closed), "abc!d");
}

/// A segment in memory that counts what is read of it.
struct Counted<'a>(&'a [u8], &'a Cell<usize>);

impl Source for Counted<'_> {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(into.len());
        into[..read].copy_from_slice(&rest[..read]);
        self.1.set(self.1.get() + read);
        Ok(read)
    }
}

/// What looks like the beginning of a frame that reaches so far, and of the merge frame in it.
fn plausible(reach: usize) -> Vec<u8> {
    let payload = reach.saturating_sub(FRAME_HEADER_BYTES).max(64) as u32;
    let inner = payload - (NOTED_BYTES + frame::HEADER_BYTES) as u32;
    let (magic, merge) = (FRAME_MAGIC.as_slice(), frame::MAGIC.as_slice());
    let parts = [magic, &payload.to_le_bytes(), &[7; 12], merge, &[1, 0, 0, 0], &inner.to_le_bytes()];
    parts.concat()
}

/// Frames that reach to the end, written over bytes from the back such that each one's checksum fits.
fn nested(mut bytes: Vec<u8>) -> Vec<u8> {
    for at in (HEADER_BYTES..bytes.len() - 100).step_by(64 << 10).rev() {
        let head = plausible(bytes.len() - at);
        bytes[at..at + head.len()].copy_from_slice(&head);
        let checksum = crc32fast::hash(&bytes[at + FRAME_HEADER_BYTES..]);
        bytes[at + 8..at + 12].copy_from_slice(&checksum.to_le_bytes());
    }
    bytes
}

#[test]
#[expect(clippy::disallowed_methods, reason = "measures how long reading takes")]
fn a_forged_segment_is_read_in_time() {
    const FORGED_BYTES: usize = 8 << 20;
    let begin = Header { created_ms: 5 }.encode().to_vec();
    // Gives the number of pieces too.
    let fill = |piece: &dyn Fn(usize) -> Vec<u8>| {
        let (mut bytes, mut pieces) = (begin.clone(), 0);
        while bytes.len() < FORGED_BYTES {
            bytes.extend(piece(FORGED_BYTES - bytes.len()));
            pieces += 1;
        }
        (bytes, pieces)
    };
    let small = hint(b"s", b"");
    // All in all terabytes, if each of these were read to where it says it ends.
    for (what, (forged, pieces), hints_each) in [
        ("heads that overlap", fill(&plausible), 0),
        ("heads with hints between", fill(&|left| [plausible(left), small.clone()].concat()), 1),
        ("frames in frames", (nested(fill(&|left| vec![0; left]).0), 1), 0),
        ("a byte before each hint", fill(&|_| [b"?", &small[..]].concat()), 1),
    ] {
        let bytes = [forged, hint(b"z", b"v")].concat();
        let expected = pieces * hints_each + 1;
        let (read, begun) = (Cell::new(0), std::time::Instant::now());
        let source = Counted(&bytes, &read);
        let end = bytes.len() as u64;
        let mut reader = Reader::new(source, HEADER_BYTES as u64, end, Growth::Closed, 64 << 20);
        let (mut hints, mut last) = (0, 0);
        loop {
            match reader.read().unwrap() {
                Piece::Hint { noted_ms, .. } => (hints, last) = (hints + 1, noted_ms),
                Piece::Damage { .. } => {}
                Piece::Torn { .. } | Piece::End => break,
            }
        }
        assert_eq!((hints, last), (expected, u64::from(b'z')), "{what}");
        assert!(read.get() < 100 * bytes.len(), "{what}: {} bytes read", read.get());
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: {:?}", begun.elapsed());
    }
}

/// The hints in a segment by their keys, as the plainest of readers finds them.
fn search(bytes: &[u8]) -> String {
    let (mut at, mut seen) = (HEADER_BYTES, String::new());
    while at < bytes.len() {
        at += match decode(&bytes[at..], PAYLOAD_MAX) {
            Ok((_, length)) => {
                seen.push(key(&bytes[at + INNER..at + length]));
                length
            }
            Err(HintError::Record(_)) => FRAME_HEADER_BYTES + length(&bytes[at..]),
            Err(_) => 1,
        };
    }
    seen
}

#[test]
fn reads_what_a_search_at_every_byte_finds() {
    const SEED: u64 = 0x5eed_0057;
    println!("seed {SEED:#x}");
    let mut random = Random(SEED);
    for round in 0..300 {
        let mut bytes = Header { created_ms: 5 }.encode().to_vec();
        for _ in 0..random.below(12) {
            let inner = hint(b"i", b"in a value");
            let value =
                [inner.repeat(random.below(3) as usize), vec![b'v'; random.below(3000) as usize]].concat();
            bytes.extend(hint(&[b'a' + random.below(26) as u8], &value));
        }
        for _ in 0..random.below(6) {
            let at = random.below(bytes.len() as u64) as usize;
            if at >= HEADER_BYTES {
                bytes[at] ^= 1 << random.below(8);
            }
        }
        bytes.truncate(bytes.len().saturating_sub(random.below(50) as usize).max(HEADER_BYTES));
        let seen = read(&bytes, Growth::Closed).replace(['!', '~'], "");
        assert_eq!(seen, search(&bytes), "round {round}");
    }
}

#[test]
fn a_part_can_be_read_alone() {
    let bytes = segment();
    let length = (bytes.len() - HEADER_BYTES) / 3;
    let (from, to) = ((HEADER_BYTES + length) as u64, (HEADER_BYTES + 2 * length) as u64);
    let mut reader = Reader::new(Bytes(&bytes), from, to, Growth::Closed, PAYLOAD_MAX);
    assert_eq!(reader.read().unwrap(), Piece::Hint { end: to, noted_ms: u64::from(b'b') });
    assert_eq!(reader.read().unwrap(), Piece::End);
    assert!(reader.window.capacity() <= 2 * CHUNK_BYTES, "no more is held than is needed");
    let mut late = Reader::new(Bytes(&bytes), u64::MAX, to, Growth::Closed, PAYLOAD_MAX);
    assert_eq!(late.read().unwrap(), Piece::End);
}
