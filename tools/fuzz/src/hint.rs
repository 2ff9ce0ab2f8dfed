//! A segment of hints: its pieces cover every byte once and in order, and each hint is written again as the same bytes.

use hust_wire::{
    frame::{Content, RecordRef, decode_one},
    hint::{FRAME_HEADER_BYTES, Found, HEADER_BYTES, Header, NOTED_BYTES, Scan, encode},
};

use crate::{MEND, frame, set_u32, u32_at};

const PAYLOAD_MAX_BYTES: usize = 1 << 20;
/// Where the reserved bytes of a header begin.
const RESERVED: usize = 20;

/// Reads the input after the mode as a segment.
pub fn hint(data: &[u8]) {
    let Some((mode, segment)) = data.split_first() else { return };
    let mut segment = segment.to_vec();
    if mode & MEND != 0 {
        mend(&mut segment);
    }
    // Where the header is damaged the rest is read all the same: reading may go on from any offset.
    if let Ok((header, scan)) = Scan::new(&segment, PAYLOAD_MAX_BYTES) {
        // What is reserved in it is not looked at.
        assert_eq!(segment.get(..RESERVED), header.encode().get(..RESERVED), "one way to write a header");
        assert!(scan.eq(Scan::from(&segment, 0, PAYLOAD_MAX_BYTES)));
    }
    let mut at = HEADER_BYTES.min(segment.len());
    let mut was_damage = false;
    let mut scan = Scan::from(&segment, at, PAYLOAD_MAX_BYTES);
    while let Some(found) = scan.next() {
        let begin = at;
        at = match found {
            Found::Hint { end, hint } => {
                assert_eq!(hint.record.check(Content::Whole), Ok(()));
                assert_eq!(decode_one(hint.frame), Ok(hint.record));
                let again = encode(hint.noted_ms, &hint.record).expect("what is read may be written");
                assert_eq!(segment.get(begin..end), Some(again.as_slice()), "one way to write a hint");
                assert!(again.len() - FRAME_HEADER_BYTES <= PAYLOAD_MAX_BYTES);
                end
            }
            Found::Damage { start, end } => {
                assert!(start == begin && end > begin && !was_damage, "a hint follows what is damaged");
                end
            }
            Found::Torn { start } => {
                assert!(start == begin && scan.next().is_none(), "nothing follows a torn end");
                segment.len()
            }
        };
        was_damage = matches!(found, Found::Damage { .. });
    }
    assert!(at == segment.len() && !was_damage);
}

/// Makes the checksums fit: that of the header, and of every frame that can be found by its length.
fn mend(segment: &mut [u8]) {
    if let Some(head) = segment.get(..HEADER_BYTES - 4) {
        let checksum = crc32fast::hash(head);
        set_u32(segment, HEADER_BYTES - 4, checksum);
    }
    let mut at = HEADER_BYTES;
    while let Some(length) = u32_at(segment, at + 4) {
        let begin = at + FRAME_HEADER_BYTES;
        let end = begin.saturating_add(length as usize).min(segment.len());
        let Some(payload) = segment.get_mut(begin..end) else { return };
        if let Some(record) = payload.get_mut(NOTED_BYTES..) {
            frame::mend(record);
        }
        let checksum = crc32fast::hash(payload);
        set_u32(segment, at + 8, checksum);
        at = end;
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let segment = |mode: u8, records: &[RecordRef<'_>]| {
        let mut bytes = vec![mode];
        bytes.extend(Header { created_ms: 1 << 40 }.encode());
        for (number, record) in records.iter().enumerate() {
            bytes.extend(encode(number as u64, record).expect("a legal record"));
        }
        bytes
    };
    let score = frame::score();
    let records = frame::records(&score);
    // A value that looks like a hint: reading must not go on inside it.
    let inner = encode(7, &records[0]).expect("a legal record");
    let nested = [RecordRef { value: &inner, ..records[0] }, records[1]];
    let mut torn = segment(0, &records);
    torn.truncate(torn.len() - 5);
    let mut seeds = vec![segment(0, &records), torn, segment(MEND, &nested), segment(MEND, &[])];
    seeds.extend(records.iter().map(|record| segment(MEND, &[*record, *record])));
    seeds
}
