//! One simulated file: the live image, the durable one, and the changes between them.
//!
//! A disk writes whole sectors, each as it was at some moment since the last sync. So an unsynced sector may come out
//! of a crash as any of its versions, and a write that came through brings along what was in its sectors before. The
//! length is a version of its own: where it came through and the data did not, there are zeros or garbage.

use std::{collections::BTreeMap, io};

use super::{rng::Rng, storage::Storage};

/// A disk writes this much whole or not at all.
pub(super) const SECTOR_BYTES: u64 = 512;

/// Bytes that survive a power loss. Beyond `bytes`, up to `len`, there are zeros.
#[derive(Clone, Debug, Default)]
struct Image {
    bytes: Vec<u8>,
    len: u64,
}

/// What one call did to `start..end`: wrote `data` there, or cut it off if `data` is empty.
#[derive(Clone, Debug)]
struct Change {
    start: u64,
    end: u64,
    data: Vec<u8>,
    /// The file's length after the call.
    len_after: u64,
}

/// How the unsynced sectors of a file fare in a crash.
#[derive(Clone, Copy)]
enum Fate {
    Lost,
    Kept,
    /// The first calls came through, the next one in part.
    Prefix(usize),
    /// Each sector of each call by itself.
    Sectors,
    /// Each call by itself, whole.
    Calls,
}

#[derive(Debug)]
pub(super) struct Inode {
    pub(super) live: Storage,
    /// Handles on it.
    pub(super) open: usize,
    durable: Image,
    unsynced: Vec<Change>,
}

impl Inode {
    pub(super) fn empty() -> Inode {
        Inode::of(Image::default())
    }

    fn of(image: Image) -> Inode {
        Inode { live: Storage::new(&image.bytes, image.len), open: 0, durable: image, unsynced: Vec::new() }
    }

    /// Whether a handle or a map keeps it.
    pub(super) fn is_used(&self) -> bool {
        self.open > 0 || self.live.is_mapped()
    }

    pub(super) fn write(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        self.live.write(data, offset)?;
        if !data.is_empty() {
            let end = offset + data.len() as u64;
            self.note(offset, end, data.to_vec());
        }
        Ok(())
    }

    /// Writes bytes that the disk may get in the middle of: pieces of any length come through in any order, also
    /// within a sector.
    pub(super) fn append(&mut self, data: &[u8], offset: u64, rng: &mut Rng) -> io::Result<()> {
        self.live.write(data, offset)?;
        let mut cuts = [0, rng.below(data.len() + 1), rng.below(data.len() + 1), data.len()];
        cuts.sort_unstable();
        let mut pieces: Vec<_> = cuts.windows(2).map(|cut| cut[0]..cut[1]).collect();
        pieces.swap(0, rng.below(3));
        pieces.swap(1, 1 + rng.below(2));
        for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
            let (start, end) = (offset + piece.start as u64, offset + piece.end as u64);
            self.note(start, end, data[piece].to_vec());
        }
        Ok(())
    }

    pub(super) fn set_len(&mut self, len: u64) {
        // What lies beyond the written bytes is zero before and after.
        let end = self.live.written();
        self.live.set_len(len);
        self.note(len.min(end), end, Vec::new());
    }

    fn note(&mut self, start: u64, end: u64, data: Vec<u8>) {
        self.unsynced.push(Change { start, end, data, len_after: self.live.len() });
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            self.durable.apply(&change, change.start, change.end);
        }
        self.durable.set_len(self.live.len());
    }

    /// A sync that fails: anything may have reached the disk, and the kernel forgets what did not. A later sync
    /// succeeds without writing it.
    pub(super) fn fail_sync(&mut self, rng: &mut Rng) {
        self.durable = self.after_crash(rng);
        self.unsynced.clear();
    }

    /// Flips a bit of an existing byte, in memory and on the disk.
    pub(super) fn flip(&mut self, offset: u64, mask: u8) {
        self.live.flip(offset, mask);
        let at = |start: u64| usize::try_from(offset.checked_sub(start)?).ok();
        for change in &mut self.unsynced {
            if let Some(byte) = at(change.start).and_then(|at| change.data.get_mut(at)) {
                *byte ^= mask;
            }
        }
        if offset < self.durable.len {
            let flipped = self.durable.byte(offset) ^ mask;
            self.durable.put(offset, &[flipped]);
        }
    }

    /// The file after the process was killed: the kernel has everything.
    pub(super) fn killed(&self) -> Inode {
        let (durable, unsynced) = (self.durable.clone(), self.unsynced.clone());
        Inode { live: self.live.duplicate(), open: 0, durable, unsynced }
    }

    /// The file after a power loss.
    pub(super) fn crashed(&self, rng: &mut Rng) -> Inode {
        Inode::of(self.after_crash(rng))
    }

    fn after_crash(&self, rng: &mut Rng) -> Image {
        let mut image = self.durable.clone();
        if self.unsynced.is_empty() {
            return image;
        }
        let fate = Fate::pick(rng, self.unsynced.len());
        let versions = self.versions(fate, rng);
        for (index, change) in self.unsynced.iter().enumerate() {
            for (sector, start, end) in change.sectors() {
                if versions.get(&sector).is_some_and(|&version| index < version) {
                    image.apply(change, start, end);
                }
            }
        }
        image.set_len(self.length_after(fate, rng));
        if rng.once_in(4) {
            let lost = versions.iter().filter(|&(_, &version)| version == 0);
            for (&sector, _) in lost {
                let start = (sector * SECTOR_BYTES).max(self.durable.len);
                let end = (sector * SECTOR_BYTES + SECTOR_BYTES).min(image.len);
                let garbage: Vec<u8> = (start..end).map(|_| rng.next() as u8).collect();
                image.put(start, &garbage);
            }
        }
        image
    }

    /// Which version of each unsynced sector is on the disk: as it was after that many changes.
    fn versions(&self, fate: Fate, rng: &mut Rng) -> BTreeMap<u64, usize> {
        let mut versions = BTreeMap::new();
        for (index, change) in self.unsynced.iter().enumerate() {
            let whole = match fate {
                Fate::Lost => Some(false),
                Fate::Kept => Some(true),
                Fate::Prefix(count) => (index != count).then_some(index < count),
                Fate::Sectors => None,
                Fate::Calls => Some(rng.coin()),
            };
            for (sector, ..) in change.sectors() {
                let version = versions.entry(sector).or_insert(0);
                if whole.unwrap_or_else(|| rng.coin()) {
                    *version = index + 1;
                }
            }
        }
        versions
    }

    fn length_after(&self, fate: Fate, rng: &mut Rng) -> u64 {
        let count = self.unsynced.len();
        let kept = match fate {
            _ if rng.once_in(8) => rng.below(count + 1),
            Fate::Lost => 0,
            Fate::Kept => count,
            Fate::Prefix(kept) => kept + rng.below(2),
            Fate::Sectors | Fate::Calls => rng.below(count + 1),
        };
        let last = kept.min(count).checked_sub(1).and_then(|last| self.unsynced.get(last));
        last.map_or(self.durable.len, |change| change.len_after)
    }
}

impl Fate {
    fn pick(rng: &mut Rng, changes: usize) -> Fate {
        match rng.below(5) {
            0 => Fate::Lost,
            1 => Fate::Kept,
            2 => Fate::Prefix(rng.below(changes)),
            3 => Fate::Sectors,
            _ => Fate::Calls,
        }
    }
}

impl Change {
    /// The sectors it touches, with the part of the change in each.
    fn sectors(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let end = if self.start < self.end { self.end.div_ceil(SECTOR_BYTES) } else { 0 };
        (self.start / SECTOR_BYTES..end).map(|sector| {
            let first = sector * SECTOR_BYTES;
            (sector, first.max(self.start), (first + SECTOR_BYTES).min(self.end))
        })
    }
}

impl Image {
    /// Does the part `start..end` of a change.
    fn apply(&mut self, change: &Change, start: u64, end: u64) {
        let (from, to) = ((start - change.start) as usize, (end - change.start) as usize);
        match change.data.get(from..to) {
            Some(data) => self.put(start, data),
            None => {
                let end = self.bytes.len().min(end as usize);
                if let Some(bytes) = self.bytes.get_mut(start as usize..end) {
                    bytes.fill(0);
                }
            }
        }
    }

    /// Puts bytes in place; the length counts only after `set_len`.
    fn put(&mut self, start: u64, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let (start, end) = (start as usize, start as usize + data.len());
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(bytes) = self.bytes.get_mut(start..end) {
            bytes.copy_from_slice(data);
        }
    }

    fn byte(&self, offset: u64) -> u8 {
        self.bytes.get(offset as usize).copied().unwrap_or(0)
    }

    fn set_len(&mut self, len: u64) {
        self.bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        self.len = len;
    }
}
