//! The codec: what was written is read back, and nothing else is taken for it.

use proptest::prelude::*;

use super::*;
use crate::log::{
    body::{Body, Encoded},
    record::{RECORD_HEADER_BYTES, RecordHeader},
};

const SALT: u64 = 0x5A17;
const AT: u64 = 3 << 32 | 64;

type Owned = (Key, Meta, Vec<u8>, Option<Pointer>, Vec<u8>, Option<Kill>, Vec<Tally>);

fn record(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut encoded = Encoded::default();
    encoded.fill(entries).unwrap();
    let header = RecordHeader {
        body_len: encoded.body.len() as u32,
        values_len: encoded.values_len,
        body_crc: encoded.body_crc,
        synced: 2 << 32 | 70,
    };
    let mut bytes = header.encode(SALT, AT).to_vec();
    bytes.extend_from_slice(&encoded.body);
    for entry in entries {
        if let EntryValue::Large { bytes: value, .. } = entry.value {
            bytes.extend_from_slice(value);
        }
    }
    assert_eq!(bytes.len(), encoded.record_bytes());
    bytes
}

/// Reads a record at `AT`, values and all; `None` if any bit is not right.
fn read(bytes: &[u8]) -> Option<Vec<Owned>> {
    let header = RecordHeader::decode(bytes, SALT, AT)?;
    let body = bytes.get(RECORD_HEADER_BYTES..)?.get(..header.body_len as usize)?;
    bytes.get(..header.record_bytes() as usize)?;
    let mut body = Body::new(&header, AT, body)?;
    let (mut tallies, mut read) = (Vec::new(), Vec::new());
    while let Some(entry) = body.next(&mut tallies).ok()? {
        let (pointer, value) = match entry.value {
            Value::Inline(value) => (None, value),
            Value::Stored(pointer) if pointer.segment == segment_of(AT) => {
                let start = pointer.offset as usize - offset_of(AT) as usize;
                let value = bytes.get(start..)?.get(..pointer.len as usize)?;
                (crc32fast::hash(value) == pointer.crc).then_some((Some(pointer), value))?
            }
            Value::Stored(pointer) => (Some(pointer), &[][..]),
        };
        let (key, meta, user_key) = (entry.key, entry.meta, entry.user_key.to_vec());
        read.push((key, meta, user_key, pointer, value.to_vec(), entry.kill, entry.tallies.to_vec()));
    }
    Some(read)
}

fn sample() -> Vec<u8> {
    let tallies = [Tally { slot: 9, lane: 1, delta: -5 }, Tally { slot: u16::MAX, lane: 0, delta: i64::MIN }];
    let stored = Pointer { segment: 9, offset: 77, len: 5, raw_len: 50, crc: 1 };
    let meta = Meta { stamp: 77 << 16, version: 300, expire_ms: 9, flags: 0x11 };
    let base = Entry {
        key: Key([1, 2, 3]),
        meta,
        user_key: b"user key",
        value: EntryValue::Inline(b"inline"),
        kill: Some(Kill { segment: 4, len: 1000 }),
        tallies: &tallies,
    };
    let plain = Entry { kill: None, tallies: &[], meta: Meta::default(), key: key(5), ..base };
    let large = EntryValue::Large { bytes: b"a large value", raw_len: 40 };
    record(&[base, Entry { value: large, ..plain }, Entry { value: EntryValue::Stored(stored), ..plain }])
}

#[test]
fn every_truncation_and_every_flipped_bit_is_noticed() {
    let bytes = sample();
    let whole = read(&bytes).unwrap();
    assert_eq!(whole.len(), 3);
    assert_eq!(whole[1].4, b"a large value");
    for len in 0..bytes.len() {
        assert_eq!(read(&bytes[..len]), None, "length {len}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(read(&flipped), None, "bit {bit}");
    }
}

#[test]
fn a_small_row_costs_at_most_80_bytes() {
    let (stamp, version) = (1_700_000_000_000 << 16, 1000);
    let meta = Meta { stamp, version, ..Meta::default() };
    let value = EntryValue::Inline(&[1; 100]);
    let entry = Entry { key: key(1), meta, user_key: &[2; 16], value, kill: None, tallies: &[] };
    let overhead = record(&[entry]).len() - 116;
    assert!(overhead <= 80, "{overhead}");
}

#[test]
fn batches_that_are_too_big_or_wrong_are_refused() {
    let big = vec![0; MAX_VALUE_BYTES as usize];
    let entry = |value| Entry { key: key(1), meta: meta(1), user_key: b"k", value, kill: None, tallies: &[] };
    let whole = EntryValue::Large { bytes: &big, raw_len: MAX_VALUE_BYTES };
    let refused = |entries: &[Entry<'_>]| matches!(Encoded::default().fill(entries), Err(Error::Invalid(_)));
    assert!(!refused(&[entry(whole)]));
    assert!(refused(&[entry(whole), entry(whole)]));
    assert!(refused(&[entry(EntryValue::Inline(&big)), entry(EntryValue::Inline(&big))]));
    assert!(refused(&[entry(EntryValue::Large { bytes: &big, raw_len: MAX_VALUE_BYTES + 1 })]));
    assert!(refused(&[entry(EntryValue::Large { bytes: b"four", raw_len: 3 })]));
    assert!(refused(&[entry(EntryValue::Large { bytes: b"", raw_len: 3 })]));
}

proptest! {
    /// A body that nobody encoded, with a checksum that is right.
    #[test]
    fn hostile_bodies_are_read_to_their_end_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let body_crc = crc32fast::hash(&body);
        let header = RecordHeader { body_len: body.len() as u32, values_len: 50, body_crc, synced: 0 };
        let mut tallies = Vec::new();
        let mut entries = 0;
        if let Some(mut body) = Body::new(&header, AT, &body) {
            while let Ok(Some(_)) = body.next(&mut tallies) {
                entries += 1;
            }
        }
        prop_assert!(entries * 20 <= body.len());
        prop_assert!(tallies.capacity() <= 2 * body.len() + 8);
    }

    #[test]
    fn any_batch_round_trips(rows in prop::collection::vec((any::<[u64; 3]>(), any::<[u64; 3]>(), any::<u8>(),
        prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(any::<u8>(), 1..600), 0u8..3,
        any::<Option<(u32, u32)>>(), prop::collection::vec((any::<u16>(), any::<u8>(), any::<i64>()), 0..4)), 0..6)) {
        let tallies: Vec<Vec<Tally>> = rows.iter()
            .map(|row| row.7.iter().map(|&(slot, lane, delta)| Tally { slot, lane, delta }).collect()).collect();
        let entries: Vec<_> = rows.iter().zip(&tallies).map(|(row, tallies)| Entry {
            key: Key(row.0),
            meta: Meta { stamp: row.1[0], version: row.1[1], expire_ms: row.1[2], flags: row.2 },
            user_key: &row.3,
            value: match row.5 {
                0 => EntryValue::Inline(&row.4),
                1 => EntryValue::Large { bytes: &row.4, raw_len: row.4.len() as u32 + u32::from(row.2) },
                _ => EntryValue::Stored(Pointer { segment: 999, offset: row.0[0] as u32, len: 3, raw_len: 9, crc: 8 }),
            },
            kill: row.6.map(|(segment, len)| Kill { segment, len }),
            tallies,
        }).collect();
        let read = read(&record(&entries)).unwrap();
        prop_assert_eq!(read.len(), entries.len());
        for (read, entry) in read.iter().zip(&entries) {
            prop_assert_eq!((read.0, read.1, &read.2[..]), (entry.key, entry.meta, entry.user_key));
            prop_assert_eq!((read.5, &read.6[..]), (entry.kill, entry.tallies));
            match entry.value {
                EntryValue::Inline(bytes) => prop_assert_eq!((read.3, &read.4[..]), (None, bytes)),
                EntryValue::Stored(pointer) => prop_assert_eq!(read.3, Some(pointer)),
                EntryValue::Large { bytes, raw_len } => {
                    prop_assert_eq!(&read.4[..], bytes);
                    prop_assert_eq!(read.3.map(|pointer| pointer.raw_len), Some(raw_len));
                }
            }
        }
    }
}
