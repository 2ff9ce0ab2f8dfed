//! The body of a record: how its entries are encoded.
//!
//! `count:varint` then the entries: `head:u8 flags:u8 key[20 or 24] stamp:u64 version:varint [expire_ms:varint]
//! user_key_len:varint place [kill] [tallies] user_key inline_value`. The head's low two bits are the form of the value,
//! the others say which optional parts are there. `place` is `len` (inline), `len extra crc:u32` (large) or
//! `segment offset len extra crc:u32` (stored), varints but for the CRC, with `raw_len = len + extra`. Large values lie
//! behind the body in the order of their entries, so that a pointer needs no offset.

use super::{
    cursor::{Cursor, put_varint, put_zigzag},
    entry::{DecodedEntry, Entry, EntryValue, Kill, Tally},
    position::{offset_of, segment_of},
    record::{MAX_RECORD_BYTES, MAX_VALUE_BYTES, RECORD_HEADER_BYTES, RecordHeader},
};
use crate::{Error, Key, Meta, Pointer, Result, Value, key::KEY_BYTES};

const INLINE: u8 = 0;
const LARGE: u8 = 1;
const STORED: u8 = 2;
const FORM_BITS: u8 = 0b11;
const HAS_KILL: u8 = 1 << 2;
const HAS_TALLIES: u8 = 1 << 3;
const HAS_EXPIRE: u8 = 1 << 4;
/// The last four bytes of the key are zero and left out, as with every hashed key.
const SHORT_KEY: u8 = 1 << 5;
const KNOWN_BITS: u8 = FORM_BITS | HAS_KILL | HAS_TALLIES | HAS_EXPIRE | SHORT_KEY;
const SHORT_KEY_BYTES: usize = KEY_BYTES - 4;

/// What stands behind the header of a record, but for the large values themselves.
#[derive(Default)]
pub struct Encoded {
    /// The body.
    pub body: Vec<u8>,
    /// The CRC of each large value, in order.
    pub value_crcs: Vec<u32>,
    /// Length of all large values together.
    pub values_len: u32,
    /// CRC of the body.
    pub body_crc: u32,
}

impl Encoded {
    /// Length of the whole record.
    pub fn record_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + self.body.len() + self.values_len as usize
    }

    /// Encodes `entries` in place of what was there.
    pub fn fill(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        self.body.clear();
        self.value_crcs.clear();
        // The sizes are summed before a byte is copied, so that a batch beyond the limit costs nothing.
        let mut bytes = 0usize;
        let mut values = 0usize;
        for entry in entries {
            bytes = bytes.saturating_add(64 + entry.user_key.len() + entry.tallies.len() * 4);
            match entry.value {
                EntryValue::Inline(value) => bytes = bytes.saturating_add(value.len()),
                EntryValue::Large { bytes: value, raw_len } => {
                    if value.is_empty() || (raw_len as usize) < value.len() || raw_len > MAX_VALUE_BYTES {
                        return Err(Error::Invalid(format!(
                            "a value of {raw_len} bytes stored in {}",
                            value.len()
                        )));
                    }
                    values = values.saturating_add(value.len());
                }
                EntryValue::Stored(pointer) if pointer.raw_len < pointer.len => {
                    return Err(Error::Invalid("a stored value longer than its raw form".into()));
                }
                EntryValue::Stored(_) => {}
            }
        }
        if bytes.saturating_add(values) > MAX_RECORD_BYTES {
            return Err(Error::Invalid(format!("a batch of {} bytes", bytes.saturating_add(values))));
        }
        self.values_len = values as u32;
        put_varint(&mut self.body, entries.len() as u64);
        for entry in entries {
            self.put(entry);
        }
        self.body_crc = crc32fast::hash(&self.body);
        if self.record_bytes() > MAX_RECORD_BYTES {
            return Err(Error::Invalid(format!("a batch of {} bytes", self.record_bytes())));
        }
        Ok(())
    }

    fn put(&mut self, entry: &Entry<'_>) {
        let out = &mut self.body;
        let key = entry.key.to_bytes();
        let short = key[SHORT_KEY_BYTES..] == [0; 4];
        let form = match entry.value {
            EntryValue::Inline(_) => INLINE,
            EntryValue::Large { .. } => LARGE,
            EntryValue::Stored(_) => STORED,
        };
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        out.push(
            form | bit(entry.kill.is_some(), HAS_KILL)
                | bit(!entry.tallies.is_empty(), HAS_TALLIES)
                | bit(entry.meta.expire_ms != 0, HAS_EXPIRE)
                | bit(short, SHORT_KEY),
        );
        out.push(entry.meta.flags);
        out.extend_from_slice(&key[..if short { SHORT_KEY_BYTES } else { KEY_BYTES }]);
        out.extend_from_slice(&entry.meta.stamp.to_le_bytes());
        put_varint(out, entry.meta.version);
        if entry.meta.expire_ms != 0 {
            put_varint(out, entry.meta.expire_ms);
        }
        put_varint(out, entry.user_key.len() as u64);
        match entry.value {
            EntryValue::Inline(bytes) => put_varint(out, bytes.len() as u64),
            EntryValue::Large { bytes, raw_len } => {
                let crc = crc32fast::hash(bytes);
                self.value_crcs.push(crc);
                put_place(out, bytes.len() as u32, raw_len, crc);
            }
            EntryValue::Stored(pointer) => {
                put_varint(out, u64::from(pointer.segment));
                put_varint(out, u64::from(pointer.offset));
                put_place(out, pointer.len, pointer.raw_len, pointer.crc);
            }
        }
        if let Some(kill) = entry.kill {
            put_varint(out, u64::from(kill.segment));
            put_varint(out, u64::from(kill.len));
        }
        if !entry.tallies.is_empty() {
            put_varint(out, entry.tallies.len() as u64);
            for tally in entry.tallies {
                put_varint(out, u64::from(tally.slot));
                out.push(tally.lane);
                put_zigzag(out, tally.delta);
            }
        }
        out.extend_from_slice(entry.user_key);
        if let EntryValue::Inline(bytes) = entry.value {
            out.extend_from_slice(bytes);
        }
    }
}

fn put_place(out: &mut Vec<u8>, len: u32, raw_len: u32, crc: u32) {
    put_varint(out, u64::from(len));
    put_varint(out, u64::from(raw_len - len));
    out.extend_from_slice(&crc.to_le_bytes());
}

fn take_place(cursor: &mut Cursor<'_>) -> Option<(u32, u32, u32)> {
    let len = cursor.varint_u32()?;
    let raw_len = len.checked_add(cursor.varint_u32()?)?;
    Some((len, raw_len, cursor.u32()?))
}

/// Reads the entries of a body whose CRC has been checked.
pub struct Body<'a> {
    cursor: Cursor<'a>,
    left: u64,
    segment: u32,
    value_offset: u32,
    values_end: u32,
}

/// The bytes are no body, although their checksum is right.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

impl<'a> Body<'a> {
    /// The body of the record at `position`; `None` if it is not the one that `header` was made for.
    pub fn new(header: &RecordHeader, position: u64, body: &'a [u8]) -> Option<Body<'a>> {
        if body.len() != header.body_len as usize || crc32fast::hash(body) != header.body_crc {
            return None;
        }
        let start = offset_of(position).checked_add(RECORD_HEADER_BYTES as u32)?;
        let value_offset = start.checked_add(header.body_len)?;
        let values_end = value_offset.checked_add(header.values_len)?;
        let mut cursor = Cursor(body);
        let left = cursor.varint()?;
        Some(Body { cursor, left, segment: segment_of(position), value_offset, values_end })
    }

    /// The next entry; `tallies` is where its tallies are kept.
    pub fn next<'t>(
        &mut self,
        tallies: &'t mut Vec<Tally>,
    ) -> std::result::Result<Option<DecodedEntry<'t>>, Malformed>
    where
        'a: 't,
    {
        if self.left == 0 {
            let ended = self.cursor.0.is_empty() && self.value_offset == self.values_end;
            return if ended { Ok(None) } else { Err(Malformed) };
        }
        self.left -= 1;
        self.entry(tallies).map(Some).ok_or(Malformed)
    }

    fn entry<'t>(&mut self, tallies: &'t mut Vec<Tally>) -> Option<DecodedEntry<'t>>
    where
        'a: 't,
    {
        let cursor = &mut self.cursor;
        let head = cursor.u8()?;
        if head & !KNOWN_BITS != 0 {
            return None;
        }
        let flags = cursor.u8()?;
        let mut key = [0; KEY_BYTES];
        let key_bytes = if head & SHORT_KEY != 0 { SHORT_KEY_BYTES } else { KEY_BYTES };
        key.get_mut(..key_bytes)?.copy_from_slice(cursor.bytes(key_bytes)?);
        let stamp = cursor.u64()?;
        let version = cursor.varint()?;
        let expire_ms = if head & HAS_EXPIRE != 0 { cursor.varint()? } else { 0 };
        let user_key_len = cursor.varint_u32()? as usize;
        let mut inline_len = 0;
        let mut stored = None;
        match head & FORM_BITS {
            INLINE => inline_len = cursor.varint_u32()? as usize,
            LARGE => {
                let (len, raw_len, crc) = take_place(cursor)?;
                let offset = self.value_offset;
                self.value_offset = offset.checked_add(len).filter(|end| *end <= self.values_end)?;
                stored = Some(Pointer { segment: self.segment, offset, len, raw_len, crc });
            }
            STORED => {
                let (segment, offset) = (cursor.varint_u32()?, cursor.varint_u32()?);
                let (len, raw_len, crc) = take_place(cursor)?;
                stored = Some(Pointer { segment, offset, len, raw_len, crc });
            }
            _ => return None,
        }
        let kill = match head & HAS_KILL {
            0 => None,
            _ => Some(Kill { segment: cursor.varint_u32()?, len: cursor.varint_u32()? }),
        };
        tallies.clear();
        if head & HAS_TALLIES != 0 {
            for _ in 0..cursor.varint()? {
                let slot = u16::try_from(cursor.varint()?).ok()?;
                tallies.push(Tally { slot, lane: cursor.u8()?, delta: cursor.zigzag()? });
            }
        }
        let user_key = cursor.bytes(user_key_len)?;
        let inline = cursor.bytes(inline_len)?;
        Some(DecodedEntry {
            key: Key::from_bytes(&key),
            meta: Meta { stamp, version, expire_ms, flags },
            user_key,
            value: stored.map_or(Value::Inline(inline), Value::Stored),
            kill,
            tallies,
        })
    }
}
