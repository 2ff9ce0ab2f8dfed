//! What the survey counts, ends, puts aside and leaves alone.

#![expect(clippy::disallowed_methods, reason = "segments as a proxy writes them")]

use std::fs::{self, File, OpenOptions};
use std::io::Write;

use hust_wire::{
    frame::{Form, Kind, RecordRef},
    hint::{Header, encode},
};
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::*;
use crate::backlog::Settled;

const NAME: &str = "1700000000000-1-1.hint";

struct Home {
    folder: TempDir,
    queue: Queue,
}

impl Home {
    fn new() -> Home {
        Home { folder: tempfile::tempdir().unwrap(), queue: Queue::new("a:1".parse().unwrap()) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn look(&self, now_ms: u64) {
        let survey = Survey {
            folder: self.folder.path(),
            queue: &self.queue,
            payload_max_bytes: 1 << 20,
            now_ms,
            stop: &AtomicBool::new(false),
        };
        survey.run().unwrap();
    }

    fn names(&self) -> Vec<String> {
        disk::names(self.folder.path()).unwrap()
    }

    /// Settles everything that is there to be replayed.
    fn replay(&self) -> u64 {
        let mut merged = 0;
        while let Some(task) = self.queue.next(&[]) {
            let hints = self.queue.segment(&task.name).unwrap().pending;
            self.queue.settle(&task.name, &Settled { end: task.to, merged: hints, ..Settled::default() });
            merged += hints;
        }
        merged
    }
}

fn hint(noted_ms: u64) -> Vec<u8> {
    let record = RecordRef {
        kind: Kind::Kv,
        form: Form::Live,
        stamp: 7,
        version: 1,
        expire_ms: 0,
        table: "",
        key: b"key",
        value: b"value",
    };
    encode(noted_ms, &record).unwrap()
}

fn segment(hints: u64) -> Vec<u8> {
    let head = Header { created_ms: 5 }.encode().to_vec();
    (0..hints).fold(head, |bytes, number| [bytes, hint(10 + number)].concat())
}

#[test]
fn a_closed_segment_is_counted_and_removed_when_it_is_settled() {
    let home = Home::new();
    fs::write(home.path(NAME), segment(3)).unwrap();
    home.look(0);
    let counts = home.queue.counts();
    assert_eq!((counts.processed, counts.pending, counts.oldest_ms), (3, 3, Some(10)));
    home.look(0);
    assert_eq!(home.queue.counts().processed, 3, "counted once");
    Progress { at: 40, damaged: 0 }.store(&home.path(NAME)).unwrap();
    assert_eq!(home.replay(), 3);
    home.look(0);
    assert!(home.names().is_empty(), "{:?}", home.names());
    assert_eq!((home.queue.counts().synced, home.queue.counts().pending), (3, 0));
}

#[test]
fn an_open_segment_is_followed_and_kept() {
    let home = Home::new();
    let mut file = OpenOptions::new().append(true).create_new(true).open(home.path(NAME)).unwrap();
    flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    let bytes = segment(4);
    let length = hint(0).len();
    file.write_all(&bytes[..bytes.len() - 2 * length - 1]).unwrap();
    home.look(u64::MAX);
    assert_eq!(home.queue.counts().pending, 1, "up to the last whole frame");
    home.replay();
    home.look(u64::MAX);
    assert_eq!(home.names(), [NAME]);
    file.write_all(&bytes[bytes.len() - 2 * length - 1..]).unwrap();
    home.look(u64::MAX);
    assert_eq!((home.queue.counts().pending, home.queue.counts().processed), (3, 4));
    drop(file);
    home.look(u64::MAX);
    assert_eq!(home.names(), [NAME], "not settled");
    home.replay();
    home.look(u64::MAX);
    assert!(home.names().is_empty());
}

#[test]
fn progress_survives_a_restart() {
    let home = Home::new();
    fs::write(home.path(NAME), segment(5)).unwrap();
    let length = hint(0).len() as u64;
    Progress { at: HEADER_BYTES as u64 + 2 * length, damaged: 0 }.store(&home.path(NAME)).unwrap();
    home.look(0);
    assert_eq!((home.queue.counts().pending, home.queue.counts().oldest_ms), (3, Some(12)));
    for name in ["gone.hint.pos", "gone.hint.pos.new"] {
        fs::write(home.path(name), b"").unwrap();
    }
    home.look(0);
    assert_eq!(home.names(), [NAME.to_owned(), format!("{NAME}.pos")], "what belongs to nothing goes");
}

#[test]
fn damage_is_counted_and_put_aside() {
    let home = Home::new();
    let mut bytes = segment(3);
    bytes[HEADER_BYTES + hint(0).len() + 30] ^= 1;
    fs::write(home.path(NAME), &bytes).unwrap();
    home.look(0);
    assert_eq!((home.queue.counts().pending, home.queue.counts().damaged), (2, 1));
    assert_eq!(home.names(), [NAME], "the rest comes first");
    home.replay();
    home.look(0);
    assert_eq!(home.names(), [format!("{NAME}.bad")]);
    assert_eq!(fs::read(home.path(&format!("{NAME}.bad"))).unwrap(), bytes);
    home.look(0);
    assert_eq!(home.queue.counts().damaged, 1);
    // A damaged header costs no hint.
    let mut bytes = segment(2);
    bytes[9] ^= 1;
    fs::write(home.path("2.hint"), &bytes).unwrap();
    home.look(0);
    assert_eq!((home.queue.counts().pending, home.queue.counts().damaged), (2, 2));
}

#[test]
fn damage_before_a_restart_is_not_forgotten() {
    let home = Home::new();
    let bytes = segment(2);
    fs::write(home.path(NAME), &bytes).unwrap();
    Progress { at: bytes.len() as u64, damaged: 1 }.store(&home.path(NAME)).unwrap();
    home.look(0);
    assert_eq!(home.names(), [format!("{NAME}.bad")]);
}

#[test]
fn a_torn_end_is_the_end() {
    let home = Home::new();
    let bytes = segment(2);
    fs::write(home.path(NAME), &bytes[..bytes.len() - 3]).unwrap();
    home.look(0);
    assert_eq!((home.queue.counts().pending, home.queue.counts().damaged), (1, 0));
    home.replay();
    home.look(0);
    assert!(home.names().is_empty());
}

#[test]
fn a_newer_version_is_left_alone() {
    let home = Home::new();
    let mut bytes = segment(2);
    bytes[8] = 9;
    let checksum = crc32fast::hash(&bytes[..28]).to_le_bytes();
    bytes[28..32].copy_from_slice(&checksum);
    fs::write(home.path(NAME), &bytes).unwrap();
    for _ in 0..3 {
        home.look(0);
    }
    assert_eq!((home.queue.counts().pending, home.queue.counts().damaged), (0, 1), "reported once");
    assert_eq!(home.names(), [NAME]);
}

#[test]
fn a_segment_without_a_header_may_be_one_that_begins() {
    let home = Home::new();
    File::create(home.path(NAME)).unwrap();
    home.look(1_700_000_000_000);
    home.look(1_700_000_059_000);
    assert_eq!(home.names(), [NAME]);
    home.look(1_700_000_061_000);
    assert!(home.names().is_empty());
}

#[test]
fn what_vanishes_is_forgotten() {
    let home = Home::new();
    fs::write(home.path(NAME), segment(3)).unwrap();
    home.look(0);
    fs::remove_file(home.path(NAME)).unwrap();
    home.look(0);
    assert_eq!((home.queue.counts().pending, home.queue.next(&[])), (0, None));
}
