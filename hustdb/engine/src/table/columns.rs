//! The fixed-width part of a block's rows: eleven columns, each a base and a delta of 0 to 8 bytes.
//!
//! The deltas of one row stand together in a record, so that a hit touches one cache line for all of them, while a
//! column that is constant in a block costs nothing.

use super::layout::{u8_at, u32_at, u64_at};
use crate::{Meta, Pointer};

/// Number of columns.
pub(super) const COLUMNS: usize = 11;
/// Where the widths stand in a block's head.
pub(super) const WIDTHS_AT: usize = 48;

const START: usize = 0;
const KIND: usize = 1;
const KEY_LEN: usize = 2;
const STAMP: usize = 3;
const VERSION: usize = 4;
const EXPIRE: usize = 5;
const SEGMENT: usize = 6;
const OFFSET: usize = 7;
const LEN: usize = 8;
const RAW_LEN: usize = 9;
const CRC: usize = 10;

/// Bit of the kind column: the value is in the content log. Above it are the row's flags.
const STORED: u64 = 1;

/// The fixed-width part of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where the row's payload starts in the block's.
    pub start: u32,
    pub key_len: u32,
    pub meta: Meta,
    pub pointer: Option<Pointer>,
}

impl Record {
    fn numbers(&self) -> [u64; COLUMNS] {
        let kind = u64::from(self.meta.flags) << 1 | u64::from(self.pointer.is_some());
        let mut numbers = [0; COLUMNS];
        numbers[START] = u64::from(self.start);
        numbers[KIND] = kind;
        numbers[KEY_LEN] = u64::from(self.key_len);
        numbers[STAMP] = self.meta.stamp;
        numbers[VERSION] = self.meta.version;
        numbers[EXPIRE] = self.meta.expire_ms;
        if let Some(pointer) = self.pointer {
            numbers[SEGMENT] = u64::from(pointer.segment);
            numbers[OFFSET] = u64::from(pointer.offset);
            numbers[LEN] = u64::from(pointer.len);
            numbers[RAW_LEN] = u64::from(pointer.raw_len);
            numbers[CRC] = u64::from(pointer.crc);
        }
        numbers
    }
}

/// Widths and bases for a set of records.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plan {
    widths: [u8; COLUMNS],
    bases: [u64; COLUMNS],
}

impl Plan {
    /// The narrowest columns that hold `records`.
    pub fn of(records: &[Record]) -> Plan {
        let (mut low, mut high) = ([u64::MAX; COLUMNS], [0; COLUMNS]);
        for record in records {
            let numbers = record.numbers();
            let used = if record.pointer.is_some() { COLUMNS } else { SEGMENT };
            for column in 0..used {
                low[column] = low[column].min(numbers[column]);
                high[column] = high[column].max(numbers[column]);
            }
        }
        let mut plan = Plan::default();
        for column in 0..COLUMNS {
            if low[column] <= high[column] {
                plan.bases[column] = if column == START { 0 } else { low[column] };
                let bits = u64::BITS - (high[column] - plan.bases[column]).leading_zeros();
                plan.widths[column] = bits.div_ceil(8) as u8;
            }
        }
        plan
    }

    /// Bytes of a record.
    pub fn stride(&self) -> usize {
        self.widths.iter().map(|&width| usize::from(width)).sum()
    }

    /// The part of the block head that says widths and bases.
    pub fn encode_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.widths);
        out.push(0);
        out.extend_from_slice(&(self.bases[KEY_LEN] as u32).to_le_bytes());
        for column in STAMP..=EXPIRE {
            out.extend_from_slice(&self.bases[column].to_le_bytes());
        }
        for column in SEGMENT..=CRC {
            out.extend_from_slice(&(self.bases[column] as u32).to_le_bytes());
        }
        out.extend_from_slice(&(self.bases[KIND] as u32).to_le_bytes());
    }

    /// Appends a record.
    pub fn encode_record(&self, record: &Record, out: &mut Vec<u8>) {
        let used = if record.pointer.is_some() { COLUMNS } else { SEGMENT };
        for (column, number) in record.numbers().into_iter().enumerate() {
            let delta = if column < used { number - self.bases[column] } else { 0 };
            out.extend(delta.to_le_bytes().into_iter().take(usize::from(self.widths[column])));
        }
    }
}

/// The columns of one block as they lie in the file. `head` is the block's head, `records` goes on for at least eight
/// bytes behind the last record.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub head: &'a [u8],
    pub records: &'a [u8],
    pub stride: usize,
}

impl Columns<'_> {
    /// Whether the widths are possible and add up to the stride.
    pub fn are_sound(&self) -> bool {
        let widths = self.head.get(WIDTHS_AT..WIDTHS_AT + COLUMNS).unwrap_or_default();
        widths.len() == COLUMNS
            && widths.iter().all(|&width| width <= 8)
            && widths.iter().map(|&width| usize::from(width)).sum::<usize>() == self.stride
    }

    /// The delta of the next column, whose bytes begin at `at`.
    #[inline(always)]
    fn delta(&self, column: usize, at: &mut usize) -> u64 {
        let width = usize::from(u8_at(self.head, WIDTHS_AT + column)).min(8);
        let word = u64_at(self.records, *at);
        *at += width;
        if width == 0 { 0 } else { word & (u64::MAX >> (64 - 8 * width)) }
    }

    /// Where the payload of `row` starts.
    #[inline(always)]
    pub fn start(&self, row: usize) -> u64 {
        self.delta(START, &mut (row * self.stride))
    }

    /// The record of `row`.
    #[inline]
    pub fn record(&self, row: usize) -> Record {
        let mut at = row * self.stride;
        let start = self.delta(START, &mut at) as u32;
        let kind = u64::from(u32_at(self.head, 108)).wrapping_add(self.delta(KIND, &mut at));
        let key_len = u32_at(self.head, 60).wrapping_add(self.delta(KEY_LEN, &mut at) as u32);
        let meta = Meta {
            stamp: u64_at(self.head, 64).wrapping_add(self.delta(STAMP, &mut at)),
            version: u64_at(self.head, 72).wrapping_add(self.delta(VERSION, &mut at)),
            expire_ms: u64_at(self.head, 80).wrapping_add(self.delta(EXPIRE, &mut at)),
            flags: (kind >> 1) as u8,
        };
        let pointer = (kind & STORED != 0).then(|| self.pointer(at));
        Record { start, key_len, meta, pointer }
    }

    fn pointer(&self, mut at: usize) -> Pointer {
        let mut next =
            |column, base| u32_at(self.head, base).wrapping_add(self.delta(column, &mut at) as u32);
        Pointer {
            segment: next(SEGMENT, 88),
            offset: next(OFFSET, 92),
            len: next(LEN, 96),
            raw_len: next(RAW_LEN, 100),
            crc: next(CRC, 104),
        }
    }
}
