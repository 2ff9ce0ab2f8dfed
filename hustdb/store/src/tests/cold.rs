//! Values that have left the page cache, on the real disk.
//!
//! Where the file system lives in memory nothing ever leaves it; then every try succeeds and only the answers are
//! compared.

use std::{fs::File, path::Path};

use hust_engine::vfs::{RealVfs, Vfs};
use rustix::fs::{Advice, fadvise};

use super::*;

const STAMP: u64 = START_MS << 16;
const REPLICA: Origin = Origin::Replica { ver: 1, stamp: STAMP };

fn value(key: &[u8]) -> Vec<u8> {
    // More than one of the regions that the engine remembers to have checked.
    key.iter().copied().cycle().take(3 << 20).collect()
}

/// Asks the kernel to forget the pages of all segments.
#[expect(clippy::disallowed_methods, reason = "advice is none of the engine's file operations")]
fn evict(dir: &Path) {
    for name in RealVfs.list(&dir.join("log")).unwrap() {
        let file = File::open(dir.join("log").join(name)).unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    }
}

fn open(dir: &Path) -> Store {
    let engine = hust_engine::Options {
        dir: dir.into(),
        vfs: Arc::new(RealVfs),
        ..engine_options(&SimVfs::new(0), &TestClock::at(START_MS))
    };
    Store::open(StoreOptions {
        sweep_interval: None,
        export_thread: false,
        disk_reserve_bytes: 0,
        ..StoreOptions::new(engine)
    })
    .unwrap()
}

/// Tries and, if that is refused, blocks; counts the refusals.
fn either<T>(tried: Result<Fetch<T>>, cold: &mut u32, blocking: impl FnOnce() -> Result<T>) -> T {
    ready_or(tried, || {
        *cold += 1;
        blocking()
    })
    .unwrap()
}

#[test]
fn what_must_come_from_the_disk_is_refused_once_and_right_when_blocking() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let keys: [&[u8]; 3] = [b"get", b"same", b"less"];
    for key in keys {
        let value = value(key);
        settle(store.kv().write(key, Change::Put(&value), Terms::new(REPLICA, FOR_EVER))).unwrap();
        while store.engine().work().unwrap() {}
    }
    store.close().unwrap();
    drop(store);
    let store = open(dir.path());
    evict(dir.path());
    let (kv, mut cold) = (store.kv(), 0);

    let record = either(kv.try_get(b"get"), &mut cold, || kv.get(b"get")).unwrap();
    assert!(*record.value == *value(b"get"));
    let Fetch::Ready(Some(record)) = kv.try_get(b"get").unwrap() else { panic!("it was just read") };
    assert!(*record.value == *value(b"get"));

    // A replica of equal stamp and version: the stored value decides.
    for (key, value, applies) in
        [(keys[1], value(keys[1]), false), (keys[2], [&value(keys[2])[..], b"more"].concat(), true)]
    {
        let (put, terms) = (Change::Put(&value), Terms::new(REPLICA, FOR_EVER));
        let tried = kv.try_write(key, put, terms);
        let answer = settle(Ok(either(tried, &mut cold, || kv.write(key, put, terms)))).unwrap();
        let shown = Shown { version: 1, stamp: STAMP, expire_ms: 0 };
        match applies {
            true => assert_eq!(answer, Answer::Applied(shown)),
            false => assert_eq!(answer, Answer::Ignored { winner: shown, greater: false }),
        }
    }
    println!("{cold} of 3 calls were refused");
    assert_eq!(store.kv_stat().count, 3);
}
