//! Reads that may not wait are refused where they would, and only there.

use rustix::fs::{Advice, Mode, OFlags, fadvise, open};

use super::*;

#[test]
fn cold_blocks_are_refused_until_warmed() {
    let mut rng = Rng(21);
    let model: Model = (0..20_000)
        .map(|_| (Key::hashed(1, rng.md5()), Owned::plain(&rng.bytes(16), &rng.bytes(100))))
        .collect();
    let fixture = Fixture::build(&model, 4096, false);
    let descriptor = open(&fixture.path, OFlags::RDONLY, Mode::empty()).unwrap();
    fadvise(&descriptor, 0, None, Advice::DontNeed).unwrap();
    let table = fixture.open().unwrap();

    let mut refused = 0;
    for (key, row) in model.iter().step_by(97) {
        let number = table.index.locate(*key).unwrap();
        let entry = table.index.blocks()[number];
        let resident = table.map.resident(entry.offset as usize, entry.len as usize);
        let get = || table.get(key, key.filter_hash(), Cold::Refuse).unwrap();
        match get() {
            Find::Cold => {
                assert!(!resident && !table.warm.contains(number));
                refused += 1;
                // The sweep forgets what is no longer there, were it known as warm.
                table.warm.insert(number);
                table.cool();
                assert!(!table.warm.contains(number) && matches!(get(), Find::Cold));
            }
            Find::Row(_) => assert!(resident),
            Find::Absent => panic!("{key:?} is lost"),
        }
        table.warm(key).unwrap();
        assert!(table.warm.contains(number));
        let Find::Row(found) = get() else { panic!("{key:?} is not warm") };
        assert_eq!(found.user_key(), row.user_key);
        table.cool();
        assert!(table.warm.contains(number));
    }
    // A file system in memory cannot be cold.
    println!("{refused} refused");
}
