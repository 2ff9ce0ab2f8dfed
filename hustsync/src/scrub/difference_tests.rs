//! What one node must send to the other, record by record.

use hust_wire::frame::{FrameWriter, Kind};

use super::*;

/// Key, stamp, version, form, expiry.
type Row = (&'static str, u64, u64, Form, u64);

const LIVE: Form = Form::Live;
const DEAD: Form = Form::Tombstone;
const LEFT: Form = Form::Remains;

fn page(content: Content, rows: &[Row]) -> Vec<u8> {
    let mut writer = FrameWriter::new(content);
    for (key, stamp, version, form, expire_ms) in rows {
        let record = RecordRef {
            kind: Kind::Kv,
            form: *form,
            stamp: *stamp,
            version: *version,
            expire_ms: *expire_ms,
            table: "",
            key: key.as_bytes(),
            value: if *form == LIVE { b"v" } else { b"" },
        };
        writer.push(&record).unwrap();
    }
    writer.finish()
}

/// The keys that each side must send.
fn sent(max: usize, first: &[Row], second: &[Row]) -> [Vec<String>; 2] {
    let ids = Ids::default();
    let mut comparison = Comparison::new(ids.clone(), max);
    for row in first {
        comparison.first(&page(Content::Digest, &[*row])).unwrap();
    }
    comparison.second(&page(Content::Digest, second)).unwrap();
    let [from_first, from_second] = comparison.finish();
    [(first, from_first), (second, from_second)].map(|(rows, wanted)| {
        let frames = pick(&page(Content::Whole, rows), &ids, &wanted).unwrap();
        assert_eq!(wanted.is_none(), frames.is_empty());
        let key =
            |frame: &Vec<u8>| String::from_utf8(frame::decode_one(frame).unwrap().key.to_vec()).unwrap();
        frames.iter().map(key).collect()
    })
}

#[test]
fn the_greater_record_is_sent() {
    let table: [(Row, Row, [usize; 2]); 9] = [
        (("k", 5, 1, LIVE, 0), ("k", 5, 1, LIVE, 0), [0, 0]),
        (("k", 6, 1, LIVE, 0), ("k", 5, 1, LIVE, 0), [1, 0]),
        (("k", 5, 1, LIVE, 0), ("k", 6, 1, DEAD, 0), [0, 1]),
        (("k", 5, 2, LIVE, 0), ("k", 5, 1, LIVE, 0), [1, 0]),
        (("k", 5, 1, LIVE, 0), ("k", 5, 1, DEAD, 0), [0, 1]),
        // The values decide, and nobody has seen them.
        (("k", 5, 1, LIVE, 9), ("k", 5, 1, LIVE, 0), [1, 1]),
        // One node has taken the value away already.
        (("k", 5, 1, LIVE, 9), ("k", 5, 1, LEFT, 9), [0, 0]),
        (("k", 5, 1, LIVE, 0), ("other", 5, 1, LIVE, 0), [1, 1]),
        (("k", 5, 0, DEAD, 0), ("k", 5, 0, DEAD, 0), [0, 0]),
    ];
    for (first, second, expected) in table {
        assert_eq!(sent(100, &[first], &[second]).map(|keys| keys.len()), expected, "{first:?} {second:?}");
    }
}

#[test]
fn only_what_differs_is_sent() {
    let first = [("a", 1, 1, LIVE, 0), ("b", 2, 1, LIVE, 0), ("c", 3, 1, DEAD, 0)];
    let second = [("c", 3, 1, DEAD, 0), ("b", 1, 1, LIVE, 0), ("d", 1, 1, LEFT, 5)];
    assert_eq!(sent(100, &first, &second), [vec!["a", "b"], vec!["d"]]);
    assert_eq!(sent(100, &[], &second)[1].len(), 3);
}

#[test]
fn too_many_records_are_all_sent() {
    let rows = [("a", 1, 1, LIVE, 0), ("b", 2, 1, LIVE, 0), ("c", 3, 1, LIVE, 0)];
    assert_eq!(sent(2, &rows, &rows).map(|keys| keys.len()), [3, 3]);
    assert_eq!(sent(3, &rows, &rows).map(|keys| keys.len()), [0, 0]);
}

#[test]
fn kinds_and_tables_are_part_of_an_identity() {
    let ids = Ids::default();
    let record = |kind, table, key| RecordRef {
        kind,
        form: LIVE,
        stamp: 1,
        version: 1,
        expire_ms: 0,
        table,
        key,
        value: b"",
    };
    let mut seen = HashSet::new();
    for record in [
        record(Kind::Kv, "", b"ab"),
        record(Kind::Set, "a", b"b"),
        record(Kind::Hash, "a", b"b"),
        record(Kind::Hash, "ab", b""),
    ] {
        assert!(seen.insert(ids.of(&record)));
        assert!(!seen.insert(ids.clone().of(&record)), "the same again");
    }
}

#[test]
fn damaged_pages_are_refused() {
    let mut damaged = page(Content::Digest, &[("a", 1, 1, LIVE, 0)]);
    let whole = page(Content::Whole, &[("a", 1, 1, LIVE, 0)]);
    damaged[30] ^= 1;
    let mut comparison = Comparison::new(Ids::default(), 10);
    assert!(comparison.first(&damaged).is_err() && comparison.second(&whole).is_err());
    assert!(pick(&damaged, &Ids::default(), &Wanted::All).is_err());
}
