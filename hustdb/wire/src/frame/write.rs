//! Writes records into frames.
//!
//! The buffer always ends in whole frames or in one open frame whose header is still blank; [`FrameWriter::finish`]
//! closes it. A refused record leaves the buffer as it was.

use super::{
    Content, FLAG_WITHOUT_VALUES, FORMAT_VERSION, FRAME_TARGET_BYTES, FrameError, HEADER_BYTES, MAGIC,
    RECORD_HEADER_BYTES, RecordRef,
};

/// Puts records into frames, a new one about every [`FRAME_TARGET_BYTES`].
#[derive(Debug)]
pub struct FrameWriter {
    out: Vec<u8>,
    content: Content,
    /// Where the open frame begins, if one is open.
    open: Option<usize>,
    /// Records in the open frame.
    in_frame: u32,
    records: u64,
}

impl FrameWriter {
    /// A writer with an empty buffer.
    pub fn new(content: Content) -> FrameWriter {
        FrameWriter::after(Vec::new(), content)
    }

    /// A writer that appends to what is in `out`.
    pub fn after(out: Vec<u8>, content: Content) -> FrameWriter {
        FrameWriter { out, content, open: None, in_frame: 0, records: 0 }
    }

    /// Adds a record. With [`Content::Digest`] its value is left out.
    pub fn push(&mut self, record: &RecordRef<'_>) -> Result<(), FrameError> {
        let value = match self.content {
            Content::Whole => record.value,
            Content::Digest => &[],
        };
        let record = RecordRef { value, ..*record };
        let size = size_of(&record);
        let refuse = |what| FrameError::Record { index: 0, what };
        record.check(self.content).map_err(refuse)?;
        if u32::try_from(size).is_err() {
            return Err(refuse("over 4 GiB"));
        }
        if let Some(start) = self.open
            && self.out.len() - start + size > FRAME_TARGET_BYTES
        {
            self.close(start);
        }
        if self.open.is_none() {
            self.open = Some(self.out.len());
            self.out.extend_from_slice(&[0; HEADER_BYTES]);
        }
        put(&mut self.out, &record);
        self.in_frame += 1;
        self.records += 1;
        Ok(())
    }

    /// Records added so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Bytes in the buffer, what was there before included.
    pub fn len_bytes(&self) -> usize {
        self.out.len()
    }

    /// The buffer, all frames whole. Without any record: what was there before.
    pub fn finish(mut self) -> Vec<u8> {
        if let Some(start) = self.open {
            self.close(start);
        }
        self.out
    }

    fn close(&mut self, start: usize) {
        let flags = match self.content {
            Content::Whole => 0,
            Content::Digest => FLAG_WITHOUT_VALUES,
        };
        let Some((header, payload)) =
            self.out.get_mut(start..).and_then(|frame| frame.split_first_chunk_mut::<HEADER_BYTES>())
        else {
            return;
        };
        debug_assert!(u32::try_from(payload.len()).is_ok(), "only a frame of one record is over the target");
        *header = header_of(flags, payload, self.in_frame);
        self.open = None;
        self.in_frame = 0;
    }
}

/// A frame with exactly this record.
pub fn encode_one(record: &RecordRef<'_>) -> Result<Vec<u8>, FrameError> {
    let mut writer = FrameWriter::after(Vec::with_capacity(HEADER_BYTES + size_of(record)), Content::Whole);
    writer.push(record)?;
    Ok(writer.finish())
}

fn size_of(record: &RecordRef<'_>) -> usize {
    RECORD_HEADER_BYTES + record.table.len() + record.key.len() + record.value.len()
}

fn put(out: &mut Vec<u8>, record: &RecordRef<'_>) {
    let mut header = [0; RECORD_HEADER_BYTES];
    header[0] = record.kind as u8;
    header[1] = record.form as u8;
    header[2] = record.table.len() as u8;
    header[4..8].copy_from_slice(&(record.key.len() as u32).to_le_bytes());
    header[8..12].copy_from_slice(&(record.value.len() as u32).to_le_bytes());
    header[12..20].copy_from_slice(&record.stamp.to_le_bytes());
    header[20..28].copy_from_slice(&record.version.to_le_bytes());
    header[28..36].copy_from_slice(&record.expire_ms.to_le_bytes());
    out.reserve(size_of(record));
    out.extend_from_slice(&header);
    out.extend_from_slice(record.table.as_bytes());
    out.extend_from_slice(record.key);
    out.extend_from_slice(record.value);
}

fn header_of(flags: u16, payload: &[u8], count: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&MAGIC);
    header[4..6].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[6..8].copy_from_slice(&flags.to_le_bytes());
    header[8..12].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[12..16].copy_from_slice(&count.to_le_bytes());
    let checksum = super::read::checksum(&header[..16], payload);
    header[16..].copy_from_slice(&checksum.to_le_bytes());
    header
}
