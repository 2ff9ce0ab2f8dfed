//! Names after a power loss.

use super::*;

#[test]
fn names_need_their_folder_synced() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        let file = vfs.create(&path("a")).unwrap();
        file.write_all_at(b"abc", 0).unwrap();
        file.sync_data().unwrap();
        let after = vfs.crash();
        if after.exists(&path("a")).unwrap() {
            assert_eq!(read(&after, "a"), b"abc");
            "kept"
        } else {
            "lost"
        }
    });
    assert_eq!(seen, ["kept", "lost"]);
}

#[test]
fn rename_is_atomic() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        durable(&vfs, "current", b"old");
        let file = vfs.create(&path("new")).unwrap();
        file.write_all_at(b"new", 0).unwrap();
        file.sync_data().unwrap();
        vfs.rename(&path("new"), &path("current")).unwrap();
        let after = vfs.crash();
        match (&read(&after, "current")[..], after.exists(&path("new")).unwrap()) {
            (b"old", false) => "none",
            (b"old", true) => "created",
            (b"new", false) => "renamed",
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(seen, ["created", "none", "renamed"]);
}

#[test]
fn a_rename_between_folders_is_atomic_and_either_sync_settles_it() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        vfs.create_dir_all(Path::new("e")).unwrap();
        durable(&vfs, "a", b"abc");
        vfs.rename(&path("a"), Path::new("e/a")).unwrap();
        let synced = seed % 3;
        if synced > 0 {
            vfs.sync_dir(Path::new(if synced == 1 { "d" } else { "e" })).unwrap();
        }
        let paths = vfs.crash().paths();
        assert_eq!(paths.len(), 1);
        let moved = paths[0] == Path::new("e/a");
        assert!(moved || synced == 0);
        if moved { "moved" } else { "stayed" }
    });
    assert_eq!(seen, ["moved", "stayed"]);
}

#[test]
fn removals_and_links_are_lost_or_kept_until_synced() {
    let seen = outcomes(|seed| {
        let vfs = world(seed);
        durable(&vfs, "a", b"abc");
        vfs.link(&path("a"), &path("b")).unwrap();
        vfs.sync_dir(Path::new("d")).unwrap();
        vfs.remove(&path("a")).unwrap();
        let after = vfs.crash();
        assert_eq!(read(&after, "b"), b"abc");
        if after.exists(&path("a")).unwrap() {
            after.remove(&path("a")).unwrap();
            after.sync_dir(Path::new("d")).unwrap();
            assert_eq!(after.crash().paths(), [path("b")]);
            "back"
        } else {
            "removed"
        }
    });
    assert_eq!(seen, ["back", "removed"]);
}

#[test]
fn unnamed_files_are_freed() {
    let vfs = world(1);
    for _ in 0..10 {
        durable(&vfs, "a", &[1; 100]);
        vfs.remove(&path("a")).unwrap();
    }
    vfs.sync_dir(Path::new("d")).unwrap();
    assert_eq!(vfs.0.lock().files(), 0);
    assert!(vfs.crash().paths().is_empty());
}
