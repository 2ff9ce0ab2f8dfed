//! Where the bytes of a segment come from, and looks at them that need no reader.

use std::{
    fs::File,
    io::{self, Read},
    ops::Range,
    os::unix::fs::FileExt,
};

use super::format::{HEADER_BYTES, Header, HintError};

/// Read at a time.
pub(super) const CHUNK_BYTES: usize = 256 << 10;
/// Read first to see whether there are but zeros: what is damaged mostly shows that at once.
const GLANCE_BYTES: usize = 64;

/// Where the bytes of a segment come from.
pub trait Source {
    /// Reads at most `into` at an offset; 0 at the end.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Source for File {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, into, offset)
    }
}

/// A segment in memory.
impl Source for &[u8] {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut rest = self.get(start..).unwrap_or_default();
        rest.read(into)
    }
}

/// The header of a segment; `None` if it is not all there.
pub fn header(source: &impl Source) -> io::Result<Option<Result<Header, HintError>>> {
    let mut bytes = [0; HEADER_BYTES];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read_at(rest, filled as u64)? {
            0 => return Ok(None),
            read => filled += read,
        }
    }
    Ok(Some(Header::decode(&bytes)))
}

/// Hands on all bytes of a part, piece by piece, as far as there are any.
pub(super) fn read_all(
    source: &impl Source,
    part: Range<u64>,
    mut take: impl FnMut(&[u8]),
) -> io::Result<()> {
    let length_bytes = usize::try_from(part.end.saturating_sub(part.start)).unwrap_or(usize::MAX);
    let mut chunk = vec![0; length_bytes.min(CHUNK_BYTES)];
    let mut at = part.start;
    while at < part.end {
        let room = usize::try_from(part.end - at).unwrap_or(usize::MAX).min(chunk.len());
        let into = chunk.get_mut(..room).unwrap_or_default();
        let read = source.read_at(into, at)?;
        if read == 0 {
            break;
        }
        take(into.get(..read).unwrap_or_default());
        at += read as u64;
    }
    Ok(())
}

/// Whether there are but zeros in a part.
pub(super) fn is_zero(source: &impl Source, part: Range<u64>) -> io::Result<bool> {
    let (mut at, mut glance) = (part.start, GLANCE_BYTES);
    while at < part.end {
        let to = part.end.min(at + glance as u64);
        let mut zeros = true;
        read_all(source, at..to, |bytes| zeros &= bytes.iter().all(|byte| *byte == 0))?;
        if !zeros {
            return Ok(false);
        }
        at = to;
        glance = (4 * glance).min(CHUNK_BYTES);
    }
    Ok(true)
}
