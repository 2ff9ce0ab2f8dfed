use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use super::*;

/// A map that can lose a row or mix two up.
#[derive(Default)]
struct Map {
    rows: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    wrong: Option<Vec<u8>>,
    compactions: AtomicU64,
}

impl Store for Map {
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.rows.lock().unwrap().insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn put_synced(&self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.put(key, value)
    }

    fn get(&self, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, Failure> {
        let rows = self.rows.lock().unwrap();
        let value = self.wrong.as_ref().or_else(|| rows.get(key));
        Ok(value.inspect(|value| visit(value)).is_some())
    }

    fn settle(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn compact(&self) -> Result<(), Failure> {
        self.compactions.fetch_add(1, Ordering::Relaxed);
        thread::yield_now();
        Ok(())
    }
}

const SEED: u64 = 11;
const FILL: Ask = Ask::Fill { from: 0, to: 500, value_bytes: 40 };
const READ: Ask = Ask::Read { rows: 500, value_bytes: 40, threads: 2, seconds: 0.02, zipf: true };

fn filled() -> Arc<Map> {
    let map = Arc::new(Map::default());
    let shared: Shared = map.clone();
    assert_eq!(run(&shared, &FILL, SEED).unwrap().ops, 500);
    map
}

#[test]
fn what_was_written_is_read() {
    let store: Shared = filled();
    assert!(run(&store, &READ, SEED).unwrap().ops >= BURST);
    assert!(run(&store, &Ask::ReadAbsent { seconds: 0.01 }, SEED).unwrap().rate() > 0.0);
    run(&store, &Ask::Overwrite { rows: 500, value_bytes: 40, count: 50 }, SEED).unwrap();
    run(&store, &Ask::Probe { row: 499, value_bytes: 40 }, SEED).unwrap();
    assert!(run(&store, &Ask::Probe { row: 500, value_bytes: 40 }, SEED).is_err());
}

#[test]
fn missing_and_wrong_rows_are_failures() {
    let store: Shared = filled();
    let past = Ask::Read { rows: 5000, value_bytes: 40, threads: 1, seconds: 0.05, zipf: false };
    assert!(run(&store, &past, SEED).unwrap_err().to_string().contains("missing"));
    let wrong: Shared = Arc::new(Map { wrong: Some(vec![0; 40]), ..Map::default() });
    assert!(run(&wrong, &READ, SEED).unwrap_err().to_string().contains("another"));
    assert!(run(&wrong, &Ask::ReadAbsent { seconds: 0.01 }, SEED).is_err());
}

#[test]
fn synced_inserts_write_every_row_once() {
    let map = filled();
    let store: Shared = map.clone();
    let ask = Ask::SyncedInsert { from: 500, value_bytes: 8, writers: 4, seconds: 0.02 };
    let ops = run(&store, &ask, SEED).unwrap().ops;
    assert!(ops > 0);
    assert_eq!(map.rows.lock().unwrap().len() as u64, 500 + ops);
}

#[test]
fn both_sides_are_counted() {
    let map = filled();
    let store: Shared = map.clone();
    for other in [Other::Overwrite, Other::Compact] {
        let ask = Ask::ReadWhile { rows: 500, value_bytes: 40, seconds: 0.1, other };
        let told = run(&store, &ask, SEED).unwrap();
        assert!(told.other_ops > 0, "{told:?}");
        if other == Other::Overwrite {
            assert!(told.ops > 0 && told.p50_ns > 0 && told.p999_ns >= told.p50_ns, "{told:?}");
        }
    }
    assert!(map.compactions.load(Ordering::Relaxed) > 0);
}
