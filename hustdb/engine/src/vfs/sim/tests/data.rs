//! Bytes and lengths after a power loss or a kill.

use super::*;

#[test]
fn unsynced_bytes_are_lost_kept_torn_or_garbage_and_synced_ones_stay() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        let file = durable(&vfs, "a", &[1; 700]);
        file.write_all_at(&[2; 2000], 700).unwrap();
        let bytes = read(&vfs.crash(), "a");
        assert!(bytes.len() == 700 || bytes.len() == 2700, "length {}", bytes.len());
        let (synced, rest) = bytes.split_at(700);
        assert_eq!(synced, [1; 700]);
        match rest {
            [] => "short",
            rest if rest == [2; 2000] => "kept",
            rest if rest == [0; 2000] => "zeros",
            rest if rest.iter().any(|&byte| byte != 0 && byte != 2) => "garbage",
            rest => {
                // Sectors are whole: a change of value is at a sector's start.
                for at in 1..rest.len() {
                    assert!(rest[at] == rest[at - 1] || (700 + at) % 512 == 0, "torn at {}", 700 + at);
                }
                "torn"
            }
        }
    });
    assert_eq!(seen, ["garbage", "kept", "short", "torn", "zeros"]);
}

#[test]
fn appends_tear_anywhere_and_only_in_what_is_reserved() {
    let torn = outcomes(|seed| {
        let vfs = world(seed);
        let file = durable(&vfs, "a", &[1; 10]);
        file.allocate(10, 200).unwrap();
        file.sync_data().unwrap();
        file.append_at(&[2; 100], 10).unwrap();
        assert!(file.append_at(&[3; 10], 109).is_err(), "over what is there");
        assert!(file.append_at(&[3; 101], 110).is_err(), "beyond what is reserved");
        let bytes = read(&vfs.crash(), "a");
        assert_eq!(bytes[..10], [1; 10]);
        let kept = &bytes[10..110];
        assert!(kept.iter().all(|&byte| byte == 0 || byte == 2));
        match (kept[0], kept.iter().filter(|&&byte| byte == 2).count()) {
            (_, 0) => "lost",
            (_, 100) => "kept",
            (2, _) => "begun",
            _ => "without its begin",
        }
    });
    assert_eq!(torn, ["begun", "kept", "lost", "without its begin"]);
}

#[test]
fn a_later_write_to_a_sector_brings_the_earlier_one_along() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        let file = durable(&vfs, "a", &[0; 512]);
        file.write_all_at(&[1; 100], 0).unwrap();
        file.write_all_at(&[2; 100], 100).unwrap();
        let bytes = read(&vfs.crash(), "a");
        match (bytes[0], bytes[100]) {
            (0, 0) => "none",
            (1, 0) => "first",
            (1, 2) => "both",
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(seen, ["both", "first", "none"]);
}

#[test]
fn writes_to_different_sectors_come_through_in_any_order() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        let file = durable(&vfs, "a", &[0; 1024]);
        file.write_all_at(&[1; 512], 0).unwrap();
        file.write_all_at(&[2; 512], 512).unwrap();
        let bytes = read(&vfs.crash(), "a");
        match (bytes[0], bytes[512]) {
            (0, 0) => "none",
            (1, 0) => "first",
            (0, 2) => "second",
            _ => "both",
        }
    });
    assert_eq!(seen, ["both", "first", "none", "second"]);
}

#[test]
fn an_unsynced_cut_may_come_back_and_a_synced_one_does_not() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        let file = durable(&vfs, "a", &[1; 1000]);
        file.set_len(100).unwrap();
        let again = vfs.crash();
        match read(&again, "a").len() {
            100 => {
                let file = again.open(&path("a")).unwrap();
                file.set_len(50).unwrap();
                file.sync_data().unwrap();
                file.set_len(80).unwrap();
                let last = read(&again.crash(), "a");
                assert_eq!(last[..50], [1; 50]);
                assert!(last[50..].iter().all(|&byte| byte == 0) && [50, 80].contains(&last.len()));
                "cut"
            }
            1000 => "back",
            len => panic!("length {len}"),
        }
    });
    assert_eq!(seen, ["back", "cut"]);
}

#[test]
fn synced_allocation_stays() {
    outcomes(|seed| {
        let vfs = world(seed);
        let file = durable(&vfs, "a", b"");
        file.allocate(0, 5000).unwrap();
        file.sync_data().unwrap();
        file.write_all_at(&[3; 600], 1000).unwrap();
        let bytes = read(&vfs.crash(), "a");
        assert_eq!(bytes.len(), 5000);
        assert!(
            bytes.iter().enumerate().all(|(at, &byte)| byte == 0 || byte == 3 && (1000..1600).contains(&at))
        );
        ""
    });
}

#[test]
fn the_old_world_is_over_and_its_maps_are_not_shared() {
    let vfs = world(1);
    let file = durable(&vfs, "a", b"abc");
    let map = file.map(100).unwrap();
    let lock = vfs.lock(&path("lock")).unwrap();
    let new = vfs.crash();
    assert!(file.write_all_at(b"x", 0).is_err());
    assert!(file.sync_data().is_err() && file.len().is_err() && file.read_at(&mut [0], 0).is_err());
    assert!(vfs.list(Path::new("d")).is_err() && vfs.create(&path("b")).is_err());
    assert!(vfs.lock(&path("other")).is_err() && vfs.free_bytes(Path::new("d")).is_err());
    drop(new.lock(&path("lock")).unwrap());
    drop(lock);
    new.open(&path("a")).unwrap().write_all_at(b"x", 0).unwrap();
    assert_eq!(map.get(0, 3).unwrap(), b"abc");
    // Another power loss of the same moment.
    assert_eq!(read(&vfs.crash(), "a"), b"abc");
}

#[test]
fn a_kill_loses_locks_only_and_a_later_power_loss_the_unsynced() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        let file = durable(&vfs, "a", b"abc");
        file.write_all_at(b"def", 3).unwrap();
        vfs.create(&path("b")).unwrap();
        let held = vfs.lock(&path("b")).unwrap();
        let killed = vfs.kill();
        drop(held);
        assert_eq!(read(&killed, "a"), b"abcdef");
        assert_eq!(killed.paths(), [path("a"), path("b")]);
        let _held = killed.lock(&path("b")).unwrap();
        assert!(file.len().is_err());
        let after = killed.crash();
        let bytes = read(&after, "a");
        assert_eq!(bytes[..3], *b"abc");
        if bytes.len() == 3 { "lost" } else { "kept" }
    });
    assert_eq!(seen, ["kept", "lost"]);
}

#[test]
fn one_seed_is_one_history() {
    let history = |seed| {
        let vfs = world(seed);
        vfs.crash_at(9);
        let file = durable(&vfs, "a", &[1; 3000]);
        for at in 0..20u8 {
            if file.write_all_at(&[at; 400], u64::from(at) * 300).is_err() {
                break;
            }
        }
        let after = vfs.crash();
        (after.paths(), read(&after, "a"))
    };
    assert!((0..50).all(|seed| history(seed) == history(seed)));
    assert!((0..50).any(|seed| history(seed) != history(seed + 1)));
}
