//! What both file systems promise, checked on both.

use std::{io::ErrorKind, path::Path};

use super::*;

/// Runs a check on a folder of the real file system and on one of a simulated world.
fn on_both(check: fn(&dyn Vfs, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    check(&RealVfs, dir.path());
    let sim = SimVfs::new(1);
    sim.create_dir_all(Path::new("/data")).unwrap();
    check(&sim, Path::new("/data"));
}

fn kind<T>(result: io::Result<T>) -> ErrorKind {
    result.err().expect("an error").kind()
}

fn put(vfs: &dyn Vfs, path: &Path, data: &[u8]) {
    vfs.create(path).unwrap().write_all_at(data, 0).unwrap();
}

fn read(vfs: &dyn Vfs, path: &Path) -> Vec<u8> {
    let file = vfs.open(path).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    bytes
}

#[test]
fn create_is_exclusive_and_open_is_not() {
    on_both(|vfs, dir| {
        let path = dir.join("a");
        assert_eq!(kind(vfs.open(&path)), ErrorKind::NotFound);
        assert!(!vfs.exists(&path).unwrap());
        put(vfs, &path, b"one");
        assert!(vfs.exists(&path).unwrap());
        assert_eq!(kind(vfs.create(&path)), ErrorKind::AlreadyExists);
        assert_eq!(kind(vfs.create(&dir.join("absent/a"))), ErrorKind::NotFound);
        assert_eq!(kind(vfs.open(dir)), ErrorKind::IsADirectory);
        assert_eq!(kind(vfs.create(dir)), ErrorKind::AlreadyExists);
        assert_eq!(kind(vfs.create(&path.join("b"))), ErrorKind::NotADirectory);
        assert_eq!(read(vfs, &path), b"one");
    });
}

#[test]
fn reads_are_short_only_at_the_end() {
    on_both(|vfs, dir| {
        let file = vfs.create(&dir.join("a")).unwrap();
        assert!(file.is_empty().unwrap());
        file.write_all_at(b"world", 600).unwrap();
        file.write_all_at(b"hello", 0).unwrap();
        assert_eq!(file.len().unwrap(), 605);
        let mut buf = [1; 16];
        assert_eq!(file.read_at(&mut buf, 0).unwrap(), 16);
        assert_eq!(&buf, b"hello\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(file.read_at(&mut buf, 602).unwrap(), 3);
        assert_eq!(&buf[..3], b"rld");
        assert_eq!(file.read_at(&mut buf, 605).unwrap(), 0);
        assert_eq!(file.read_at(&mut buf, 9000).unwrap(), 0);
        assert_eq!(file.read_at(&mut [], 0).unwrap(), 0);
    });
}

#[test]
fn a_cut_file_grows_again_with_zeros() {
    on_both(|vfs, dir| {
        let path = dir.join("a");
        put(vfs, &path, &[7; 1000]);
        let file = vfs.open(&path).unwrap();
        file.set_len(10).unwrap();
        file.set_len(20).unwrap();
        file.write_all_at(&[8], 700).unwrap();
        let mut expected = vec![0; 701];
        expected[..10].fill(7);
        expected[700] = 8;
        assert_eq!(read(vfs, &path), expected);
    });
}

#[test]
fn allocated_space_counts_and_reads_as_zeros() {
    on_both(|vfs, dir| {
        let path = dir.join("a");
        put(vfs, &path, b"abc");
        let file = vfs.open(&path).unwrap();
        file.allocate(0, 2).unwrap();
        assert_eq!(file.len().unwrap(), 3);
        file.allocate(0, 0).unwrap();
        file.allocate(2, 100).unwrap();
        let mut expected = b"abc".to_vec();
        expected.resize(102, 0);
        assert_eq!(read(vfs, &path), expected);
        file.sync_data().unwrap();
        assert_eq!(read(vfs, &path), expected);
    });
}

/// Makes room up to `end`, in steps of `step` at least; answers up to where there is room.
fn reserve(file: &Arc<dyn VfsFile>, reserved: usize, end: usize, step: usize) -> usize {
    if end <= reserved {
        return reserved;
    }
    let more = (end - reserved).max(step);
    file.allocate(reserved as u64, more as u64).unwrap();
    reserved + more
}

#[test]
fn appends_fill_what_is_reserved() {
    on_both(|vfs, dir| {
        let path = dir.join("a");
        let file = vfs.create(&path).unwrap();
        let map = file.map(2 << 20).unwrap();
        let mut expected = b"header".to_vec();
        file.write_all_at(&expected, 0).unwrap();
        let mut reserved = expected.len();
        // Short and long ones, and some that pass from one reserved range to the next or fill it to its end.
        for (n, len) in (0u8..).zip([1, 700, 4096, 130_000, 131_072, 131_073, 30, 99_999, 40_000, 300_001]) {
            let end = expected.len() + len;
            reserved = reserve(&file, reserved, end, 100_000);
            let data = vec![n + 1; len];
            file.append_at(&data, expected.len() as u64).unwrap();
            assert_eq!(map.get(expected.len(), len).unwrap(), data, "append {n}");
            expected.extend(data);
        }
        file.sync_data().unwrap();
        file.set_len(expected.len() as u64).unwrap();
        assert_eq!(map.get(0, expected.len()).unwrap(), expected);
        assert_eq!(read(vfs, &path), expected);
        // What was cut off is not stored to: it would be beyond the end of the file.
        file.set_len(1000).unwrap();
        file.write_all_at(b"x", 1000).unwrap();
        file.allocate(1001, 5000).unwrap();
        file.append_at(b"y", 1001).unwrap();
        file.set_len(1002).unwrap();
        assert_eq!(read(vfs, &path)[998..], [1 + 2, 1 + 2, b'x', b'y']);
    });
}

#[test]
fn what_is_prepared_reads_as_zeros_behind_what_was_written() {
    on_both(|vfs, dir| {
        let path = dir.join("a");
        let file = vfs.create(&path).unwrap();
        let mut expected = b"header".to_vec();
        file.write_all_at(&expected, 0).unwrap();
        let mut reserved = expected.len();
        // Some pass from one reserved range to the next, or over what was prepared; not all are announced.
        for (n, len) in (0u8..).zip([1, 700, 4096, 900_000, 131_072, 30, 2_000_000, 5, 40_000, 300_001]) {
            let end = expected.len() + len;
            reserved = reserve(&file, reserved, end, 1_500_000);
            if n % 4 != 1 {
                file.prepare(expected.len() as u64..end as u64).unwrap();
            }
            file.write_all_at(&vec![n + 1; len], expected.len() as u64).unwrap();
            expected.resize(end, n + 1);
            file.sync_data().unwrap();
            let there = read(vfs, &path);
            let (written, behind) = there.split_at(end);
            assert!(written == expected && *behind == vec![0; reserved - end], "write {n}");
        }
        file.set_len(expected.len() as u64).unwrap();
        file.prepare(expected.len() as u64..expected.len() as u64 + 10).unwrap();
        assert_eq!(file.len().unwrap(), expected.len() as u64, "nothing is reserved there any more");
    });
}

#[test]
fn appends_need_no_reserved_space_to_be_right() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    let file = RealVfs.create(&path).unwrap();
    file.append_at(b"abc", 0).unwrap();
    file.allocate(3, 4).unwrap();
    file.append_at(b"defghi", 3).unwrap();
    assert_eq!(read(&RealVfs, &path), b"abcdefghi");
}

#[test]
fn rename_replaces() {
    on_both(|vfs, dir| {
        let (new, current) = (dir.join("new"), dir.join("current"));
        put(vfs, &current, b"old");
        put(vfs, &new, b"new");
        let old = vfs.open(&current).unwrap();
        vfs.rename(&new, &current).unwrap();
        vfs.sync_dir(dir).unwrap();
        assert_eq!(vfs.list(dir).unwrap(), ["current"]);
        assert_eq!(read(vfs, &current), b"new");
        assert_eq!(kind(vfs.rename(&new, &current)), ErrorKind::NotFound);
        // A handle outlives the name of its file.
        let mut buf = [0; 8];
        assert_eq!(old.read_at(&mut buf, 0).unwrap(), 3);
        assert_eq!(&buf[..3], b"old");
    });
}

#[test]
fn linked_names_share_a_file() {
    on_both(|vfs, dir| {
        let (first, second) = (dir.join("first"), dir.join("second"));
        put(vfs, &first, b"abc");
        vfs.link(&first, &second).unwrap();
        assert_eq!(kind(vfs.link(&first, &second)), ErrorKind::AlreadyExists);
        assert_eq!(kind(vfs.link(&dir.join("absent"), &dir.join("third"))), ErrorKind::NotFound);
        vfs.open(&second).unwrap().write_all_at(b"x", 1).unwrap();
        assert_eq!(read(vfs, &first), b"axc");
        // Renaming one name of a file to another does nothing.
        vfs.rename(&first, &second).unwrap();
        assert!(vfs.exists(&first).unwrap());
        vfs.remove(&first).unwrap();
        assert_eq!(kind(vfs.remove(&first)), ErrorKind::NotFound);
        assert_eq!(read(vfs, &second), b"axc");
    });
}

#[test]
fn lists_are_sorted_and_name_folders() {
    on_both(|vfs, dir| {
        for name in ["b", "c", "a"] {
            put(vfs, &dir.join(name), b"");
        }
        vfs.create_dir_all(&dir.join("bb/inner")).unwrap();
        vfs.create_dir_all(&dir.join("bb/inner")).unwrap();
        put(vfs, &dir.join("bb/inner/z"), b"");
        assert_eq!(vfs.list(dir).unwrap(), ["a", "b", "bb", "c"]);
        assert_eq!(vfs.list(&dir.join("bb")).unwrap(), ["inner"]);
        assert_eq!(kind(vfs.list(&dir.join("absent"))), ErrorKind::NotFound);
        assert_eq!(kind(vfs.sync_dir(&dir.join("absent"))), ErrorKind::NotFound);
        assert!(vfs.create_dir_all(&dir.join("a/under-a-file")).is_err());
        assert!(vfs.create_dir_all(&dir.join("a")).is_err());
    });
}

#[test]
fn a_lock_excludes_until_dropped() {
    on_both(|vfs, dir| {
        let path = dir.join("lock");
        let held = vfs.lock(&path).unwrap();
        assert!(vfs.exists(&path).unwrap());
        assert_eq!(kind(vfs.lock(&path)), ErrorKind::WouldBlock);
        drop(held);
        drop(vfs.lock(&path).unwrap());
        assert_eq!(kind(vfs.lock(&dir.join("absent/lock"))), ErrorKind::NotFound);
    });
}

#[test]
fn a_map_shows_what_is_written_later() {
    on_both(|vfs, dir| {
        let path = dir.join("a");
        let file = vfs.create(&path).unwrap();
        file.write_all_at(b"abc", 0).unwrap();
        let map = file.map(10_000).unwrap();
        assert_eq!(map.len(), 10_000);
        file.write_all_at(b"def", 3).unwrap();
        assert_eq!(map.get(0, 6).unwrap(), b"abcdef");
        // A second, larger map and a second handle change nothing for the first.
        let larger = vfs.open(&path).unwrap().map(50_000).unwrap();
        vfs.open(&path).unwrap().write_all_at(&[9; 9994], 6).unwrap();
        file.write_all_at(&[8; 40_000], 10_000).unwrap();
        assert_eq!(&map.bytes()[6..], &[9; 9994]);
        assert_eq!(larger.get(9999, 2).unwrap(), [9, 8]);
        vfs.remove(&path).unwrap();
        drop(file);
        vfs.sync_dir(dir).unwrap();
        assert_eq!(map.get(0, 6).unwrap(), b"abcdef");
        assert_eq!(larger.get(49_999, 1).unwrap(), [8]);
    });
}

#[test]
fn a_map_ends_where_its_capacity_does() {
    on_both(|vfs, dir| {
        let path = dir.join("a");
        put(vfs, &path, &[5; 300_000]);
        let map = vfs.open(&path).unwrap().map(300_000).unwrap();
        assert!(map.get(299_999, 1).is_some());
        assert!(map.get(300_000, 0).is_some());
        assert!(map.get(299_999, 2).is_none());
        assert!(map.get(usize::MAX, 2).is_none());
        // Just written, so in memory; the range passes more pages than one question to the kernel covers.
        assert!(map.resident(0, 300_000));
        assert!(map.resident(4097, 0));
        assert!(!map.resident(299_999, 2));
        let nothing = vfs.open(&path).unwrap().map(0).unwrap();
        assert!(nothing.is_empty() && nothing.bytes().is_empty() && nothing.resident(0, 0));
    });
}

#[test]
fn slices_keep_their_map() {
    on_both(|vfs, dir| {
        let path = dir.join("a");
        put(vfs, &path, b"abcdef");
        let map = vfs.open(&path).unwrap().map(6).unwrap();
        let slice = crate::Slice::mapped(&map, 2, 3).unwrap();
        let end = crate::Slice::mapped(&map, 6, 0).unwrap();
        assert!(crate::Slice::mapped(&map, 4, 3).is_none());
        assert!(crate::Slice::mapped(&map, u32::MAX, u32::MAX).is_none());
        drop(map);
        vfs.remove(&path).unwrap();
        assert_eq!((&*slice, &*end), (&b"cde"[..], &b""[..]));
    });
}

#[test]
fn free_space_is_reported() {
    on_both(|vfs, dir| {
        assert!(vfs.free_bytes(dir).unwrap() > 0);
        assert_eq!(kind(vfs.free_bytes(&dir.join("absent"))), ErrorKind::NotFound);
    });
}

#[test]
fn pages_beyond_a_real_file_are_not_resident() {
    let dir = tempfile::tempdir().unwrap();
    let file = RealVfs.create(&dir.path().join("a")).unwrap();
    file.write_all_at(&[1; 100], 0).unwrap();
    let map = file.map(1 << 20).unwrap();
    assert!(map.resident(0, 100));
    assert!(!map.resident(1 << 19, 1));
}
