//! Positions: places in the log that grow for ever, `segment << 32 | offset`.

/// The position of byte `offset` of segment `segment`.
pub fn position(segment: u32, offset: u32) -> u64 {
    u64::from(segment) << 32 | u64::from(offset)
}

/// The segment a position lies in.
pub fn segment_of(position: u64) -> u32 {
    (position >> 32) as u32
}

/// The byte offset of a position in its segment.
pub fn offset_of(position: u64) -> u32 {
    position as u32
}
