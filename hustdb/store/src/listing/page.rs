//! A page being filled: rows to pass over, rows to show, and when it is full.

use std::sync::atomic::{AtomicBool, Ordering};

use hust_engine::{Key, Lent, LentValue, Meta};

use super::{ListedRow, ListedValue, Listing, place::Place};
use crate::{
    error::{Error, Result},
    kind::Kind,
    record::{Shown, is_live},
    write::score_of,
};

/// Rows not yet in tables that are copied at a time: between these.
const COPIED_MIN: usize = 16;
const COPIED_MAX: usize = 1024;

/// Where a page begins and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageLimits {
    /// Rows to pass over.
    pub skip: usize,
    /// Rows to show.
    pub size: usize,
    /// Bytes of JSON.
    pub body_bytes: usize,
}

/// How the rows of a section are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style<'s> {
    /// What record a row is part of.
    pub kind: Kind,
    /// The name of the table, if it is told.
    pub table: Option<&'s [u8]>,
    /// What the place of a row needs: see [`Place`].
    pub name_md5: Option<[u8; 16]>,
}

/// What to do after a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Go on with the next row.
    Next,
    /// Go on from this key, which lies behind.
    Seek(Key),
    /// The page is full.
    Full,
}

/// See the module.
pub(crate) struct Page<'p> {
    now_ms: u64,
    values: bool,
    limits: PageLimits,
    body_bytes: usize,
    listing: Listing,
    show: &'p mut dyn FnMut(&ListedRow<'_>) -> Result<()>,
    stop: Option<&'p AtomicBool>,
}

impl<'p> Page<'p> {
    /// An empty page that hands its rows to `show`.
    pub(crate) fn new(
        now_ms: u64,
        values: bool,
        limits: PageLimits,
        show: &'p mut dyn FnMut(&ListedRow<'_>) -> Result<()>,
    ) -> Page<'p> {
        // The brackets.
        Page { now_ms, values, limits, body_bytes: 2, listing: Listing::default(), show, stop: None }
    }

    /// The same, given up once `stop` is set.
    pub(crate) fn until(mut self, stop: &'p AtomicBool) -> Page<'p> {
        self.stop = Some(stop);
        self
    }

    /// How it ended.
    pub(crate) fn finish(self) -> Listing {
        self.listing
    }

    /// How many rows that are not in tables to look at at a time.
    pub(crate) fn copied(&self) -> usize {
        let shown = (self.limits.size - self.listing.rows).saturating_add(1);
        self.limits.skip.saturating_add(shown).clamp(COPIED_MIN, COPIED_MAX)
    }

    /// Whether a row counts.
    pub(crate) fn counts(&self, meta: &Meta) -> Result<bool> {
        match self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(Error::Busy("closing")),
            _ => Ok(is_live(meta, self.now_ms)),
        }
    }

    /// Takes a row that counts.
    pub(crate) fn take(&mut self, lent: &Lent<'_>, style: &Style<'_>) -> Result<Flow> {
        if self.limits.skip > 0 {
            self.limits.skip -= 1;
            return Ok(Flow::Next);
        }
        let value_len = if self.values { lent.value_len() } else { 0 };
        let row_bytes = ListedRow::json_bytes(lent.user_key().len(), value_len);
        let full = self.listing.rows >= self.limits.size;
        // A page has at least one row, or a great value would end the listing for ever.
        let cut = !full
            && self.listing.rows > 0
            && self.body_bytes.saturating_add(row_bytes) > self.limits.body_bytes;
        if full || cut {
            self.listing.cut = cut;
            self.listing.cursor = Some(Place { key: lent.key(), name_md5: style.name_md5 }.encode());
            return Ok(Flow::Full);
        }
        match style.kind {
            Kind::Zset if self.values => {
                let score = lent.key().tail().first_chunk::<8>().and_then(|bytes| score_of(bytes));
                let score = score.ok_or(Error::Damaged("a stored score"))?;
                self.show(lent.meta(), lent.user_key(), ListedValue::Score(score), style)
            }
            Kind::Kv | Kind::Hash if self.values => self.show_value(lent, style),
            _ => self.show(lent.meta(), lent.user_key(), ListedValue::None, style),
        }
    }

    fn show_value(&mut self, lent: &Lent<'_>, style: &Style<'_>) -> Result<Flow> {
        match lent.value()? {
            LentValue::Inline(value) => {
                self.show(lent.meta(), lent.user_key(), ListedValue::Bytes(value), style)
            }
            LentValue::Stored(value) => {
                self.show(lent.meta(), lent.user_key(), ListedValue::Bytes(&value), style)
            }
            // Written again since it was found: shown as it is now.
            LentValue::Moved(Some(row)) if is_live(&row.meta, self.now_ms) => {
                self.show(&row.meta, row.user_key(), ListedValue::Bytes(row.value()), style)
            }
            LentValue::Moved(_) => Ok(Flow::Next),
        }
    }

    fn show(&mut self, meta: &Meta, key: &[u8], value: ListedValue<'_>, style: &Style<'_>) -> Result<Flow> {
        let value_len = if let ListedValue::Bytes(bytes) = value { bytes.len() } else { 0 };
        self.body_bytes = self.body_bytes.saturating_add(ListedRow::json_bytes(key.len(), value_len));
        self.listing.rows += 1;
        let table = style.table.map(|name| (name, style.kind));
        (self.show)(&ListedRow { key, value, shown: Shown::from(meta), table })?;
        Ok(Flow::Next)
    }
}
