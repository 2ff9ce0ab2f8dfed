//! Scans, merges and forgetting: every kind, every form, any page size, any window.

use std::collections::BTreeMap;

use super::{
    world::{Owned, scan_all, scan_pages, write},
    *,
};
use crate::{Form, Kind, Member, SLOTS, ScanRequest, ScoreOperation, slot_of};

const KINDS: [Kind; 4] = [Kind::Kv, Kind::Hash, Kind::Set, Kind::Zset];

/// A store that never refuses a write as too much.
fn roomy() -> Node {
    Node::new(|options| options.engine.memtable_bytes = 4 << 20)
}

/// Three tables of each type and kv pairs: live, deleted, expired and swept, expired and not swept.
fn populated() -> Node {
    let node = Node::new(|_| ());
    for kind in KINDS {
        for table in 0..3 {
            for number in 0..40 {
                let (table, key) = (format!("{kind:?}_{table}"), format!("{table}_{number}"));
                let ttl_s = match number % 8 {
                    0 => 1,
                    1 => 3,
                    _ => 0,
                };
                let value = vec![b'v'; [0, 1, 300][number % 3]];
                write(&node, kind, &table, &key, &value, Lifetime::Ttl(ttl_s)).unwrap();
                if number % 8 == 2 {
                    world::delete(&node, kind, &table, &key).unwrap();
                }
            }
        }
    }
    node.clock.advance(2000);
    node.sweep();
    node.clock.advance(2000);
    node.work().unwrap();
    node
}

fn window(records: &[Owned], slots: std::ops::Range<u16>) -> Vec<Owned> {
    records.iter().filter(|record| slots.contains(&record.slot())).cloned().collect()
}

#[test]
fn a_scan_shows_every_record_of_every_kind_and_form() {
    let mut node = populated();
    for _ in 0..2 {
        let all = scan_all(node.store(), 0..SLOTS);
        assert_eq!(all.len(), 4 * 3 * 40);
        let mut forms = BTreeMap::new();
        for record in &all {
            *forms.entry((record.kind as u8, record.form)).or_insert(0) += 1;
        }
        for kind in KINDS {
            // Of 40, five each are swept, expired since, and deleted; those expired since are live rows still.
            for (form, count) in [(Form::Live, 90), (Form::Tombstone, 15), (Form::Remains, 15)] {
                assert_eq!(forms.get(&(kind as u8, form)), Some(&count), "{kind:?} {form:?}");
            }
        }
        let live = all.iter().filter(|record| record.form == Form::Live && record.kind != Kind::Set);
        assert!(live.clone().any(|record| record.value.len() == 300));
        node.restart();
    }
}

#[test]
fn windows_and_pages_split_a_scan_without_loss_or_repetition() {
    let node = populated();
    let all = scan_all(node.store(), 0..SLOTS);
    for slots in [0..1, 0..512, 512..1024, 100..101, 300..700, 1023..1024] {
        for (limit, max_bytes) in [(1, 1 << 20), (3, 1 << 20), (7, 100), (10_000, 1 << 20), (10_000, 1)] {
            for values in [true, false] {
                let pages = scan_pages(node.store(), slots.clone(), limit, max_bytes, values);
                assert!(pages.iter().all(|page| page.len() <= limit));
                let last = pages.len() - 1;
                assert!(pages.iter().enumerate().all(|(at, page)| at == 0 && last == 0 || !page.is_empty()));
                let mut seen: Vec<Owned> = pages.into_iter().flatten().collect();
                let order = seen.clone();
                seen.sort();
                let mut expected = window(&all, slots.clone());
                if !values {
                    // What lies in the rows themselves comes all the same.
                    expected.iter_mut().for_each(|record| record.value.clear());
                    seen.iter_mut().for_each(|record| record.value.clear());
                }
                assert_eq!(seen, expected, "{slots:?} {limit} {max_bytes} {values}");
                assert!(order.is_sorted_by_key(|record| record.kind as u8));
            }
        }
    }
}

#[test]
fn cursors_survive_restarts_and_are_refused_elsewhere() {
    let mut node = populated();
    let all = scan_all(node.store(), 0..512);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let request = ScanRequest {
            slots: 0..512,
            cursor: cursor.as_bytes(),
            limit: 17,
            max_bytes: 1 << 20,
            values: true,
        };
        let page = node.store().scan(&request).unwrap();
        seen.extend(page.records.iter().map(Owned::of));
        let Some(next) = page.cursor else { break };
        let elsewhere = ScanRequest { slots: 512..1024, cursor: next.as_bytes(), ..request };
        assert_eq!(node.store().scan(&elsewhere).unwrap_err().to_string(), "cursor: illegal");
        cursor = next;
        node.restart();
    }
    seen.sort();
    assert_eq!(seen, all);
    let made_up = ScanRequest { slots: 0..512, cursor: b"AAAA", limit: 1, max_bytes: 1, values: true };
    assert_eq!(node.store().scan(&made_up).unwrap_err().to_string(), "cursor: illegal");
}

#[test]
fn what_stays_is_seen_once_whatever_is_written_meanwhile() {
    let node = populated();
    let before = scan_all(node.store(), 0..SLOTS);
    let (mut seen, mut cursor, mut round) = (Vec::new(), String::new(), 0);
    loop {
        let request = ScanRequest {
            slots: 0..SLOTS,
            cursor: cursor.as_bytes(),
            limit: 10,
            max_bytes: 1 << 20,
            values: true,
        };
        let page = node.store().scan(&request).unwrap();
        seen.extend(page.records.iter().map(Owned::of));
        for kind in KINDS {
            write(&node, kind, &format!("{kind:?}_new{round}"), "k", b"v", FOR_EVER).unwrap();
            write(&node, kind, &format!("{kind:?}_0"), &format!("other{round}"), b"v", FOR_EVER).unwrap();
        }
        round += 1;
        match page.cursor {
            Some(next) => cursor = next,
            None => break,
        }
    }
    seen.retain(|record| before.contains(record));
    seen.sort();
    assert_eq!(seen, before);
}

#[test]
fn a_merge_takes_everything_once_and_deletions_past_a_full_store() {
    let source = populated();
    let all = scan_all(source.store(), 0..SLOTS);
    let copy = roomy();
    copy.clock.advance(source.clock_ms() - copy.clock_ms());
    let merged = world::merge(&copy, &all);
    assert_eq!((merged.applied, merged.ignored), (all.len() as u64, 0));
    let again = world::merge(&copy, &all);
    assert_eq!((again.applied, again.ignored), (0, all.len() as u64));
    assert_eq!(copy.store().merge_totals(), (all.len() as u64, all.len() as u64));
    assert_eq!(scan_all(copy.store(), 0..SLOTS), all);
    world::assert_same(&source, &copy);

    let full = Node::new(|options| {
        options.disk_capacity_bytes = 1;
        options.engine.memtable_bytes = 4 << 20;
    });
    full.clock.advance(source.clock_ms() - full.clock_ms());
    let first = all.iter().find(|record| record.form == Form::Live).unwrap();
    full.store().merge(std::iter::once(first.replica())).unwrap();
    let refused = full.call(|| full.store().merge(all.iter().map(Owned::replica)));
    assert!(matches!(refused, Err(Error::Capacity(_))), "{refused:?}");
    let deaths = |records: &[Owned]| {
        records.iter().filter(|record| record.form != Form::Live).cloned().collect::<Vec<_>>()
    };
    assert_eq!(deaths(&scan_all(full.store(), 0..SLOTS)), deaths(&all));
}

#[test]
fn what_a_merge_answered_survives_a_loss_of_power() {
    let source = populated();
    let all = scan_all(source.store(), 0..SLOTS);
    for seed in 0..20 {
        let mut copy = Node::seeded(seed, |options| {
            options.engine.memtable_bytes = 4 << 20;
            options.engine.sync = SyncMode::Always;
        });
        copy.clock.advance(source.clock_ms() - copy.clock_ms());
        assert_eq!(world::merge(&copy, &all).applied, all.len() as u64);
        copy.move_to(copy.vfs.crash());
        copy.store = Some(Store::open(copy.options.clone()).unwrap());
        assert_eq!(scan_all(copy.store(), 0..SLOTS), all, "seed {seed}");
    }
}

#[test]
fn a_stamp_beyond_the_skew_keeps_all_of_its_batch_out() {
    let node = Node::new(|options| options.max_clock_skew_ms = 1000);
    let record = |stamp_ms: u64, key: &str| Owned {
        kind: Kind::Kv,
        table: String::new(),
        key: key.into(),
        form: Form::Live,
        shown: Shown { version: 1, stamp: stamp_ms << 16, expire_ms: 0 },
        value: b"v".to_vec(),
    };
    let batch = [record(START_MS, "a"), record(START_MS + 1001, "b")];
    let refused = node.store().merge(batch.iter().map(Owned::replica)).unwrap_err();
    assert_eq!(refused.to_string(), "stamp: too far ahead of this node's clock");
    assert!(scan_all(node.store(), 0..SLOTS).is_empty());
    node.clock.advance(1);
    assert_eq!(node.store().merge(batch.iter().map(Owned::replica)).unwrap().applied, 2);
}

#[test]
fn forgotten_slots_are_gone_without_a_trace() {
    let mut node = populated();
    let all = scan_all(node.store(), 0..SLOTS);
    let (gone, kept) = (200..800, window(&all, 0..200).len() + window(&all, 800..1024).len());
    assert_eq!(world::forget(&node, gone.clone()) as usize, all.len() - kept);
    assert_eq!(world::forget(&node, gone.clone()), 0);
    for _ in 0..2 {
        assert!(scan_all(node.store(), gone.clone()).is_empty());
        assert!(node.store().digest(gone.clone()).iter().all(|digest| *digest == 0));
        let mut left = scan_all(node.store(), 0..200);
        left.extend(scan_all(node.store(), 800..1024));
        left.sort();
        let mut expected = window(&all, 0..200);
        expected.extend(window(&all, 800..1024));
        expected.sort();
        assert_eq!(left, expected);
        world::assert_exact(&node);
        node.restart();
    }
    // What comes back is new: no tombstone and no remains are in its way, however old it is.
    let back = window(&all, gone.clone());
    let old: Vec<Owned> = back
        .iter()
        .map(|record| Owned { shown: Shown { stamp: 1 << 16, ..record.shown }, ..record.clone() })
        .collect();
    let merged = world::merge(&node, &old);
    assert_eq!(merged.applied as usize, back.len());
    node.sweep();
    world::assert_exact(&node);
    world::forget(&node, 0..SLOTS);
    assert!(node.store().digest(0..SLOTS).iter().all(|digest| *digest == 0));
    assert_eq!((node.store().table_count(), node.store().kv_stat().count), (0, 0));
    assert_eq!(node.store().hash_stat().count, 0);
    node.clock.advance(60_000);
    node.sweep();
    world::assert_exact(&node);
}

#[test]
fn sorted_sets_are_whole_in_the_slot_of_their_name() {
    let node = Node::new(|_| ());
    let change = Change::Score { score: 5, operation: ScoreOperation::Set };
    for number in 0..50 {
        let key = format!("m{number}");
        let member = Member { kind: Kind::Zset, table: b"test_table", key: key.as_bytes() };
        let terms = Terms { lifetime: Lifetime::Kept, ..Terms::PLAIN };
        settle(node.call(|| node.store().members().write(&member, change, terms))).unwrap();
    }
    assert_eq!(slot_of(&crate::md5(b"test_table")), 902);
    assert_eq!(scan_all(node.store(), 902..903).len(), 50);
    assert!(scan_all(node.store(), 0..902).is_empty());
    assert_eq!(world::forget(&node, 0..902), 0);
    assert_eq!(world::forget(&node, 902..903), 50);
    assert_eq!(node.store().table_count(), 0);
}
