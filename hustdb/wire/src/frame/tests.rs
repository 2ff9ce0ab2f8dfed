//! Frames: round trips, every truncation, every flipped bit, every limit, and the example of the documentation.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{Refusal, slot};

const LIVE: RecordRef<'_> = RecordRef {
    kind: Kind::Hash,
    form: Form::Live,
    stamp: 7,
    version: 1,
    expire_ms: 0,
    table: "t",
    key: b"f",
    value: b"v",
};

fn body(records: &[RecordRef<'_>]) -> Vec<u8> {
    let mut writer = FrameWriter::new(Content::Whole);
    records.iter().for_each(|record| writer.push(record).unwrap());
    assert_eq!(writer.records(), records.len() as u64);
    writer.finish()
}

fn collect(body: &[u8]) -> Result<Vec<RecordRef<'_>>, FrameError> {
    let frames: Vec<Frame<'_>> = decode(body).collect::<Result<_, _>>()?;
    for frame in &frames {
        assert_eq!(frame.records().count(), frame.count() as usize, "a verified frame gives all its records");
        assert!(frame.records().len() > 0);
    }
    assert_eq!(frames.iter().map(|frame| frame.bytes().len()).sum::<usize>(), body.len());
    Ok(frames.iter().flat_map(Frame::records).collect())
}

/// A record of each kind and form.
fn samples() -> Vec<RecordRef<'static>> {
    let score: &[u8] = &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];
    let live = [
        RecordRef { kind: Kind::Kv, table: "", version: VERSION_MAX, ..LIVE },
        RecordRef { expire_ms: u64::MAX, stamp: u64::MAX, ..LIVE },
        RecordRef { kind: Kind::Set, value: b"", ..LIVE },
        RecordRef { kind: Kind::SortedSet, value: score, ..LIVE },
    ];
    let dead = |form| {
        move |record: RecordRef<'static>| RecordRef {
            form,
            value: b"",
            expire_ms: 9,
            key: b"\0\xff",
            ..record
        }
    };
    let tombstones = live.map(dead(Form::Tombstone)).map(|record| RecordRef { version: 0, ..record });
    [live, tombstones, live.map(dead(Form::Remains))].concat()
}

#[derive(Debug, Clone)]
struct Owned(Kind, Form, [u64; 3], String, Vec<u8>, Vec<u8>);

fn owned() -> impl Strategy<Value = Owned> {
    let kinds = prop_oneof![Just(Kind::Kv), Just(Kind::Hash), Just(Kind::Set), Just(Kind::SortedSet)];
    let forms = prop_oneof![Just(Form::Live), Just(Form::Tombstone), Just(Form::Remains)];
    let numbers = [1..=u64::MAX, 1..=VERSION_MAX, 1..=u64::MAX];
    (kinds, forms, numbers, "[0-9A-Za-z_:.]{1,64}", vec(any::<u8>(), 1..300), vec(any::<u8>(), 8..5000))
        .prop_map(|(kind, form, numbers, table, key, value)| Owned(kind, form, numbers, table, key, value))
}

impl Owned {
    fn as_ref(&self) -> RecordRef<'_> {
        let Owned(kind, form, [stamp, version, expire_ms], table, key, value) = self;
        let value: &[u8] = match (form, kind) {
            (Form::Live, Kind::SortedSet) => &value[..8],
            (Form::Live, Kind::Kv | Kind::Hash) => value,
            _ => b"",
        };
        let table = if *kind == Kind::Kv { "" } else { table };
        let (kind, form, stamp, version, expire_ms) = (*kind, *form, *stamp, *version, *expire_ms);
        RecordRef { kind, form, stamp, version, expire_ms, table, key, value }
    }
}

proptest! {
    #[test]
    fn reads_what_it_writes(owned in vec(owned(), 0..200)) {
        let records: Vec<RecordRef<'_>> = owned.iter().map(Owned::as_ref).collect();
        let whole = body(&records);
        prop_assert_eq!(collect(&whole).unwrap(), &records[..]);
        for frame in decode(&whole) {
            prop_assert!(frame.unwrap().bytes().len() <= FRAME_TARGET_BYTES);
        }
        let mut digest = FrameWriter::new(Content::Digest);
        records.iter().for_each(|record| digest.push(record).unwrap());
        let digest = digest.finish();
        let read: Vec<RecordRef<'_>> = decode_digest(&digest).flat_map(|frame| frame.unwrap().records()).collect();
        let bare: Vec<RecordRef<'_>> = records.iter().map(|record| RecordRef { value: b"", ..*record }).collect();
        prop_assert_eq!(read, bare);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..400)) {
        prop_assert!(bytes.is_empty() || collect(&bytes).is_err());
    }
}

#[test]
fn every_truncation_is_refused() {
    let first = body(&samples());
    let both = [&first[..], &body(&[LIVE])].concat();
    for end in 0..both.len() {
        let read = collect(&both[..end]);
        match end {
            0 => assert_eq!(read, Ok(vec![])),
            _ if end == first.len() => assert_eq!(read.unwrap(), samples()),
            _ => assert_eq!(read, Err(FrameError::CutOff), "{end}"),
        }
    }
}

#[test]
fn every_flipped_bit_is_refused_and_frames_before_it_are_whole() {
    let (first, second) = (body(&samples()), body(&samples()[..3]));
    let good = [&first[..], &second].concat();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let mut frames = decode(&bad);
        if bit / 8 >= first.len() {
            assert_eq!(frames.next().unwrap().unwrap().bytes(), first);
        }
        assert!(frames.next().unwrap().is_err(), "bit {bit}");
        assert!(frames.next().is_none(), "nothing is read after damage");
    }
}

#[test]
fn bodies_may_be_put_one_after_another() {
    let bodies = [body(&samples()), body(&[]), body(&[LIVE]), body(&samples()[2..5])];
    let expected = [&samples()[..], &[LIVE], &samples()[2..5]].concat();
    assert_eq!(collect(&bodies.concat()).unwrap(), expected);
    let mut after = FrameWriter::after(body(&[LIVE]), Content::Whole);
    after.push(&LIVE).unwrap();
    assert_eq!(after.len_bytes(), 2 * (HEADER_BYTES + RECORD_HEADER_BYTES + 3));
    assert_eq!(collect(&after.finish()).unwrap(), [LIVE, LIVE]);
}

#[test]
fn frames_end_at_the_target_and_a_large_record_is_alone() {
    let (small, large) = (vec![1; 100_000], vec![2; 3 << 20]);
    let with = |value| RecordRef { value, ..LIVE };
    let records = [with(&small), with(&small), with(&small), with(&large), with(&small)];
    let whole = body(&records);
    assert_eq!(collect(&whole).unwrap(), records);
    let counts: Vec<u32> = decode(&whole).map(|frame| frame.unwrap().count()).collect();
    assert_eq!(counts, [2, 1, 1, 1]);
}

#[test]
fn limits_of_a_record_hold_at_both_ends() {
    let long = vec![b'k'; 65_537];
    let name = "n".repeat(65);
    let (legal_key, legal_name) = (&long[1..], &name[1..]);
    collect(&body(&[RecordRef { key: legal_key, table: legal_name, value: b"", ..LIVE }])).unwrap();
    let zset = RecordRef { kind: Kind::SortedSet, value: &long[..8], ..LIVE };
    let dead = RecordRef { form: Form::Tombstone, value: b"", ..LIVE };
    let table = [
        (RecordRef { stamp: 0, ..LIVE }, "stamp is 0"),
        (RecordRef { version: 0, ..LIVE }, "version is 0"),
        (RecordRef { version: VERSION_MAX + 1, ..LIVE }, "version over 2^63-1"),
        (RecordRef { version: VERSION_MAX + 1, ..dead }, "version over 2^63-1"),
        (RecordRef { form: Form::Remains, ..dead }, "expired without an expiry"),
        (RecordRef { form: Form::Remains, version: 0, expire_ms: 1, ..dead }, "version is 0"),
        (RecordRef { kind: Kind::Kv, ..LIVE }, "kv pair with a table"),
        (RecordRef { table: "", ..LIVE }, "illegal table name"),
        (RecordRef { table: &name, ..LIVE }, "illegal table name"),
        (RecordRef { table: "a/b", ..LIVE }, "illegal table name"),
        (RecordRef { table: "é", ..LIVE }, "illegal table name"),
        (RecordRef { key: b"", ..LIVE }, "empty key"),
        (RecordRef { key: &long, ..LIVE }, "key over 65536 bytes"),
        (RecordRef { kind: Kind::Set, ..LIVE }, "set member with a value"),
        (RecordRef { value: b"v", ..dead }, "value of what is not live"),
        (RecordRef { value: &long[..7], ..zset }, "score is not 8 bytes"),
        (RecordRef { value: &long[..9], ..zset }, "score is not 8 bytes"),
    ];
    for (record, what) in table {
        let mut writer = FrameWriter::new(Content::Whole);
        assert_eq!(writer.push(&record), Err(FrameError::Record { index: 0, what }));
        assert_eq!(writer.finish(), b"", "a refused record leaves nothing");
        // What a hostile writer would send: the same, with a checksum that fits.
        let hostile = forge(&[raw(&LIVE), raw(&record)].concat(), 2, 0);
        assert_eq!(collect(&hostile), Err(FrameError::Record { index: 1, what }));
    }
}

fn raw(record: &RecordRef<'_>) -> Vec<u8> {
    let mut bytes = vec![record.kind as u8, record.form as u8, record.table.len() as u8, 0];
    bytes.extend((record.key.len() as u32).to_le_bytes());
    bytes.extend((record.value.len() as u32).to_le_bytes());
    for number in [record.stamp, record.version, record.expire_ms] {
        bytes.extend(number.to_le_bytes());
    }
    [&bytes[..], record.table.as_bytes(), record.key, record.value].concat()
}

fn forge(payload: &[u8], count: u32, flags: u16) -> Vec<u8> {
    let mut frame = MAGIC.to_vec();
    frame.extend(FORMAT_VERSION.to_le_bytes());
    frame.extend(flags.to_le_bytes());
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(count.to_le_bytes());
    let checksum = read::checksum(&frame, payload);
    frame.extend(checksum.to_le_bytes());
    frame.extend(payload);
    frame
}

#[test]
fn hostile_frames_with_good_checksums_are_refused() {
    let record = raw(&LIVE);
    let digest = raw(&RecordRef { value: b"", ..LIVE });
    let set = |at: usize, byte: u8| {
        let mut bytes = record.clone();
        bytes[at] = byte;
        forge(&bytes, 1, 0)
    };
    let in_record = |what| FrameError::Record { index: 0, what };
    let table = [
        (forge(&[], 0, 0), FrameError::Empty),
        (forge(&record, 0, 0), FrameError::Empty),
        (forge(&record, 2, 0), FrameError::Count),
        (forge(&record, u32::MAX, 0), FrameError::Count),
        (forge(&[&record[..], &record].concat(), 1, 0), FrameError::Count),
        (forge(&[&record[..], b"x"].concat(), 1, 0), FrameError::Count),
        (forge(&record[..35], 1, 0), in_record("over the end of the frame")),
        (forge(&digest, 1, FLAG_WITHOUT_VALUES), FrameError::WithoutValues),
        (forge(&record, 1, 2), FrameError::Flags(2)),
        (set(0, 4), in_record("unknown kind")),
        (set(1, 3), in_record("unknown form")),
        (set(3, 1), in_record("reserved byte is not 0")),
        (set(2, 255), in_record("over the end of the frame")),
        (set(7, 255), in_record("over the end of the frame")),
        (set(11, 255), in_record("over the end of the frame")),
    ];
    for (bytes, error) in table {
        assert_eq!(collect(&bytes), Err(error));
    }
    let read = |bytes: &[u8]| decode_digest(bytes).next().unwrap().map(|frame| frame.count());
    assert_eq!(read(&forge(&record, 1, 0)), Err(FrameError::WithValues));
    assert_eq!(read(&forge(&record, 1, FLAG_WITHOUT_VALUES)), Err(in_record("value in a digest")));
    assert_eq!(read(&forge(&digest, 1, FLAG_WITHOUT_VALUES)), Ok(1));
    let mut newer = forge(&record, 1, 0);
    newer[4] = 2;
    assert_eq!(collect(&newer), Err(FrameError::Version(2)));
    assert_eq!(Refusal::from(in_record("empty key")).line(), "frame: record 0: empty key\n");
    assert_eq!(Refusal::from(FrameError::CutOff).to_string(), "400 frame: cut off");
}

#[test]
fn a_hint_is_exactly_one_record() {
    for record in samples() {
        assert_eq!(decode_one(&encode_one(&record).unwrap()), Ok(record));
    }
    assert_eq!(decode_one(b""), Err(FrameError::Empty));
    assert_eq!(decode_one(&body(&[LIVE, LIVE])), Err(FrameError::NotOne));
    let one = encode_one(&LIVE).unwrap();
    assert_eq!(decode_one(&[&one[..], &one].concat()), Err(FrameError::NotOne));
    assert_eq!(decode_one(&one[..one.len() - 1]), Err(FrameError::CutOff));
    assert!(encode_one(&RecordRef { key: b"", ..LIVE }).is_err());
}

#[test]
fn sorted_sets_are_routed_by_table_and_the_rest_by_key() {
    let score = score_to_bytes(-50);
    let member =
        RecordRef { kind: Kind::SortedSet, table: "test_table", key: b"hello", value: &score, ..LIVE };
    assert_eq!((member.slot(), member.score()), (902, Some(-50)));
    for kind in [Kind::Kv, Kind::Hash, Kind::Set] {
        let other = RecordRef { kind, ..member };
        assert_eq!((other.slot(), other.score()), (slot::slot(b"hello"), None));
    }
}

#[test]
fn the_documented_example_is_what_is_written() {
    let doc = include_str!("../../../../doc/frames.md");
    let hex: String = doc
        .split_once("```hex\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(block, _)| block.lines().map(|line| line.split('|').next().unwrap_or("")).collect())
        .unwrap();
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let hash = RecordRef {
        stamp: 115_585_292_697_600_001,
        version: 3,
        expire_ms: 1_764_000_000_000,
        table: "users",
        key: b"42",
        value: b"Ada",
        ..LIVE
    };
    let gone = RecordRef {
        kind: Kind::Kv,
        form: Form::Tombstone,
        stamp: 115_585_292_697_600_002,
        version: 1,
        expire_ms: 0,
        table: "",
        key: b"a",
        value: b"",
    };
    let written = body(&[hash, gone]);
    assert_eq!(bytes, written, "{}", written.iter().map(|b| format!("{b:02x} ")).collect::<String>());
}
