//! Merge frames: how records travel between nodes, proxies and hint logs. `doc/frames.md` describes every byte.
//!
//! A body is any number of frames one after another. Each has one checksum over all of it, so a damaged bit or a cut
//! is found before any of its records is used, and what is checked once is handed out as borrowed slices. Writers end
//! a frame at about [`FRAME_TARGET_BYTES`], so that a huge body is checked piece by piece; one record, however large,
//! never spans two. What a writer refuses, a reader refuses too: both ends share [`RecordRef::check`].

mod error;
mod read;
mod record;
mod score;
mod write;

pub use error::FrameError;
pub use read::{Frame, Frames, Records, decode, decode_digest, decode_one};
pub use record::{Form, Kind, RecordRef, VERSION_MAX};
pub use score::{SCORE_BYTES, score_of_bytes, score_to_bytes};
pub use write::{FrameWriter, encode_one};

/// What a frame begins with.
pub const MAGIC: [u8; 4] = *b"HFRM";
/// The version of the format written here, and the only one read.
pub const FORMAT_VERSION: u16 = 1;
/// Flag: the records have no values. Such frames compare nodes and must not be merged.
pub const FLAG_WITHOUT_VALUES: u16 = 1;
/// Bytes of a frame before its records.
pub const HEADER_BYTES: usize = 20;
/// Bytes of a record before its table name.
pub const RECORD_HEADER_BYTES: usize = 36;
/// A writer begins a new frame rather than let one with several records grow over this.
pub const FRAME_TARGET_BYTES: usize = 256 << 10;

/// Whether records carry their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Whole records: what a merge takes.
    Whole,
    /// Without values: what a scan with `digest=true` answers.
    Digest,
}

#[cfg(test)]
mod tests;
