//! What a power loss, a kill and a fault leave behind, over many seeds.

mod data;
mod faults;
mod names;

use super::*;

const SEEDS: u64 = 400;

fn world(seed: u64) -> SimVfs {
    let vfs = SimVfs::new(seed);
    vfs.create_dir_all(Path::new("d")).unwrap();
    vfs
}

fn path(name: &str) -> PathBuf {
    Path::new("d").join(name)
}

/// A file whose name and bytes are durable.
fn durable(vfs: &SimVfs, name: &str, data: &[u8]) -> Arc<dyn VfsFile> {
    let file = vfs.create(&path(name)).unwrap();
    file.write_all_at(data, 0).unwrap();
    file.sync_data().unwrap();
    vfs.sync_dir(Path::new("d")).unwrap();
    file
}

fn read(vfs: &SimVfs, name: &str) -> Vec<u8> {
    let file = vfs.open(&path(name)).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    bytes
}

/// Which of the named outcomes came up over all seeds; `outcome` panics on one that must not.
fn outcomes(outcome: impl Fn(u64) -> &'static str) -> Vec<&'static str> {
    let mut seen: Vec<_> = (0..SEEDS)
        .map(|seed| {
            println!("seed {seed}");
            outcome(seed)
        })
        .collect();
    seen.sort_unstable();
    seen.dedup();
    seen
}
