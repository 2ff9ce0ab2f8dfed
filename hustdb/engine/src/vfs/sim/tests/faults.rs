//! Planned crashes and faults, full disks, flipped bits.

use std::io::ErrorKind;

use super::*;

#[test]
fn a_planned_crash_cuts_the_power() {
    let run = |vfs: &SimVfs| -> io::Result<()> {
        let file = vfs.create(&path("a"))?;
        file.write_all_at(&[1; 900], 0)?;
        file.sync_data()?;
        vfs.sync_dir(Path::new("d"))?;
        file.write_all_at(&[2; 900], 900)?;
        vfs.rename(&path("a"), &path("b"))
    };
    let whole = world(0);
    run(&whole).unwrap();
    assert_eq!(whole.ops(), 6);
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        let op = seed % 6 + 1;
        vfs.crash_at(op);
        assert!(run(&vfs).is_err());
        assert!(vfs.has_crashed() && vfs.ops() == op);
        assert!(vfs.list(Path::new("d")).is_err() && vfs.remove(&path("a")).is_err());
        let seen_live = vfs.paths();
        let after = vfs.crash();
        assert!(!after.has_crashed() && after.ops() == 0);
        if op > 4 {
            let name = if after.exists(&path("b")).unwrap() { "b" } else { "a" };
            assert_eq!(read(&after, name)[..900], [1; 900]);
        }
        match (op, &seen_live[..]) {
            (1, []) => "create undone",
            (1, _) => "create done",
            (2, _) => match vfs.len(&path("a")).unwrap() {
                0 => "write undone",
                900 => "write done",
                _ => "write in part",
            },
            (6, [live]) if *live == path("b") => "rename done",
            (6, _) => "rename undone",
            _ => "other",
        }
    });
    let expected = [
        "create done",
        "create undone",
        "other",
        "rename done",
        "rename undone",
        "write done",
        "write in part",
    ];
    assert_eq!(seen[..7], expected);
    assert_eq!(seen[7..], ["write undone"]);
}

#[test]
fn faults_hit_their_operation() {
    let vfs = world(3);
    let file = durable(&vfs, "a", b"abc");
    vfs.fail_at(vfs.ops() + 2, Fault::Eio);
    file.write_all_at(b"d", 3).unwrap();
    let error = vfs.rename(&path("a"), &path("b")).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(5));
    vfs.rename(&path("a"), &path("b")).unwrap();

    vfs.fail_from(vfs.ops() + 1, Fault::Enospc);
    for _ in 0..3 {
        assert_eq!(file.write_all_at(b"defg", 3).unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(vfs.create(&path("c")).unwrap_err().kind(), ErrorKind::StorageFull);
    }
    // Reads go on.
    assert_eq!(read(&vfs, "b")[..3], *b"abc");
    vfs.clear_faults();
    file.write_all_at(b"defg", 3).unwrap();
    assert_eq!(read(&vfs, "b"), b"abcdefg");
}

#[test]
fn what_a_failed_sync_forgot_a_later_one_does_not_write() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        let file = durable(&vfs, "a", &[1; 512]);
        file.write_all_at(&[2; 512], 0).unwrap();
        vfs.fail_at(vfs.ops() + 1, Fault::Eio);
        file.sync_data().unwrap_err();
        file.sync_data().unwrap();
        assert_eq!(read(&vfs, "a"), [2; 512]);
        match read(&vfs.crash(), "a")[0] {
            1 => "lost",
            2 => "written",
            other => panic!("{other}"),
        }
    });
    assert_eq!(seen, ["lost", "written"]);
}

#[test]
fn space_runs_out_and_comes_back() {
    let vfs = world(1);
    vfs.set_capacity_bytes(Some(1000));
    let first = durable(&vfs, "a", &[1; 600]);
    assert_eq!(vfs.free_bytes(Path::new("d")).unwrap(), 400);
    let second = vfs.create(&path("b")).unwrap();
    assert_eq!(second.allocate(0, 401).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(second.len().unwrap(), 0);
    // Overwriting and writing reserved space takes no more.
    first.write_all_at(&[2; 600], 0).unwrap();
    second.allocate(0, 300).unwrap();
    second.write_all_at(&[3; 300], 0).unwrap();
    // What fits is written.
    assert_eq!(second.write_all_at(&[4; 300], 200).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!((second.len().unwrap(), vfs.free_bytes(Path::new("d")).unwrap()), (400, 0));
    assert_eq!(read(&vfs, "b")[200..], [4; 200]);
    assert_eq!(vfs.create(&path("c")).unwrap_err().kind(), ErrorKind::StorageFull);
    // The space of a removed file is free when nobody holds it.
    let map = first.map(600).unwrap();
    vfs.remove(&path("a")).unwrap();
    assert_eq!(vfs.free_bytes(Path::new("d")).unwrap(), 0);
    drop(first);
    assert_eq!(vfs.free_bytes(Path::new("d")).unwrap(), 0);
    drop(map);
    assert_eq!(vfs.free_bytes(Path::new("d")).unwrap(), 600);
    second.write_all_at(&[4; 300], 200).unwrap();
    vfs.set_capacity_bytes(None);
    second.write_all_at(&[5; 3000], 200).unwrap();
}

#[test]
fn writes_beyond_a_live_map_are_refused() {
    let vfs = world(1);
    let file = durable(&vfs, "a", b"abc");
    let map = file.map(10).unwrap();
    file.write_all_at(&[1; 7], 3).unwrap();
    assert_eq!(file.write_all_at(&[1; 7], 4).unwrap_err().kind(), ErrorKind::InvalidInput);
    drop(map);
    file.write_all_at(&[1; 7], 4).unwrap();
    assert_eq!(file.write_all_at(b"x", 1 << 33).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert_eq!(file.map(u64::MAX).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(vfs.len(&path("a")).unwrap(), 11);
}

#[test]
fn flipped_bits_show_everywhere_and_stay() {
    let vfs = world(1);
    let file = durable(&vfs, "a", &[0; 600]);
    let map = file.map(600).unwrap();
    file.write_all_at(&[8; 10], 0).unwrap();
    vfs.flip_bit(&path("a"), 5, 0).unwrap();
    vfs.flip_bit(&path("a"), 599, 7).unwrap();
    assert_eq!((map.bytes()[5], map.bytes()[599]), (9, 128));
    assert_eq!(read(&vfs, "a")[5], 9);
    for (path, offset, bit) in [(path("a"), 600, 0), (path("a"), 0, 8), (path("b"), 0, 0)] {
        assert!(vfs.flip_bit(&path, offset, bit).is_err());
    }
    let after = read(&vfs.crash(), "a");
    assert_eq!(after[599], 128);
    assert!(after[5] == 9 || after[5] == 1 && after[6] == 0);
}
