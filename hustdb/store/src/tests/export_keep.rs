//! Snapshots that are too many or too old go, oldest first, and are told of while they are there.

use std::time::Duration;

use hust_engine::{
    clock::{Clock as _, SystemClock},
    vfs::Fault,
};

use super::{
    export::{ALL, files, hset, page, take},
    *,
};
use crate::{ExportKeep, ExportOf, ExportRequest, ExportStats, SnapshotSubject, TaskCounts, TaskStatus};

const FILE: ExportRequest<'_> = ExportRequest { of: ExportOf::File(0), ..ALL };

fn of_file(file: usize) -> ExportRequest<'static> {
    ExportRequest { of: ExportOf::File(file), ..FILE }
}

fn keeping(maximum: usize, age_ms: u64) -> Node {
    let node = Node::new(|options| options.export_keep = ExportKeep { maximum, age_ms });
    (0..20).for_each(|field| hset(&node, field, b"v"));
    node
}

fn there(node: &Node) -> Vec<u64> {
    node.store().snapshots().iter().map(|snapshot| snapshot.token).collect()
}

#[test]
fn one_too_many_takes_the_place_of_the_oldest() {
    let mut node = keeping(3, 0);
    let mut tokens: Vec<u64> = (0..5).map(|file| take(&node, &of_file(file))).collect();
    assert_eq!((there(&node), files(&node.vfs).len()), (tokens[2..].to_vec(), 3));
    // Covering makes it the newest and takes no other's place.
    let covering = take(&node, &ExportRequest { cover: true, ..of_file(2) });
    tokens = vec![tokens[3], tokens[4], covering];
    assert_eq!(there(&node), tokens);
    node.restart();
    assert_eq!(there(&node), tokens);
    assert!(node.store().export(&of_file(0)).is_ok(), "one that went may be taken again");
    node.options.export_keep.maximum = 1;
    node.restart();
    assert_eq!((there(&node), files(&node.vfs).len()), (vec![covering], 1), "fewer by configuration");
}

#[test]
fn the_old_go_without_a_new_one() {
    let mut node = keeping(9, 60_000);
    let table = take(&node, &ALL);
    node.clock.advance(30_000);
    let file = take(&node, &of_file(3));
    node.clock.advance(29_999);
    assert!(!node.store().run_export());
    assert_eq!((there(&node), page(&node, 0, 99).unwrap().1), (vec![table, file], 20));
    node.clock.advance(1);
    assert!(!node.store().run_export());
    assert_eq!(there(&node), [file]);
    assert_eq!(page(&node, 0, 99).unwrap_err().to_string(), "snapshot: none");
    assert_eq!(node.store().export_status(table), TaskStatus::Done, "it was taken");
    node.clock.advance(30_000);
    node.restart();
    assert_eq!((there(&node), files(&node.vfs)), (vec![], vec![]));
}

#[test]
fn a_file_that_cannot_be_removed_goes_at_the_next_start() {
    let mut stayed = 0;
    for operation in 1..=20 {
        let mut node = keeping(1, 0);
        take(&node, &of_file(0));
        node.store().export(&of_file(1)).unwrap();
        node.vfs.fail_at(node.vfs.ops() + operation, Fault::Eio);
        assert!(node.store().run_export());
        node.vfs.clear_faults();
        let known = there(&node);
        assert_eq!(known.len(), 1, "one of the two");
        stayed += usize::from(files(&node.vfs).len() == 2);
        node.restart();
        assert_eq!((there(&node), files(&node.vfs).len()), (known, 1), "operation {operation}");
    }
    assert!(stayed > 0, "no operation was the removal");
}

#[test]
fn what_was_done_and_is_there_is_told() {
    let node = keeping(2, 0);
    let bytes = |node: &Node| -> u64 { node.store().snapshots().iter().map(|snapshot| snapshot.bytes).sum() };
    take(&node, &of_file(0));
    let first_bytes = bytes(&node);
    take(&node, &ExportRequest { slots: 5..900, values: false, ..of_file(7) });
    take(&node, &ALL);
    let told = node.store().snapshots();
    let [file, table] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&file.subject, &file.slots, file.values), (&SnapshotSubject::File(7), &(5..900), false));
    assert_eq!((&table.subject, &table.slots), (&SnapshotSubject::Table((*b"h").into()), &(0..1024)));
    assert!(table.values && file.token < table.token);
    for snapshot in &told {
        let name = files(&node.vfs)
            .into_iter()
            .find(|path| path.to_str().unwrap().contains(&format!("/{}_", snapshot.token)));
        assert_eq!(node.vfs.len(&name.unwrap()).unwrap(), snapshot.bytes);
    }
    let expected = ExportStats {
        tasks: TaskCounts { queued: 0, running: 0, finished: 3 },
        failed: 0,
        written_bytes: first_bytes + bytes(&node),
        last_ms: 0,
        removed: 1,
        snapshots: 2,
        snapshot_bytes: bytes(&node),
    };
    assert_eq!(node.store().export_stats(), expected);
}

#[test]
fn the_thread_removes_the_old_by_itself() {
    let mut node = Node::new(|options| {
        options.export_thread = true;
        options.export_keep = ExportKeep { maximum: 9, age_ms: 300 };
        options.engine.clock = Arc::new(SystemClock::new());
    });
    (0..20).for_each(|field| hset(&node, field, b"v"));
    node.store().export(&ALL).unwrap();
    let clock = SystemClock::new();
    // It is forgotten before its file goes.
    while node.store().export_stats().removed == 0 || !files(&node.vfs).is_empty() {
        assert!(clock.monotonic() < Duration::from_secs(60));
        std::thread::yield_now();
    }
    assert_eq!(there(&node), []);
    node.restart();
}
