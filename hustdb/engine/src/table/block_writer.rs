//! Gathers rows in memory and lays them out as one block.

use super::{
    block::BlockEntry,
    columns::{Plan, Record},
    keys::KeyShape,
    layout::{BLOCK_COMPRESSED, BLOCK_HEAD_BYTES, RECORD_PAD_BYTES, lead_with_crc},
};
use crate::{Error, Key, Result, RowRef, Value};

/// What a row costs beside its payload, roughly: a cut key and the columns that differ.
const ROW_ESTIMATE_BYTES: usize = 16 + 10;
/// What a pointer costs, roughly.
const POINTER_ESTIMATE_BYTES: usize = 16;

/// The rows of the block under construction.
#[derive(Debug, Default)]
pub(super) struct BlockWriter {
    keys: Vec<Key>,
    records: Vec<Record>,
    payload: Vec<u8>,
    estimate_bytes: usize,
}

impl BlockWriter {
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// About how long the block will be, uncompressed.
    pub fn estimate_bytes(&self) -> usize {
        BLOCK_HEAD_BYTES + RECORD_PAD_BYTES + self.estimate_bytes
    }

    /// About how much a row adds.
    pub fn row_estimate_bytes(row: &RowRef<'_>) -> usize {
        let pointer = if row.pointer().is_some() { POINTER_ESTIMATE_BYTES } else { 0 };
        ROW_ESTIMATE_BYTES + pointer + row.inline_bytes()
    }

    /// Takes a row whose key is greater than all before.
    pub fn add(&mut self, key: Key, row: &RowRef<'_>) -> Result<()> {
        debug_assert!(self.keys.last().is_none_or(|last| *last < key));
        let (Ok(start), Ok(key_len), Ok(_)) = (
            u32::try_from(self.payload.len()),
            u32::try_from(row.user_key.len()),
            u32::try_from(self.payload.len() + row.inline_bytes()),
        ) else {
            return Err(Error::Invalid("a row longer than 4 GiB".into()));
        };
        self.keys.push(key);
        self.records.push(Record { start, key_len, meta: row.meta, pointer: row.pointer() });
        self.payload.extend_from_slice(row.user_key);
        if let Value::Inline(value) = row.value {
            self.payload.extend_from_slice(value);
        }
        self.estimate_bytes += BlockWriter::row_estimate_bytes(row);
        Ok(())
    }

    /// Appends the block to `out`, whose end is byte `offset` of file `id`, and starts the next one.
    pub fn finish(
        &mut self,
        id: u64,
        offset: u64,
        compress: bool,
        out: &mut Vec<u8>,
    ) -> Result<(Key, BlockEntry)> {
        let shape = KeyShape::of(&self.keys);
        let plan = Plan::of(&self.records);
        let packed = if compress { compressed(&self.payload) } else { None };
        let payload = packed.as_ref().unwrap_or(&self.payload);
        let fixed = usize::from(shape.width) + plan.stride();
        let len = BLOCK_HEAD_BYTES + self.keys.len() * fixed + RECORD_PAD_BYTES + payload.len();
        let (Ok(len), Ok(offset)) = (u32::try_from(len), u32::try_from(offset)) else {
            return Err(Error::Invalid("a table longer than 4 GiB".into()));
        };
        let flags = if packed.is_some() { BLOCK_COMPRESSED } else { 0 };
        let (rows, stride) = (self.keys.len() as u32, plan.stride() as u8);
        let entry = BlockEntry { offset, len, rows, shape, stride, flags };

        let first = self.keys.first().copied().unwrap_or_default();
        let begin = out.len();
        out.reserve(len as usize);
        out.extend_from_slice(&[0; 4]);
        for number in [len, id as u32, entry.rows, self.payload.len() as u32] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[shape.skip, shape.width, stride, flags]);
        out.extend_from_slice(&first.to_bytes());
        plan.encode_head(out);
        debug_assert_eq!(out.len() - begin, BLOCK_HEAD_BYTES);
        self.keys.iter().for_each(|key| shape.encode(*key, out));
        self.records.iter().for_each(|record| plan.encode_record(record, out));
        out.extend_from_slice(&[0; RECORD_PAD_BYTES]);
        out.extend_from_slice(payload);
        if let Some(block) = out.get_mut(begin..) {
            lead_with_crc(block);
        }
        self.keys.clear();
        self.records.clear();
        self.payload.clear();
        self.estimate_bytes = 0;
        Ok((first, entry))
    }
}

/// The bytes compressed, if that makes them shorter.
fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    // Inputs beyond the format's limit are left as they are.
    let packed = snap::raw::Encoder::new().compress_vec(bytes).ok()?;
    (packed.len() < bytes.len()).then_some(packed)
}
