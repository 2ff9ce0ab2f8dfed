//! The live image of a simulated file: what the process and the kernel see.
//!
//! Bytes that were never written take no memory and read as zeros, so reserving a large segment costs nothing. A
//! region that maps look at cannot move; where a larger map is asked for, the smaller regions still in use get every
//! later write as well.

use std::{
    io,
    sync::{Arc, Weak},
};

use super::region::Region;

/// Simulated files stay below this.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 32;
const MIN_REGION_BYTES: usize = 128;

#[derive(Debug)]
pub(super) struct Storage {
    region: Arc<Region>,
    /// Smaller regions that older maps look at.
    older: Vec<Weak<Region>>,
    /// The largest capacity mapped so far; counts while a map lives.
    mapped: usize,
    /// Everything from here on is zero.
    written: usize,
    len: u64,
}

impl Storage {
    pub(super) fn new(bytes: &[u8], len: u64) -> Storage {
        let region = Region::zeroed(bytes.len());
        region.write(0, bytes);
        Storage { region, older: Vec::new(), mapped: 0, written: bytes.len(), len }
    }

    /// The same bytes in memory of their own, which no map looks at.
    pub(super) fn duplicate(&self) -> Storage {
        let mut bytes = vec![0; self.written];
        self.region.read(0, &mut bytes);
        Storage::new(&bytes, self.len)
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The end of the bytes that may differ from zero.
    pub(super) fn written(&self) -> u64 {
        self.written as u64
    }

    /// Whether a map of this file lives.
    pub(super) fn is_mapped(&self) -> bool {
        Arc::strong_count(&self.region) > 1 || self.older.iter().any(|region| region.strong_count() > 0)
    }

    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let count = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        if let Some(buf) = buf.get_mut(..count) {
            self.region.read(usize::try_from(offset).unwrap_or(usize::MAX), buf);
        }
        count
    }

    /// Writes `data`, growing the file. `InvalidInput` if a live map would not show all of it: whoever maps a growing
    /// file states how large it may get.
    pub(super) fn write(&mut self, data: &[u8], offset: u64) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let end = offset.checked_add(data.len() as u64).filter(|&end| end <= MAX_FILE_BYTES);
        let Some(end) = end else { return Err(io::ErrorKind::FileTooLarge.into()) };
        let (start, stop) = (offset as usize, end as usize);
        if self.is_mapped() && stop > self.mapped {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "write beyond the mapped capacity"));
        }
        if stop > self.region.capacity() {
            self.reserve(stop.max(self.region.capacity() * 2).max(MIN_REGION_BYTES));
        }
        for region in self.regions() {
            region.write(start, data);
        }
        self.written = self.written.max(stop);
        self.len = self.len.max(end);
        Ok(())
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.written as u64 {
            for region in self.regions() {
                region.clear(len as usize, self.written);
            }
            self.written = len as usize;
        }
        self.len = len;
    }

    /// The region that shows the first `capacity` bytes, now and when they change.
    pub(super) fn map(&mut self, capacity: u64) -> io::Result<Arc<Region>> {
        if capacity > MAX_FILE_BYTES {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let capacity = capacity as usize;
        self.mapped = if self.is_mapped() { self.mapped.max(capacity) } else { capacity };
        if capacity > self.region.capacity() {
            self.reserve(capacity);
        }
        Ok(self.region.clone())
    }

    /// Flips a bit of a byte that exists.
    pub(super) fn flip(&mut self, offset: u64, mask: u8) {
        let mut byte = [0];
        self.read(&mut byte, offset);
        let flipped = byte.map(|byte| byte ^ mask);
        if offset >= self.region.capacity() as u64 {
            self.reserve(offset as usize + 1);
        }
        for region in self.regions() {
            region.write(offset as usize, &flipped);
        }
        self.written = self.written.max(offset as usize + 1);
    }

    /// Moves to a region of `capacity` bytes. The present one goes on being written while maps look at it.
    fn reserve(&mut self, capacity: usize) {
        let region = Region::zeroed(capacity);
        let mut bytes = vec![0; self.written];
        self.region.read(0, &mut bytes);
        region.write(0, &bytes);
        let previous = std::mem::replace(&mut self.region, region);
        self.older.push(Arc::downgrade(&previous));
        drop(previous);
        self.older.retain(|region| region.strong_count() > 0);
    }

    fn regions(&self) -> impl Iterator<Item = Arc<Region>> {
        self.older.iter().filter_map(Weak::upgrade).chain([self.region.clone()])
    }
}
