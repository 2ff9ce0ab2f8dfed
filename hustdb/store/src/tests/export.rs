//! Snapshots: tokens, covering, restarts, crashes, full disks, damage.

use std::path::{Path, PathBuf};

use hust_engine::vfs::Fault;

use super::{
    seen::{Seen, SeenValue, list_snapshot},
    *,
};
use crate::{ExportOf, ExportRequest, Kind, ListOf, Member, SnapshotRequest, TaskCounts, TaskStatus};

const HASH: ListOf<'_> = ListOf::Table { kind: Kind::Hash, name: b"h" };
pub(super) const ALL: ExportRequest<'_> = ExportRequest {
    of: ExportOf::Table(b"h"),
    slots: 0..1024,
    values: true,
    offset: 0,
    size: 0,
    cover: false,
};

pub(super) fn hset(node: &Node, field: u32, value: &[u8]) {
    let key = format!("f{field}");
    let member = Member { kind: Kind::Hash, table: b"h", key: key.as_bytes() };
    settle(node.call(|| node.store().members().write(&member, Change::Put(value), Terms::PLAIN))).unwrap();
}

fn hdel(node: &Node, field: u32) {
    let key = format!("f{field}");
    let member = Member { kind: Kind::Hash, table: b"h", key: key.as_bytes() };
    settle(node.call(|| node.store().members().write(&member, Change::Delete, Terms::PLAIN))).unwrap();
}

pub(super) fn filled(fields: u32) -> Node {
    let node = Node::new(|_| ());
    (0..fields).for_each(|field| hset(&node, field, &field.to_be_bytes().repeat(100)));
    node
}

pub(super) fn take(node: &Node, request: &ExportRequest<'_>) -> u64 {
    let token = node.store().export(request).unwrap();
    assert_eq!(node.store().export_status(token), TaskStatus::Queued);
    assert!(node.store().run_export());
    assert_eq!(node.store().export_status(token), TaskStatus::Done);
    token
}

pub(super) fn page(node: &Node, offset: u64, size: u64) -> Result<(Vec<Seen>, u64)> {
    let request = SnapshotRequest { of: HASH, slots: 0..1024, offset, size, values: true };
    list_snapshot(node, &request).map(|(rows, page)| (rows, page.total))
}

pub(super) fn files(vfs: &SimVfs) -> Vec<PathBuf> {
    vfs.paths().into_iter().filter(|path| path.starts_with("/db/export")).collect()
}

#[test]
fn any_offset_of_many_blocks_is_right() {
    // Some 1.2 MB of rows: about twenty blocks.
    let node = filled(3000);
    take(&node, &ALL);
    let (all, total) = page(&node, 0, 5000).unwrap();
    assert_eq!((all.len(), total), (3000, 3000));
    for offset in (0..3002).chain([100_000_000]) {
        let (rows, total) = page(&node, offset, 3).unwrap();
        assert_eq!(total, 3000);
        assert_eq!(rows, all.iter().skip(offset as usize).take(3).cloned().collect::<Vec<_>>(), "{offset}");
    }
    assert!(page(&node, 5, 0).unwrap().0.is_empty());
    let part = ExportRequest { offset: 100, size: 50, cover: true, ..ALL };
    take(&node, &part);
    assert_eq!(page(&node, 0, 1000).unwrap(), (all[100..150].to_vec(), 50));
}

#[test]
fn a_snapshot_is_of_one_instant_and_outlives_the_table() {
    let mut node = filled(50);
    let token = take(&node, &ALL);
    let before = page(&node, 0, 99).unwrap();
    assert_eq!(node.store().export(&ALL).unwrap_err().to_string(), "snapshot: already there");
    (0..50).for_each(|field| hdel(&node, field));
    assert_eq!(node.store().export(&ALL).unwrap_err().to_string(), "tb: no such table");
    for _ in 0..2 {
        assert_eq!(page(&node, 0, 99).unwrap(), before);
        assert_eq!(node.store().export_status(token), TaskStatus::Done);
        node.restart();
    }
    let set = SnapshotRequest {
        of: ListOf::Table { kind: Kind::Set, name: b"h" },
        slots: 0..1024,
        offset: 0,
        size: 1,
        values: true,
    };
    assert_eq!(list_snapshot(&node, &set).unwrap_err().to_string(), "tb: is a hash");
    hset(&node, 7, b"new");
    let newer = take(&node, &ExportRequest { cover: true, ..ALL });
    assert!(newer > token);
    assert_eq!(page(&node, 0, 99).unwrap().1, 1);
    assert_eq!(files(&node.vfs).len(), 1, "the covered one is gone");
}

#[test]
fn a_snapshot_with_values_serves_without_and_not_the_other_way() {
    let node = filled(5);
    let ask = |values| {
        let request = SnapshotRequest { of: HASH, slots: 0..1024, offset: 0, size: 9, values };
        list_snapshot(&node, &request).map(|(rows, _)| rows)
    };
    assert_eq!(ask(false).unwrap_err().to_string(), "snapshot: none");
    take(&node, &ExportRequest { values: false, ..ALL });
    assert_eq!(ask(true).unwrap_err().to_string(), "snapshot: none");
    let bare = ask(false).unwrap();
    hset(&node, 0, b"new");
    take(&node, &ALL);
    assert_eq!(ask(false).unwrap(), bare, "its own comes first");
    assert_ne!(ask(true).unwrap().into_iter().map(Seen::bare).collect::<Vec<_>>(), bare);
    let other = SnapshotRequest { of: HASH, slots: 0..1023, offset: 0, size: 9, values: true };
    assert_eq!(list_snapshot(&node, &other).unwrap_err().to_string(), "snapshot: none");
}

#[test]
fn tasks_wait_in_order_and_are_counted() {
    let node = filled(5);
    let store = node.store();
    let files: Vec<_> = (0..3)
        .map(|file| store.export(&ExportRequest { of: ExportOf::File(file), ..ALL }).unwrap())
        .collect();
    assert!(files.is_sorted());
    assert_eq!(
        store.export(&ExportRequest { of: ExportOf::File(1), ..ALL }).unwrap_err().to_string(),
        "snapshot: under way"
    );
    assert_eq!(store.export_counts(), TaskCounts { queued: 3, running: 0, finished: 0 });
    assert!(store.run_export());
    assert_eq!(store.export_status(files[0]), TaskStatus::Done);
    assert_eq!(store.export_status(files[1]), TaskStatus::Queued);
    assert!(store.run_export() && store.run_export() && !store.run_export());
    assert_eq!(store.export_counts(), TaskCounts { queued: 0, running: 0, finished: 3 });
    assert_eq!(store.export_status(1), TaskStatus::Unknown);
    assert!(store.export(&ExportRequest { of: ExportOf::File(8), ..ALL }).is_err());
    assert!(store.export(&ExportRequest { of: ExportOf::Table(b"a b"), ..ALL }).is_err());
}

#[test]
fn a_table_that_goes_before_its_turn_is_a_failure() {
    let node = filled(1);
    let token = node.store().export(&ALL).unwrap();
    hdel(&node, 0);
    assert!(node.store().run_export());
    assert_eq!(node.store().export_status(token), TaskStatus::Failed);
    assert!(files(&node.vfs).is_empty());
}

#[test]
fn a_failing_disk_leaves_the_old_snapshot_and_no_part_of_the_new() {
    let node = filled(1000);
    take(&node, &ALL);
    let before = page(&node, 0, 9).unwrap();
    hset(&node, 5000, b"new");
    let cover = ExportRequest { cover: true, ..ALL };
    for fault in [Fault::Enospc, Fault::Eio] {
        for operation in 1..=20 {
            let token = node.store().export(&cover).unwrap();
            node.vfs.fail_at(node.vfs.ops() + operation, fault);
            assert!(node.store().run_export());
            node.vfs.clear_faults();
            match node.store().export_status(token) {
                // The fault hit what comes after, or nothing: the new one is there.
                TaskStatus::Done => assert_eq!(page(&node, 0, 9).unwrap().1, 1001),
                TaskStatus::Failed => {
                    let found = page(&node, 0, 9).unwrap();
                    assert!(found == before || found.1 == 1001);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(files(&node.vfs).iter().all(|path| path.extension().is_some_and(|end| end == "rows")));
    assert_eq!(node.store().export_counts().finished, 41);
}

#[test]
fn a_full_disk_is_a_failure_that_leaves_the_reserve() {
    let node = Node::new(|options| options.disk_reserve_bytes = 1 << 20);
    (0..1000).for_each(|field| hset(&node, field, &[7; 1000]));
    let used: u64 = node.vfs.paths().iter().map(|path| node.vfs.len(path).unwrap()).sum();
    node.vfs.set_capacity_bytes(Some(used + (1 << 20) + (300 << 10)));
    node.clock.advance(2000);
    let token = node.store().export(&ALL).unwrap();
    assert!(node.store().run_export());
    assert_eq!(node.store().export_status(token), TaskStatus::Failed);
    assert!(files(&node.vfs).is_empty());
}

/// Cuts an export at one of its operations; gives what there was before and what is left.
fn cut(covering: bool, operation: u64, killed: bool) -> (Option<u64>, Option<u64>) {
    let mut node = filled(700);
    if covering {
        take(&node, &ALL);
    }
    let rows = |node: &Node| match page(node, 0, 1000) {
        Ok((rows, total)) => {
            assert_eq!(rows.len() as u64, total);
            Some(total)
        }
        Err(Error::Snapshot("none")) => None,
        Err(error) => panic!("{error}"),
    };
    let before = rows(&node);
    hset(&node, 5000, b"new");
    node.restart();
    node.store().export(&ExportRequest { cover: true, ..ALL }).unwrap();
    node.vfs.crash_at(node.vfs.ops() + operation);
    node.store().run_export();
    let vfs = if killed { node.vfs.kill() } else { node.vfs.crash() };
    node.move_to(vfs);
    node.store = Some(Store::open(node.options.clone()).unwrap());
    let after = rows(&node);
    assert_eq!(files(&node.vfs).len(), usize::from(after.is_some()), "nothing unfinished or covered stays");
    if after.is_none() {
        take(&node, &ALL);
    }
    (before, after)
}

#[test]
fn a_crash_leaves_the_snapshot_before_or_the_new_one_whole() {
    for (covering, killed) in [(false, false), (true, false), (false, true), (true, true)] {
        let (mut new, mut old) = (0, 0);
        for operation in 1..24 {
            let (before, after) = cut(covering, operation, killed);
            if after == before {
                old += 1;
            } else {
                assert_eq!(after, Some(701));
                new += 1;
            }
        }
        assert!(new > 0 && old > 0, "{new} new, {old} old, covering {covering}, killed {killed}");
    }
}

#[test]
fn no_flipped_bit_gives_a_wrong_row() {
    let node = filled(600);
    take(&node, &ALL);
    let right = page(&node, 0, 1000).unwrap();
    let pages: Vec<_> = [0, 299, 599].map(|offset| page(&node, offset, 5).unwrap()).into();
    let path = files(&node.vfs).remove(0);
    let len = node.vfs.len(&path).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    let ends = (0..60).chain(len - 400..len);
    for at in ends.chain((60..len - 400).step_by(1013)) {
        node.vfs.flip_bit(&path, at, (at % 8) as u8).unwrap();
        for (offset, wanted) in [0, 299, 599].into_iter().zip(&pages) {
            match page(&node, offset, 5) {
                Ok(found) => assert_eq!(found, *wanted, "byte {at}"),
                Err(Error::Damaged(_)) => {}
                Err(other) => panic!("byte {at}: {other}"),
            }
        }
        match page(&node, 0, 1000) {
            Ok(found) => {
                harmless += 1;
                assert_eq!(found, right, "byte {at}");
            }
            Err(Error::Damaged(_)) => refused += 1,
            Err(other) => panic!("byte {at}: {other}"),
        }
        node.vfs.flip_bit(&path, at, (at % 8) as u8).unwrap();
    }
    // A first row in the index that is wrong but never looked at.
    assert!(refused > 500 && harmless < 60, "{refused} refused, {harmless} harmless");
    node.vfs.flip_bit(&path, 20, 0).unwrap();
    assert_eq!(node.store().export(&ALL).unwrap_err().to_string(), "snapshot: already there");
    take(&node, &ExportRequest { cover: true, ..ALL });
    assert_eq!(page(&node, 0, 1000).unwrap(), right);
}

#[test]
fn files_of_others_and_leftovers() {
    let mut node = filled(3);
    take(&node, &ALL);
    let create = |name: &str| {
        use hust_engine::vfs::Vfs;
        node.vfs.create(&Path::new("/db/export").join(name)).unwrap();
    };
    create("note.txt");
    create("77.tmp");
    create("78_0_1024_v_t_h.rows");
    node.restart();
    let names: Vec<_> =
        files(&node.vfs).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.contains(&"note.txt".to_owned()) && page(&node, 0, 9).unwrap().1 == 3);
}

#[test]
fn the_thread_takes_snapshots_and_stops_with_the_store() {
    let mut node = Node::new(|options| {
        options.export_thread = true;
        options.engine.background = Background::Threads;
    });
    (0..500).for_each(|field| hset(&node, field, b"v"));
    let token = node.store().export(&ALL).unwrap();
    let started = std::time::Duration::from_secs(60);
    let clock = hust_engine::clock::SystemClock::new();
    let deadline = hust_engine::clock::Clock::monotonic(&clock) + started;
    while node.store().export_status(token) != TaskStatus::Done {
        assert!(hust_engine::clock::Clock::monotonic(&clock) < deadline);
        std::thread::yield_now();
    }
    assert_eq!(page(&node, 0, 1000).unwrap().1, 500);
    for file in 0..8 {
        node.store().export(&ExportRequest { of: ExportOf::File(file), ..ALL }).unwrap();
    }
    node.restart();
    assert_eq!(page(&node, 0, 1000).unwrap().1, 500);
}

/// Numbers in the order of the fields; a writer raises them one field after another, over and over.
fn generations(rows: &[Seen]) -> Vec<u32> {
    let mut found: Vec<_> = rows
        .iter()
        .map(|row| {
            let field: u32 = std::str::from_utf8(&row.key[1..]).unwrap().parse().unwrap();
            let SeenValue::Bytes(value) = &row.value else { panic!("{row:?}") };
            (field, u32::from_be_bytes(*value.first_chunk().unwrap()))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, generation)| generation).collect()
}

#[test]
fn snapshots_are_of_one_instant_while_others_write_read_and_cover() {
    const FIELDS: u32 = 64;
    let node = Node::new(|options| options.engine.background = Background::Threads);
    (0..FIELDS).for_each(|field| hset(&node, field, &0u32.to_be_bytes().repeat(50)));
    take(&node, &ALL);
    let store = node.store();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let running = || !stop.load(std::sync::atomic::Ordering::Relaxed);
    let read = || {
        let mut rows = Vec::new();
        let request = SnapshotRequest { of: HASH, slots: 0..1024, offset: 0, size: 1000, values: true };
        store
            .list_snapshot(&request, &mut |row| {
                rows.push(Seen::of(row));
                Ok(())
            })
            .unwrap();
        let generations = generations(&rows);
        assert_eq!(generations.len() as u32, FIELDS);
        // Some fields at the front are one ahead, in one order of writing.
        assert!(generations.is_sorted_by(|left, right| left >= right), "{generations:?}");
        assert!(generations[0] - generations[FIELDS as usize - 1] <= 1, "{generations:?}");
        generations
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for generation in 1u32.. {
                for field in 0..FIELDS {
                    let (key, value) = (format!("f{field}"), generation.to_be_bytes().repeat(50));
                    let member = Member { kind: Kind::Hash, table: b"h", key: key.as_bytes() };
                    while running() {
                        match store.members().write(&member, Change::Put(&value), Terms::PLAIN) {
                            Ok(_) => break,
                            Err(Error::Busy(_)) => std::thread::yield_now(),
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
                if !running() {
                    break;
                }
            }
        });
        scope.spawn(|| {
            while running() {
                read();
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut newest = 0;
            for _ in 0..40 {
                store.export(&ExportRequest { cover: true, ..ALL }).unwrap();
                assert!(store.run_export());
                let generation = read()[0];
                assert!(generation >= newest, "not before the request");
                newest = generation;
            }
            assert!(newest > 0);
        }));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        done.unwrap();
    });
}
