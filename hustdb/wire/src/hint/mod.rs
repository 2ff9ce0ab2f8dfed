//! The hint log: what a proxy could not deliver to a node, kept on its own disk until it is replayed.
//!
//! `<hints.dir>/<host>/<13-digit ms>-<pid>-<n>.hint` is a segment: a header, then frames of one record each. A proxy
//! writes it ([`Writer`]) and holds an exclusive lock on it while it is open; whoever replays reads it ([`Reader`])
//! and deletes it when it is done and the lock is free. A hint counts once its bytes, and the names that lead to it, are
//! synced. After a write or sync error a segment is never written again.
//!
//! `format.rs` is the layout, `reader.rs` what is in a segment and where it is damaged, `source.rs` where its bytes come
//! from, `folder.rs` the door to the disk.

mod batch;
mod folder;
mod format;
mod reader;
mod segment;
mod source;
mod sums;
mod writer;

pub use folder::{SEGMENT_SUFFIX, hosts, is_free, read_segment, segments};
pub use format::{
    FRAME_HEADER_BYTES, FRAME_MAGIC, HEADER_BYTES, HEADER_MAGIC, Header, HintError, NOTED_BYTES, VERSION,
    encode,
};
pub use reader::{Growth, Piece, Reader};
pub use source::{Source, header};
pub use writer::{WriteError, Writer};

/// A hint older than this is dropped in place of being replayed: a tombstone may be gone by then.
pub const HINT_AGE_MAX_S: u64 = 950_400;
/// A segment this large is closed.
pub const SEGMENT_MAX_BYTES: u64 = 64 << 20;
/// What a payload may be longer than the largest value.
pub const PAYLOAD_OVERHEAD_BYTES: usize = 1 << 20;

#[cfg(test)]
mod power_tests;
#[cfg(test)]
mod tests;
