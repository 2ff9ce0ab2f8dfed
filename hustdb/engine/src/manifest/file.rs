//! The manifest's file: header, then frames of `length u32, CRC-32 u32, sequence u64, payload` (little-endian).
//!
//! The CRC covers sequence and payload; payloads are postcard. An edit is synced before it counts. A frame that does
//! not read is a torn tail if no frame with a later sequence follows it, else damage. Losing the last edit to a torn
//! tail is safe: files are unlinked only after the edit that forgets them, so an older state either has all its
//! files or is refused for a missing one.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Edit, State};
use crate::{
    Error, Result,
    vfs::{Vfs, VfsFile},
};

const NAME: &str = "MANIFEST";
const MAGIC: &[u8; 8] = b"HUSTMANI";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
const FRAME_HEADER_BYTES: usize = 16;
/// A manifest is rewritten when its edits are this much larger than its state.
const SLACK_BYTES: u64 = 1 << 20;

/// The state and the file that keeps it.
#[derive(Debug)]
pub(crate) struct Manifest {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    file: Arc<dyn VfsFile>,
    state: State,
    sequence: u64,
    end: u64,
    state_bytes: u64,
    /// A sync failed: what is on disk is unknown, so nothing may be written any more.
    broken: Option<String>,
}

impl Manifest {
    /// Whether a manifest is in the folder.
    pub fn exists(vfs: &dyn Vfs, dir: &Path) -> Result<bool> {
        let path = dir.join(NAME);
        vfs.exists(&path).map_err(|e| Error::io(path.display().to_string(), e))
    }

    /// Writes a new manifest with this state, replacing what is there.
    pub fn create(vfs: Arc<dyn Vfs>, dir: &Path, state: State) -> Result<Manifest> {
        let (file, end) = write_whole(&*vfs, dir, &state, 1)?;
        Ok(Manifest { vfs, dir: dir.into(), file, state, sequence: 1, end, state_bytes: end, broken: None })
    }

    /// Reads the manifest; cuts off a torn last edit.
    pub fn open(vfs: Arc<dyn Vfs>, dir: &Path) -> Result<Manifest> {
        let path = dir.join(NAME);
        let io = |e| Error::io(format!("read {}", path.display()), e);
        let file = vfs.open(&path).map_err(io)?;
        let len = file.len().map_err(io)?;
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        let read = file.read_at(&mut bytes, 0).map_err(io)?;
        bytes.truncate(read);
        if bytes.get(..8) != Some(MAGIC) {
            return Err(Error::damaged(&path, 0, "not a manifest"));
        }
        let header = bytes.get(..HEADER_BYTES).ok_or_else(|| Error::damaged(&path, 0, "too short"))?;
        let version = read_u32(header, 8).unwrap_or(0);
        if crc32fast::hash(&header[..12]) != read_u32(header, 12).unwrap_or(0) {
            return Err(Error::damaged(&path, 8, "header checksum"));
        }
        if version > VERSION {
            return Err(Error::Invalid(format!(
                "{}: written by a newer version ({version})",
                path.display()
            )));
        }
        let first = Frame::read(&bytes, HEADER_BYTES, None)
            .ok_or_else(|| Error::damaged(&path, HEADER_BYTES as u64, "the state does not read"))?;
        let state: State = postcard::from_bytes(first.payload).map_err(|e| {
            Error::damaged(&path, HEADER_BYTES as u64, format!("the state does not read: {e}"))
        })?;
        if !state.is_sound() {
            return Err(Error::damaged(&path, HEADER_BYTES as u64, "partitions or levels that cannot be"));
        }
        let (end, sequence) = (first.end as u64, first.sequence);
        let mut manifest =
            Manifest { vfs, dir: dir.into(), file, state, sequence, end, state_bytes: end, broken: None };
        manifest.read_edits(&bytes, &path)?;
        // After a kill the last edits, or the rename, may be in the kernel only. What follows acts on them (it removes
        // tables that they forget), so a power loss must not take them back.
        manifest.file.sync_data().and_then(|()| manifest.vfs.sync_dir(dir)).map_err(io)?;
        Ok(manifest)
    }

    fn read_edits(&mut self, bytes: &[u8], path: &Path) -> Result<()> {
        while (self.end as usize) < bytes.len() {
            let at = self.end as usize;
            let Some(frame) = Frame::read(bytes, at, Some(self.sequence + 1)) else {
                if Frame::any_after(bytes, at + 1, self.sequence) {
                    return Err(Error::damaged(path, self.end, "an edit does not read, later ones do"));
                }
                let torn = bytes.len() - at;
                tracing::warn!(file = %path.display(), offset = at, bytes = torn, "cut off a torn edit");
                let cut = self.file.set_len(self.end).and_then(|()| self.file.sync_data());
                return cut.map_err(|e| Error::io(format!("cut {}", path.display()), e));
            };
            let edit: Edit = postcard::from_bytes(frame.payload)
                .map_err(|e| Error::damaged(path, self.end, format!("edit does not read: {e}")))?;
            self.state.apply(&edit).map_err(|what| Error::damaged(path, self.end, what))?;
            (self.end, self.sequence) = (frame.end as u64, frame.sequence);
        }
        Ok(())
    }

    /// The state as of the last edit.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Makes an edit durable and applies it. After `Full` nothing has changed and it may be tried again.
    pub fn append(&mut self, edit: &Edit) -> Result<()> {
        if let Some(cause) = &self.broken {
            return Err(Error::Poisoned(cause.clone()));
        }
        let mut next = self.state.clone();
        next.apply(edit).map_err(Error::Invalid)?;
        if self.end > 4 * self.state_bytes + SLACK_BYTES {
            let (file, end) =
                write_whole(&*self.vfs, &self.dir, &next, self.sequence + 1).inspect_err(|e| {
                    // The rename may or may not have happened: which file is the manifest is unknown.
                    if !matches!(e, Error::Full(_)) {
                        self.broken = Some(e.to_string());
                    }
                })?;
            (self.file, self.end, self.state_bytes) = (file, end, end);
        } else {
            let frame = encode_frame(self.sequence + 1, edit)?;
            let io = |e| Error::io("write MANIFEST", e);
            if let Err(cause) = self.file.write_all_at(&frame, self.end) {
                self.cut_back()?;
                return Err(io(cause));
            }
            self.file.sync_data().map_err(|e| {
                self.broken = Some(format!("sync of MANIFEST failed: {e}"));
                Error::Poisoned(format!("sync of MANIFEST failed: {e}"))
            })?;
            self.end += frame.len() as u64;
        }
        self.sequence += 1;
        self.state = next;
        Ok(())
    }

    /// Takes back what came through of an edit that failed, durably: what it names may be removed next.
    fn cut_back(&mut self) -> Result<()> {
        self.file.set_len(self.end).and_then(|()| self.file.sync_data()).map_err(|e| {
            self.broken = Some(format!("cut of MANIFEST failed: {e}"));
            Error::Poisoned(format!("cut of MANIFEST failed: {e}"))
        })
    }
}

struct Frame<'a> {
    sequence: u64,
    payload: &'a [u8],
    end: usize,
}

impl<'a> Frame<'a> {
    fn read(bytes: &'a [u8], at: usize, sequence: Option<u64>) -> Option<Frame<'a>> {
        let len = read_u32(bytes, at)? as usize;
        let crc = read_u32(bytes, at + 4)?;
        let end = at.checked_add(FRAME_HEADER_BYTES)?.checked_add(len)?;
        let covered = bytes.get(at + 8..end)?;
        let found = u64::from_le_bytes(covered.first_chunk::<8>().copied()?);
        if crc32fast::hash(covered) != crc || sequence.is_some_and(|expected| expected != found) {
            return None;
        }
        Some(Frame { sequence: found, payload: covered.get(8..)?, end })
    }

    /// Whether a whole frame of a later edit begins at or after `from`.
    fn any_after(bytes: &[u8], from: usize, sequence: u64) -> bool {
        (from..bytes.len()).any(|at| {
            let near = bytes.get(at + 8..at + 16).and_then(|b| b.first_chunk::<8>().copied());
            let near =
                near.is_some_and(|b| (1..1 << 32).contains(&u64::from_le_bytes(b).wrapping_sub(sequence)));
            near && Frame::read(bytes, at, None).is_some()
        })
    }
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().copied().map(u32::from_le_bytes)
}

fn encode_frame(sequence: u64, payload: &impl serde::Serialize) -> Result<Vec<u8>> {
    let payload = postcard::to_allocvec(payload).map_err(|e| Error::Invalid(format!("manifest: {e}")))?;
    let len = u32::try_from(payload.len()).map_err(|_| Error::Invalid("manifest: edit over 4 GiB".into()))?;
    let mut frame = Vec::with_capacity(FRAME_HEADER_BYTES + payload.len());
    frame.extend(len.to_le_bytes());
    frame.extend([0; 4]);
    frame.extend(sequence.to_le_bytes());
    frame.extend(payload);
    let crc = crc32fast::hash(&frame[8..]);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
    Ok(frame)
}

/// Writes a manifest with just this state beside the present one and renames it over it.
fn write_whole(vfs: &dyn Vfs, dir: &Path, state: &State, sequence: u64) -> Result<(Arc<dyn VfsFile>, u64)> {
    let (temporary, path) = (dir.join("MANIFEST.tmp"), dir.join(NAME));
    let io = |e| Error::io(format!("write {}", temporary.display()), e);
    if vfs.exists(&temporary).map_err(io)? {
        vfs.remove(&temporary).map_err(io)?;
    }
    let mut bytes = Vec::new();
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend(encode_frame(sequence, state)?);
    let file = vfs.create(&temporary).map_err(io)?;
    file.write_all_at(&bytes, 0).map_err(io)?;
    file.sync_data().map_err(|e| Error::Poisoned(format!("sync of {}: {e}", temporary.display())))?;
    vfs.rename(&temporary, &path)
        .and_then(|()| vfs.sync_dir(dir))
        .map_err(|e| Error::Poisoned(format!("rename of {}: {e}", temporary.display())))?;
    Ok((file, bytes.len() as u64))
}
