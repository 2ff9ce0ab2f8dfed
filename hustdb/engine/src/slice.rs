//! Bytes that a reader keeps as long as it likes: a copy, or a counted reference into a mapped file.

use std::{fmt, ops::Deref, sync::Arc};

use crate::vfs::Map;

/// Immutable bytes, cheap to hand on.
#[derive(Clone)]
pub struct Slice(Repr);

#[derive(Clone)]
enum Repr {
    Owned { bytes: Arc<[u8]>, start: u32 },
    Mapped { map: Arc<Map>, start: u32, len: u32 },
}

impl Slice {
    /// `len` bytes at `start` of `map`, or `None` where the map is shorter.
    pub fn mapped(map: &Arc<Map>, start: u32, len: u32) -> Option<Slice> {
        map.get(start as usize, len as usize)?;
        Some(Slice(Repr::Mapped { map: map.clone(), start, len }))
    }

    /// The bytes after the first `skipped`.
    pub fn skip(self, skipped: u32) -> Slice {
        let skipped = skipped.min(self.len() as u32);
        Slice(match self.0 {
            Repr::Owned { bytes, start } => Repr::Owned { bytes, start: start + skipped },
            Repr::Mapped { map, start, len } => {
                Repr::Mapped { map, start: start + skipped, len: len - skipped }
            }
        })
    }
}

impl From<&[u8]> for Slice {
    fn from(bytes: &[u8]) -> Slice {
        Slice(Repr::Owned { bytes: bytes.into(), start: 0 })
    }
}

impl From<Vec<u8>> for Slice {
    fn from(bytes: Vec<u8>) -> Slice {
        Slice(Repr::Owned { bytes: bytes.into(), start: 0 })
    }
}

impl Deref for Slice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Owned { bytes, start } => bytes.get(*start as usize..).unwrap_or_default(),
            // In range since `mapped` made it; a map never shrinks.
            Repr::Mapped { map, start, len } => map.get(*start as usize, *len as usize).unwrap_or_default(),
        }
    }
}

impl AsRef<[u8]> for Slice {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slice({} bytes)", self.len())
    }
}
