//! A segment of hints, as it is replayed: its pieces cover every byte once and in order, each hint is written again as
//! the same bytes, and neither where reading began, nor how much came at a time, nor whether the segment may still grow
//! changes what is read.

use std::io;

use hust_wire::{
    frame::{Content, RecordRef, decode_one},
    hint::{
        FRAME_HEADER_BYTES, Growth, HEADER_BYTES, Header, NOTED_BYTES, Piece, Reader, Source, encode, header,
    },
};

use crate::{MEND, frame, set_u32, u32_at};

const PAYLOAD_MAX_BYTES: usize = 1 << 20;
/// Where the reserved bytes of a header begin.
const RESERVED: usize = 20;

/// A segment that comes a few bytes at a time.
struct Trickle<'a> {
    segment: &'a [u8],
    at_most_bytes: usize,
}

impl Source for Trickle<'_> {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let room = into.len().min(self.at_most_bytes);
        self.segment.read_at(&mut into[..room], offset)
    }
}

/// Reads the input after the mode as a segment.
pub fn hint(data: &[u8]) {
    let Some((mode, segment)) = data.split_first() else { return };
    let mut segment = segment.to_vec();
    if mode & MEND != 0 {
        mend(&mut segment);
    }
    let segment = segment.as_slice();
    // Where the header is damaged the rest is read all the same, as it is in a replay.
    if let Some(Ok(header)) = header(&segment).expect("memory does not fail") {
        // What is reserved in it is not looked at.
        assert_eq!(segment.get(..RESERVED), header.encode().get(..RESERVED), "one way to write a header");
    }
    let pieces = pieces(segment, HEADER_BYTES, Growth::Closed);
    cover(segment, &pieces);

    let trickle = Trickle { segment, at_most_bytes: 1 + usize::from(mode >> 1) };
    assert_eq!(read(trickle, segment.len(), HEADER_BYTES, Growth::Closed), pieces, "a few bytes at a time");
    let begun = pieces.iter().enumerate().filter_map(|(number, piece)| match piece {
        Piece::Hint { end, .. } | Piece::Damage { end } => Some((number + 1, *end as usize)),
        _ => None,
    });
    // Of all offsets that a replay may go on from, the one in the middle.
    let begun: Vec<(usize, usize)> = begun.collect();
    if let Some(&(done, at)) = begun.get(begun.len() / 2) {
        assert_eq!(self::pieces(segment, at, Growth::Closed), pieces[done..], "from {at} on");
    }
    growing(segment, &pieces);
}

/// The pieces of a segment from an offset on.
fn pieces(segment: &[u8], from: usize, growth: Growth) -> Vec<Piece> {
    read(segment, segment.len(), from, growth)
}

fn read(source: impl Source, length_bytes: usize, from: usize, growth: Growth) -> Vec<Piece> {
    let mut reader = Reader::new(source, from as u64, length_bytes as u64, growth, PAYLOAD_MAX_BYTES);
    let mut pieces = Vec::new();
    loop {
        match reader.read().expect("memory does not fail") {
            Piece::End => return pieces,
            torn @ Piece::Torn { .. } => {
                pieces.push(torn);
                return pieces;
            }
            piece => pieces.push(piece),
        }
    }
}

/// Checks the pieces of a closed segment against its bytes.
fn cover(segment: &[u8], pieces: &[Piece]) {
    let length_bytes = segment.len() as u64;
    let mut reader =
        Reader::new(segment, HEADER_BYTES as u64, length_bytes, Growth::Closed, PAYLOAD_MAX_BYTES);
    let mut at = HEADER_BYTES.min(segment.len());
    let mut was_damage = false;
    for piece in pieces {
        assert_eq!(reader.read().expect("memory does not fail"), *piece);
        let begin = at;
        at = match *piece {
            Piece::Hint { end, noted_ms } => {
                let record = decode_one(reader.frame()).expect("a hint is a legal record");
                assert_eq!(record.check(Content::Whole), Ok(()));
                let again = encode(noted_ms, &record).expect("what is read may be written");
                assert_eq!(segment.get(begin..end as usize), Some(&again[..]), "one way to write a hint");
                assert!(again.len() - FRAME_HEADER_BYTES <= PAYLOAD_MAX_BYTES);
                end as usize
            }
            Piece::Damage { end } => {
                assert!(end as usize > begin && !was_damage, "a hint or the end follows what is damaged");
                end as usize
            }
            Piece::Torn { start } => {
                assert!(start as usize == begin && !was_damage, "what is torn is no part of what is damaged");
                segment.len()
            }
            Piece::End => unreachable!("the end is no piece"),
        };
        was_damage = matches!(piece, Piece::Damage { .. });
    }
    assert_eq!(at, segment.len());
    assert_eq!(reader.read().expect("memory does not fail"), Piece::End);
}

/// Checks that a segment that may still grow has the same pieces as one that does not, up to where it is torn.
fn growing(segment: &[u8], closed: &[Piece]) {
    let open = pieces(segment, HEADER_BYTES, Growth::Open);
    let Some((Piece::Torn { start }, whole)) = open.split_last() else {
        assert_eq!(open, closed);
        return;
    };
    assert_eq!(whole, &closed[..whole.len()]);
    let read_to = whole.iter().fold(HEADER_BYTES as u64, |at, piece| match piece {
        Piece::Hint { end, .. } | Piece::Damage { end } => *end,
        Piece::Torn { .. } | Piece::End => at,
    });
    assert_eq!(*start, read_to, "nothing is passed that may become whole");
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
