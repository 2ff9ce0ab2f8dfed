//! The sorted table: an immutable file of rows in key order, read through a map.
//!
//! A [`TableBuilder`] writes the file front to back; a [`Table`] serves it. A get asks the binary fuse filter, finds
//! the block by interpolation in an index that is in memory, searches the block's key array in place, and returns a
//! counted slice of the map: no decoding, no copy. `layout.rs` describes every byte.
//!
//! Invariants: rows are strictly ascending; nothing read from the file is trusted before its checksum matched (footer,
//! index, filter and properties at open, a block on its first use and again after it has left memory); a file that
//! passes its checksums and still contradicts itself gives `Error::Damaged`, never a panic.

mod block;
mod block_writer;
mod builder;
mod cache;
mod columns;
mod cursor;
mod filter;
mod footer;
mod index;
mod keys;
mod layout;
mod meta;
mod prefetch;
mod reader;
mod search;
#[cfg(test)]
mod tests;
mod verify;
mod warm;

pub use builder::{TableBuilder, TableOptions};
pub use cache::BlockCache;
pub use cursor::Cursor;
pub use meta::TableMeta;
pub use reader::{Find, Table};
