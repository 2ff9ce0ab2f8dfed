//! `keys`: the live records of one file, by md5, a page at a time.
//!
//! A page begins at an offset or at a cursor, a token for the key where the last page stopped. With a cursor the cost
//! is that of the page; an offset walks over the rows before, without their values. Only live records count. One row
//! more than asked is looked for, so the end is known when it is reached.

use std::ops::Range;

use hust_engine::{Direction, Key, Row};

use crate::{
    address::SLOTS,
    cursor,
    error::{Error, Result},
    kind::Kind,
    record::{self, Shown},
    store::Shared,
};

/// A page ends when its JSON would pass this, bytes.
const MAX_BODY_BYTES: usize = 32 << 20;
/// JSON around a row's key and value, at most.
const ROW_JSON_BYTES: usize = 128;
/// Bytes of keys and values read from the engine at a time.
const PAGE_BYTES: usize = 4 << 20;
/// Rows read from the engine at a time, at most; at least [`MIN_PAGE_ROWS`].
const MAX_PAGE_ROWS: usize = 1024;
const MIN_PAGE_ROWS: usize = 16;

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// After this many shown rows.
    Offset(usize),
    /// Where this token says; empty = at the beginning.
    Cursor(&'a [u8]),
}

/// Which records to list.
#[derive(Clone, Debug)]
pub struct ListRequest<'a> {
    /// The file, below [`Store::file_count`](crate::Store::file_count).
    pub file: usize,
    /// Slots to show.
    pub slots: Range<u16>,
    /// Where to begin.
    pub start: Start<'a>,
    /// Rows to show, at most.
    pub size: usize,
    /// Whether to give values.
    pub values: bool,
}

/// A listed record.
#[derive(Clone, Debug)]
pub struct ListedRow {
    /// The row as the engine gave it: the key, and the value if values were asked for; if not, do not look at it.
    pub row: Row,
    /// Version, stamp and expiry.
    pub shown: Shown,
}

/// A page of a listing.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The rows, in md5 order.
    pub rows: Vec<ListedRow>,
    /// Where to go on, if there is more.
    pub cursor: Option<String>,
    /// Whether the body limit ended the page before `size` rows: the cursor must be told even if none was asked for.
    pub cut: bool,
}

/// The page that `request` asks for.
pub(crate) fn list(shared: &Shared, request: &ListRequest<'_>) -> Result<Listing> {
    if request.file >= shared.file_count {
        return Err(Error::invalid("file", format!("not in 0..{}", shared.file_count - 1)));
    }
    let bounds = bounds(request.file, shared.file_count, &request.slots);
    let (from, skip) = match request.start {
        Start::Offset(offset) => (None, offset),
        Start::Cursor(b"") => (None, 0),
        Start::Cursor(token) => {
            let illegal = || Error::invalid("cursor", "illegal");
            let key = cursor::decode(token).ok_or_else(illegal)?;
            let inside = bounds.is_some_and(|(from, to)| from <= key && key <= to);
            (Some(inside.then_some(key).ok_or_else(illegal)?), 0)
        }
    };
    let mut page = Page::new(request, skip);
    if let Some((first, to)) = bounds {
        page.fill(shared, from.unwrap_or(first), to)?;
    }
    Ok(page.listing)
}

/// First and last possible key of a file's slots within the window.
fn bounds(file: usize, file_count: usize, slots: &Range<u16>) -> Option<(Key, Key)> {
    let slots_to = |file: usize| (file * usize::from(SLOTS)).div_ceil(file_count) as u16;
    let low = slots.start.max(slots_to(file));
    let high = slots.end.min(slots_to(file + 1));
    let bound = |slot: u16, fill: u8| {
        let mut md5 = [fill; 16];
        let [first, second] = (slot << 6).to_be_bytes();
        md5[0] = first;
        md5[1] = second | fill & 0x3f;
        md5
    };
    let table = Kind::Kv.table(0);
    (low < high).then(|| {
        let mut tail = [0xff; 20];
        tail[..16].copy_from_slice(&bound(high - 1, 0xff));
        (Key::hashed(table, bound(low, 0)), Key::new(table, tail))
    })
}

/// A page being filled.
struct Page {
    listing: Listing,
    size: usize,
    skip: usize,
    values: bool,
    body_bytes: usize,
}

impl Page {
    fn new(request: &ListRequest<'_>, skip: usize) -> Page {
        let listing = Listing { rows: Vec::new(), cursor: None, cut: false };
        Page { listing, size: request.size, skip, values: request.values, body_bytes: 2 }
    }

    fn fill(&mut self, shared: &Shared, mut from: Key, to: Key) -> Result<()> {
        let now_ms = shared.clock.now_ms();
        loop {
            let values = self.reads_values();
            let page = if values {
                shared.engine.page(from, to, Direction::Forward, self.wanted_rows(), PAGE_BYTES)?
            } else {
                shared.engine.page_without_values(from, to, Direction::Forward, self.wanted_rows())?
            };
            let mut next = page.next;
            for (key, row) in page.rows {
                if self.reads_values() != values {
                    // The last row to skip is behind: read on with values.
                    next = Some(key);
                    break;
                }
                if record::is_live(&row.meta, now_ms) && !self.take(key, row) {
                    return Ok(());
                }
            }
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }

    /// Whether the next row needs its value.
    fn reads_values(&self) -> bool {
        self.values && self.skip == 0
    }

    /// Rows to read next: those to skip; those to show and one more too, if they are read in the same way.
    fn wanted_rows(&self) -> usize {
        let shown = (self.size - self.listing.rows.len()).saturating_add(1);
        let shown = if self.reads_values() == self.values { shown } else { 0 };
        self.skip.saturating_add(shown).clamp(MIN_PAGE_ROWS, MAX_PAGE_ROWS)
    }

    /// Takes a live row; `false`: the page is full and goes on at this row.
    fn take(&mut self, key: Key, row: Row) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return true;
        }
        let full = self.listing.rows.len() >= self.size;
        let value_bytes = if self.values { row.value().len() } else { 0 };
        let base64 = |bytes: usize| bytes.div_ceil(3) * 4;
        let body_bytes =
            self.body_bytes + base64(row.user_key().len()) + base64(value_bytes) + ROW_JSON_BYTES;
        // A page has at least one row, or a great value would end the listing for ever.
        let cut = !full && body_bytes > MAX_BODY_BYTES && !self.listing.rows.is_empty();
        if full || cut {
            self.listing.cut = cut;
            self.listing.cursor = Some(cursor::encode(key));
            return false;
        }
        self.body_bytes = body_bytes;
        self.listing.rows.push(ListedRow { shown: Shown::from(&row.meta), row });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    #[test]
    fn a_file_within_a_window_is_a_range_of_keys() {
        for number in 0..500u32 {
            let address = Address::kv(&number.to_be_bytes());
            for file_count in [1usize, 8, 1024] {
                for file in [0, 1, 5, 7].into_iter().filter(|file| *file < file_count) {
                    for slots in [0..1024, 51..53, 127..600, 5..6] {
                        let inside = address.key.partition(file_count.ilog2()) == file
                            && slots.contains(&address.slot);
                        let bounds = bounds(file, file_count, &slots);
                        let within = bounds.is_some_and(|(from, to)| (from..=to).contains(&address.key));
                        assert_eq!(within, inside, "{number} {file}/{file_count} {slots:?}");
                    }
                }
            }
        }
        assert_eq!(bounds(0, 8, &(128..1024)), None);
        assert_eq!(bounds(7, 8, &(0..1024)).unwrap().1, Key::new(0, [0xff; 20]));
    }
}
