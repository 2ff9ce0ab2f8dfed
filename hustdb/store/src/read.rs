//! What rows show to readers: live records of the very key that was asked for.

use hust_engine::{Fetch, Head, Key, Meta, Row, Seen};

use crate::{
    error::Result,
    record::{Record, Shown, is_live},
    store::Shared,
};

/// What a row shows to a reader of `key`. A row of another key with this md5 is not this key's.
pub(crate) fn show(shared: &Shared, key: &[u8], row: Option<Row>) -> Option<Record> {
    let row = row.filter(|row| row.user_key() == key && is_live_now(shared, &row.meta))?;
    Some(Record { shown: Shown::from(&row.meta), value: row.into_value() })
}

/// What a head shows to a reader of `key`.
pub(crate) fn show_head(shared: &Shared, key: &[u8], head: Option<Head>) -> Option<Shown> {
    let head = head.filter(|head| head.user_key() == key && is_live_now(shared, head.meta()))?;
    Some(Shown::from(head.meta()))
}

/// Shows the live record of `key`, whose row has `row_key`, where it lies, if that takes no disk access.
pub(crate) fn try_show<R>(
    shared: &Shared,
    row_key: &Key,
    key: &[u8],
    mut look: impl FnMut(&Shown, Seen<'_>) -> R,
) -> Result<Fetch<Option<R>>> {
    let fits = |meta: &Meta, user_key: &[u8]| user_key == key && is_live_now(shared, meta);
    Ok(shared.engine.try_show(row_key, fits, |meta, value| look(&Shown::from(meta), value))?)
}

/// Most records never expire: only the others need to know the time.
fn is_live_now(shared: &Shared, meta: &Meta) -> bool {
    let now_ms = if meta.expire_ms == 0 { 0 } else { shared.clock.now_ms() };
    is_live(meta, now_ms)
}
