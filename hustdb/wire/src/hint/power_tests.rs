//! A disk that loses power, or fails once, at each operation: a hint that was answered is there afterwards.
//!
//! The disk is as unkind as it may be: names whose folder was not synced are gone, bytes that were not synced too, and
//! the operation that failed did nothing.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{
    folder::{Disk, SegmentFile},
    reader::tests as tests_of_reader,
    *,
};
use crate::host::Host;

const ROOT: &str = "/disk";
const HINTS_DIR: &str = "/disk/var/logs";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// This operation and all after it.
    PowerAt(usize),
    /// This one only.
    ErrorAt(usize),
}

#[derive(Debug, Default)]
struct State {
    fault: Option<Fault>,
    operations: usize,
    folders: HashSet<PathBuf>,
    segments: HashMap<PathBuf, Content>,
    durable_names: HashSet<PathBuf>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    durable: usize,
    failed: bool,
}

impl State {
    fn operate(&mut self) -> io::Result<()> {
        let at = self.operations;
        self.operations += 1;
        match self.fault {
            Some(Fault::PowerAt(first)) if at >= first => Err(io::ErrorKind::Other.into()),
            Some(Fault::ErrorAt(only)) if at == only => Err(io::ErrorKind::Other.into()),
            _ => Ok(()),
        }
    }

    fn make(&mut self, folder: &str) {
        self.folders.insert(folder.into());
    }
}

#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<State>>);

struct Open {
    shared: Shared,
    path: PathBuf,
}

impl Disk for Shared {
    type File = Open;

    fn has_folder(&self, folder: &Path) -> bool {
        self.0.lock().folders.contains(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        assert!(state.folders.contains(folder.parent().unwrap()), "{folder:?}");
        if state.folders.insert(folder.into()) { Ok(()) } else { Err(io::ErrorKind::AlreadyExists.into()) }
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.operate()?;
        let is_used =
            state.folders.iter().chain(state.segments.keys()).any(|name| name.parent() == Some(folder));
        if is_used || !state.folders.remove(folder) {
            return Err(io::ErrorKind::Other.into());
        }
        state.durable_names.remove(folder);
        Ok(())
    }

    fn create(&self, segment: &Path) -> io::Result<Open> {
        let mut state = self.0.lock();
        state.operate()?;
        assert!(state.folders.contains(segment.parent().unwrap()), "{segment:?}");
        assert!(state.segments.insert(segment.into(), Content::default()).is_none(), "{segment:?} twice");
        Ok(Open { shared: self.clone(), path: segment.into() })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let state = &mut *self.0.lock();
        state.operate()?;
        let names = state.folders.iter().chain(state.segments.keys());
        state.durable_names.extend(names.filter(|name| name.parent() == Some(folder)).cloned());
        Ok(())
    }
}

impl Open {
    fn change(&self, change: impl FnOnce(&mut Content)) -> io::Result<()> {
        let mut state = self.shared.0.lock();
        let done = state.operate();
        let content = state.segments.get_mut(&self.path).unwrap();
        assert!(!content.failed, "written again after an error");
        match done {
            Ok(()) => change(content),
            Err(_) => content.failed = true,
        }
        done
    }
}

impl SegmentFile for Open {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.change(|content| content.bytes.extend(bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.change(|content| content.durable = content.bytes.len())
    }
}

/// A disk with nothing on it.
fn empty() -> State {
    let mut state = State::default();
    state.make(ROOT);
    state
}

/// One on which another process has made a folder and not synced its name.
fn half_made() -> State {
    let mut state = empty();
    for folder in ["/disk/var", HINTS_DIR] {
        state.make(folder);
        state.durable_names.insert(folder.into());
    }
    state.make("/disk/var/logs/a:1");
    state
}

/// Writes some hints one after another. Those that were answered, those that are there when the power is back, and how
/// many operations it took.
async fn run(mut state: State, fault: Option<Fault>) -> (BTreeSet<char>, BTreeSet<char>, usize) {
    state.fault = fault;
    let disk = Shared(Arc::new(Mutex::new(state)));
    let writer = Writer::over(disk.clone(), HINTS_DIR.into()).unwrap();
    let mut answered = BTreeSet::new();
    for (key, host) in [("a", "a:1"), ("b", "b:2"), ("c", "a:1"), ("d", "b:2"), ("e", "a:1")] {
        let (host, noted_ms): (Host, _) = (host.parse().unwrap(), key.as_bytes()[0].into());
        let written = writer.write(&host, noted_ms, &tests_of_reader::record(key.as_bytes(), b"v")).await;
        if written.is_ok() {
            answered.extend(key.chars());
        }
    }
    drop(writer);
    let state = disk.0.lock();
    let is_there = |name: &Path| name == Path::new(ROOT) || state.durable_names.contains(name);
    let kept = state
        .segments
        .iter()
        .filter(|(path, _)| path.ancestors().take_while(|name| name.starts_with(ROOT)).all(is_there));
    let read = |content: &Content| tests_of_reader::read(&content.bytes[..content.durable], Growth::Closed);
    let there = kept.flat_map(|(_, content)| read(content).chars().collect::<Vec<_>>()).collect();
    (answered, there, state.operations)
}

#[tokio::test]
async fn what_was_answered_is_there_whenever_the_power_goes() {
    for start in [empty, half_made] {
        let (all, there, operations) = run(start(), None).await;
        assert_eq!((all.len(), all), (5, there));
        let mut counts = BTreeSet::new();
        for at in 0..operations {
            let (answered, there, _) = run(start(), Some(Fault::PowerAt(at))).await;
            assert!(there.is_superset(&answered), "operation {at}: {answered:?} {there:?}");
            counts.insert(answered.len());
        }
        assert_eq!(counts, (0..5).collect(), "each was the last at some point");
    }
}

#[tokio::test]
async fn an_error_fails_one_hint_and_the_rest_are_kept() {
    for start in [empty, half_made] {
        let (_, _, operations) = run(start(), None).await;
        for at in 0..operations {
            let (answered, there, _) = run(start(), Some(Fault::ErrorAt(at))).await;
            assert_eq!(answered.len(), 4, "operation {at}: {answered:?}");
            assert!(there.is_superset(&answered), "operation {at}: {answered:?} {there:?}");
        }
    }
}
