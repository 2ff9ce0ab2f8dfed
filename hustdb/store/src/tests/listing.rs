//! Pages of listings: order, windows, offsets, cursors, limits.

use std::collections::BTreeMap;

use super::{
    seen::{Seen, SeenValue, follow, list, list_with},
    *,
};
use crate::{Kind, ListOf, ListRequest, Member, ScoreOperation, Start, md5, slot_of};

fn filled() -> (Node, BTreeMap<[u8; 16], Vec<u8>>) {
    let node = Node::new(|_| ());
    let mut shown = BTreeMap::new();
    for number in 0..600u32 {
        let key = format!("key_{number}").into_bytes();
        let lifetime = if number % 5 == 0 { Lifetime::Ttl(1) } else { FOR_EVER };
        // Every other value lies in the content log.
        let value = number.to_be_bytes().repeat(1 + 32 * (number as usize % 2));
        node.put(&key, &value, LOCAL, lifetime);
        match number % 5 {
            0 => {}
            1 => _ = node.delete(&key, LOCAL),
            _ => _ = shown.insert(md5(&key), key),
        }
    }
    node.clock.advance(1000);
    (node, shown)
}

fn keys(rows: &[Seen]) -> Vec<Vec<u8>> {
    rows.iter().map(|row| row.key.clone()).collect()
}

fn write(node: &Node, kind: Kind, table: &str, key: &str, change: Change<'_>) {
    let member = Member { kind, table: table.as_bytes(), key: key.as_bytes() };
    let terms = Terms { lifetime: Lifetime::Kept, ..Terms::PLAIN };
    applied(settle(node.call(|| node.store().members().write(&member, change, terms))).unwrap());
}

fn zadd(node: &Node, table: &str, key: &str, score: i64) {
    write(node, Kind::Zset, table, key, Change::Score { score, operation: ScoreOperation::Set });
}

#[test]
fn files_together_show_each_live_record_once_in_md5_order() {
    let (node, shown) = filled();
    let mut all = Vec::new();
    for file in 0..node.store().file_count() {
        all.extend(keys(&list(&node, ListOf::File(file), 0..1024, Start::Offset(0), 1000).unwrap().0));
    }
    assert_eq!(all, shown.into_values().collect::<Vec<_>>());
}

#[test]
fn windows_offsets_and_sizes_count_shown_rows() {
    let (node, shown) = filled();
    let file = ListOf::File(0);
    let in_window = |md5: &[u8; 16]| (100..120).contains(&slot_of(md5));
    let expected: Vec<_> =
        shown.iter().filter(|(md5, _)| in_window(md5)).map(|(_, key)| key.clone()).collect();
    assert!(expected.len() > 3);
    for offset in 0..expected.len() + 2 {
        let (rows, listing) = list(&node, file, 100..120, Start::Offset(offset), 3).unwrap();
        let wanted: Vec<_> = expected.iter().skip(offset).take(3).cloned().collect();
        assert_eq!(keys(&rows), wanted);
        assert_eq!(listing.cursor.is_some(), offset + 3 < expected.len());
    }
    assert!(list(&node, ListOf::File(1), 100..120, Start::Offset(0), 9).unwrap().0.is_empty());
    for offset in 0..expected.len() {
        for row in list(&node, file, 100..120, Start::Offset(offset), 9).unwrap().0 {
            let record = node.get(&row.key).unwrap();
            assert_eq!((row.shown, row.value), (record.shown, SeenValue::Bytes(record.value.to_vec())));
        }
    }
}

#[test]
fn cursors_lead_through_everything_once_whatever_is_written() {
    let (mut node, shown) = filled();
    for size in [1, 2, 7, 1000] {
        let mut page = 0;
        let mut seen = keys(&follow(&mut node, ListOf::File(3), 0..1024, size, |node| {
            node.put(format!("other_{size}_{page}").as_bytes(), b"v", LOCAL, Lifetime::Ttl(1));
            if page % 16 == 3 {
                node.restart();
            }
            page += 1;
        }));
        let file_3 = |md5: &[u8; 16]| slot_of(md5) / 128 == 3;
        let expected: Vec<_> =
            shown.iter().filter(|(md5, _)| file_3(md5)).map(|(_, key)| key.clone()).collect();
        seen.retain(|key| key.starts_with(b"key_"));
        assert_eq!(seen, expected, "size {size}");
        node.clock.advance(1000);
    }
}

#[test]
fn made_up_cursors_and_files_are_refused() {
    let (node, _) = filled();
    for number in 0..100 {
        write(&node, Kind::Hash, "h", &format!("{number}"), Change::Put(b"v"));
        zadd(&node, "z", &format!("{number}"), number);
    }
    let hash = ListOf::Table { kind: Kind::Hash, name: b"h" };
    let scores = ListOf::Scores { name: b"z", min: 20, max: 80 };
    let token = |of| list(&node, of, 0..1024, Start::Cursor(b""), 1).unwrap().1.cursor.unwrap();
    let of_file = |file| {
        // The last row of the listing: of a table, if one has rows there.
        let (rows, _) = list(&node, ListOf::File(file), 0..1024, Start::Offset(0), 1000).unwrap();
        let start = Start::Offset(rows.len() - 2);
        list(&node, ListOf::File(file), 0..1024, start, 1).unwrap().1.cursor.unwrap()
    };
    let zset_file = usize::from(slot_of(&md5(b"z"))) / 128;
    let kv = token(ListOf::File(3));
    let z = of_file(zset_file);
    let cases = [
        (ListOf::File(4), 0..1024, kv.as_str()),
        (ListOf::File(3), 0..1024, "AbC_9"),
        (ListOf::File(3), 0..1024, "%"),
        (ListOf::File(3), 0..1024, &kv[1..]),
        (ListOf::File(3), 0..128, &kv),
        (ListOf::File(3), 0..1024, &token(scores)),
        (ListOf::File(zset_file ^ 1), 0..1024, &z),
        (hash, 0..1024, &kv),
        (hash, 0..1024, &z),
        (hash, 1023..1024, &token(hash)),
        (hash, 0..1024, &token(scores)),
        (ListOf::Scores { name: b"z", min: 0, max: 10 }, 0..1024, &token(scores)),
        (scores, 0..1024, &z),
    ];
    for (of, slots, token) in cases {
        let refused = list(&node, of, slots, Start::Cursor(token.as_bytes()), 1);
        assert!(matches!(refused, Err(Error::Invalid { subject: "cursor", .. })), "{of:?} {token}");
    }
    for (of, token) in [(ListOf::File(zset_file), &z), (scores, &token(scores)), (hash, &token(hash))] {
        assert!(list(&node, of, 0..1024, Start::Cursor(token.as_bytes()), 1).is_ok());
    }
    assert!(matches!(
        list(&node, ListOf::File(8), 0..1024, Start::Offset(0), 1),
        Err(Error::Invalid { subject: "file", .. })
    ));
}

#[test]
fn a_page_ends_before_its_body_passes_the_limit() {
    let node = Node::new(|_| ());
    let mut names: Vec<_> = (0..200u32).map(|n| format!("key_{n}").into_bytes()).collect();
    names.retain(|name| slot_of(&md5(name)) < 128);
    names.truncate(6);
    for name in &names {
        node.put(name, &vec![7; 10 << 20], LOCAL, FOR_EVER);
    }
    let of = ListOf::File(0);
    let (rows, listing) = list(&node, of, 0..1024, Start::Offset(0), 1000).unwrap();
    // 10 MiB are 13.3 MiB in base64: two fit in 32 MiB.
    assert_eq!((rows.len(), listing.cut), (2, true));
    let token = listing.cursor.unwrap();
    let (rows, listing) = list(&node, of, 0..1024, Start::Cursor(token.as_bytes()), 1).unwrap();
    assert_eq!((rows.len(), listing.cut), (1, false));
    let request = ListRequest { of, slots: 0..1024, start: Start::Offset(0), size: 1000, values: false };
    let (rows, listing) = list_with(&node, &request).unwrap();
    assert_eq!((rows.len(), listing.cursor), (6, None));
}

#[test]
fn sorted_sets_go_by_score_then_md5_and_may_be_cut_by_score() {
    let mut node = Node::new(|_| ());
    for (key, score) in
        [("a", 30), ("b", -5), ("c", 30), ("d", i64::MIN), ("e", i64::MAX), ("f", 0), ("g", 30)]
    {
        zadd(&node, "z", key, 7);
        zadd(&node, "z", key, score);
    }
    let mut ties = ["a", "c", "g"];
    ties.sort_by_key(|key| md5(key.as_bytes()));
    let order: Vec<_> = ["d", "b", "f"].into_iter().chain(ties).chain(["e"]).map(str::as_bytes).collect();
    let rank = ListOf::Table { kind: Kind::Zset, name: b"z" };
    for restarted in [false, true] {
        let (rows, _) = list(&node, rank, 0..1024, Start::Offset(0), 99).unwrap();
        assert_eq!(keys(&rows), order);
        assert_eq!(rows[1].value, SeenValue::Score(-5));
        assert_eq!((rows[1].shown.version, &rows[1].table), (2, &None));
        for (min, max, expected) in [
            (i64::MIN, i64::MAX, &order[..]),
            (-5, 30, &order[1..6]),
            (-4, 29, &order[2..3]),
            (30, 30, &order[3..6]),
            (31, i64::MAX - 1, &[]),
            (i64::MAX, i64::MAX, &order[6..]),
        ] {
            let scores = ListOf::Scores { name: b"z", min, max };
            assert_eq!(keys(&list(&node, scores, 0..1024, Start::Offset(0), 99).unwrap().0), expected);
            assert_eq!(keys(&follow(&mut node, scores, 0..1024, 1, |_| ())), expected);
        }
        let slot = slot_of(&md5(b"z"));
        assert_eq!(list(&node, rank, slot..slot + 1, Start::Offset(0), 99).unwrap().0.len(), 7);
        assert!(list(&node, rank, 0..slot, Start::Offset(0), 99).unwrap().0.is_empty(), "of another slot");
        if !restarted {
            node.restart();
        }
    }
    let scores = ListOf::Scores { name: b"z", min: 1, max: 0 };
    assert!(matches!(
        list(&node, scores, 0..1024, Start::Offset(0), 1),
        Err(Error::Invalid { subject: "min", .. })
    ));
}

#[test]
fn absent_tables_and_other_types_are_refused() {
    let node = Node::new(|_| ());
    write(&node, Kind::Set, "s", "m", Change::Put(b""));
    let refusal = |kind, name: &'static str| {
        let of = ListOf::Table { kind, name: name.as_bytes() };
        list(&node, of, 0..1024, Start::Offset(0), 1).unwrap_err().to_string()
    };
    assert_eq!(refusal(Kind::Hash, "s"), "tb: is a set");
    assert_eq!(refusal(Kind::Zset, "s"), "tb: is a set");
    assert_eq!(refusal(Kind::Set, "none"), "tb: no such table");
    assert!(matches!(
        list(&node, ListOf::Table { kind: Kind::Set, name: b"a b" }, 0..9, Start::Offset(0), 1),
        Err(Error::Invalid { subject: "tb", .. })
    ));
    write(&node, Kind::Set, "s", "m", Change::Delete);
    assert_eq!(refusal(Kind::Set, "s"), "tb: no such table");
}

#[test]
fn a_cursor_outlives_the_sorted_set_it_lies_in() {
    let mut node = Node::new(|_| ());
    // Sorted sets of one file, by md5 of their names.
    let mut names: Vec<_> = (0..200).map(|n| format!("z{n}")).collect();
    names.retain(|name| slot_of(&md5(name.as_bytes())) < 128);
    names.sort_by_key(|name| md5(name.as_bytes()));
    for name in &names {
        for score in 0..3 {
            zadd(&node, name, &format!("m{score}"), score);
        }
    }
    let mut pages = 0;
    let gone = names[1].clone();
    let seen = follow(&mut node, ListOf::File(0), 0..1024, 4, |node| {
        pages += 1;
        if pages == 1 {
            // The token stands in the second set.
            for score in 0..3 {
                write(node, Kind::Zset, &gone, &format!("m{score}"), Change::Delete);
            }
        }
    });
    let shown: Vec<_> = seen.iter().map(|row| row.table.clone().unwrap().0).collect();
    let mut expected: Vec<_> =
        names.iter().flat_map(|name| [name.clone(), name.clone(), name.clone()]).collect();
    // One row of it was shown before it went.
    expected.drain(4..6);
    assert_eq!(shown, expected);
}

#[test]
fn steady_records_are_seen_once_while_threads_write() {
    let mut node = Node::new(|options| options.engine.background = Background::Threads);
    for number in 0..400 {
        write(&node, Kind::Hash, "h", &format!("steady{number}"), Change::Put(b"v"));
        zadd(&node, "z", &format!("steady{number}"), number % 50 - 25);
    }
    let stop = std::sync::atomic::AtomicBool::new(false);
    let store = node.store.take().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..2u32 {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || {
                for turn in 0u32.. {
                    if stop.load(std::sync::atomic::Ordering::Relaxed) {
                        break;
                    }
                    let other = format!("other{thread}-{}", turn % 300);
                    let score =
                        Change::Score { score: i64::from(turn % 90) - 45, operation: ScoreOperation::Set };
                    let steady = format!("steady{}", turn % 400);
                    for (kind, table, key, change) in [
                        (Kind::Hash, "h", &other, Change::Put(b"w")),
                        (Kind::Zset, "z", &other, score),
                        (Kind::Hash, "h", &steady, Change::Put(b"again")),
                    ] {
                        let member = Member { kind, table: table.as_bytes(), key: key.as_bytes() };
                        match store.members().write(&member, change, Terms::PLAIN) {
                            Ok(_) | Err(Error::Busy(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            });
        }
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for of in [
                ListOf::Table { kind: Kind::Hash, name: b"h" },
                ListOf::Table { kind: Kind::Zset, name: b"z" },
            ]
            .repeat(3)
            {
                let (mut token, mut seen) = (String::new(), Vec::new());
                loop {
                    let request = ListRequest {
                        of,
                        slots: 0..1024,
                        start: Start::Cursor(token.as_bytes()),
                        size: 23,
                        values: true,
                    };
                    let listing = store.list(&request, &mut |row| {
                        seen.extend(row.key.starts_with(b"steady").then(|| row.key.to_vec()));
                        Ok(())
                    });
                    match listing.unwrap().cursor {
                        Some(next) => token = next,
                        None => break,
                    }
                }
                assert_eq!(seen.len(), 400);
                seen.sort();
                seen.dedup();
                assert_eq!(seen.len(), 400, "each once");
            }
        }));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        done.unwrap();
    });
}

#[test]
fn narrow_windows_find_their_rows_in_long_tables() {
    let mut node = Node::new(|_| ());
    let tables = ["t1", "t2", "t3"];
    let mut expected = 0;
    for field in 0..3000 {
        let key = format!("f{field}");
        for table in tables {
            write(&node, Kind::Hash, table, &key, Change::Put(b"v"));
        }
        let slot = slot_of(&md5(key.as_bytes()));
        expected += if (60..64).contains(&slot) { tables.len() } else { 0 };
    }
    assert!(expected > 20);
    for restarted in [false, true] {
        let (rows, _) = list(&node, ListOf::File(0), 60..64, Start::Offset(0), 1000).unwrap();
        assert_eq!(rows.len(), expected);
        assert!(rows.iter().all(|row| (60..64).contains(&slot_of(&md5(&row.key)))));
        let walked = follow(&mut node, ListOf::File(0), 60..64, 3, |_| ());
        assert_eq!(walked, rows);
        let names: Vec<_> = rows.iter().map(|row| row.table.clone().unwrap().0).collect();
        let mut runs = names.clone();
        runs.dedup();
        assert_eq!(runs.len(), tables.len(), "one table after another");
        if !restarted {
            node.restart();
        }
    }
}
