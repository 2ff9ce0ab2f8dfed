//! `/hustdb/{keys hkeys smembers zrangebyrank zrangebyscore}`: rows of a file or a table, a page at a time.
//!
//! They differ in what is listed; paging and columns are the same. With `async=true` the rows come from a snapshot.

mod json;
mod paging;

use std::sync::Arc;

use hust_store::{Kind as Row, ListOf, ListRequest, Listing, SnapshotPage, SnapshotRequest, Start, Store};
use hust_wire::{Answer, Kind, Request, param::required};

use super::{Outcome, pooled};
use crate::refuse::refuse;
use json::{Columns, Rows};
pub use paging::window;
use paging::{From, Paging};

/// What is listed, to ask for on any thread.
#[derive(Clone, Debug)]
enum Of {
    File(usize),
    Table { kind: Row, name: String },
    Scores { name: String, min: i64, max: i64 },
}

impl Of {
    fn borrow(&self) -> ListOf<'_> {
        match self {
            Of::File(file) => ListOf::File(*file),
            Of::Table { kind, name } => ListOf::Table { kind: *kind, name: name.as_bytes() },
            Of::Scores { name, min, max } => ListOf::Scores { name: name.as_bytes(), min: *min, max: *max },
        }
    }
}

/// `/hustdb/keys`
pub async fn keys(store: &Arc<Store>, request: &Request) -> Outcome {
    let files = store.file_count() as u64;
    let file = required("file", request.query().unsigned_in("file", 0, files - 1)?)? as usize;
    list(store, request, Of::File(file), true).await
}

/// `/hustdb/hkeys smembers zrangebyrank`
pub async fn table(store: &Arc<Store>, request: &Request, kind: Row) -> Outcome {
    let name = required("tb", request.query().table("tb")?)?.into_owned();
    list(store, request, Of::Table { kind, name }, true).await
}

/// `/hustdb/zrangebyscore`
pub async fn scores(store: &Arc<Store>, request: &Request) -> Outcome {
    let query = request.query();
    let name = required("tb", query.table("tb")?)?.into_owned();
    let min = query.signed("min")?.unwrap_or(i64::MIN);
    let max = query.signed("max")?.unwrap_or(i64::MAX);
    list(store, request, Of::Scores { name, min, max }, false).await
}

/// Lists; `snapshots`: whether `async` is looked at.
async fn list(store: &Arc<Store>, request: &Request, of: Of, snapshots: bool) -> Outcome {
    let page = Paging::read(request.query(), snapshots)?;
    let columns = Columns::read(request.query())?;
    let answer = pooled(store, move |store| match page.from {
        From::Snapshot(offset) => from_snapshot(store, &of, &page, offset, columns),
        From::Offset(offset) => now(store, &of, &page, Start::Offset(offset), columns),
        From::Cursor(ref token) => now(store, &of, &page, Start::Cursor(token), columns),
    });
    answer.await.map_err(refuse)
}

fn now(
    store: &Store,
    of: &Of,
    page: &Paging,
    start: Start<'_>,
    columns: Columns,
) -> Result<Answer, hust_store::Error> {
    let asked_for_cursor = matches!(start, Start::Cursor(_));
    let (slots, size) = (page.slots.clone(), page.size);
    let request = ListRequest { of: of.borrow(), slots, start, size, values: columns.values };
    let mut rows = Rows::new(columns);
    let Listing { rows: shown, cursor, cut } = store.list(&request, &mut |row| rows.push(row))?;
    let cursor = cursor.filter(|_| asked_for_cursor || cut);
    Ok(Answer::ok(Kind::Json, rows.finish()).with_listing(shown as u64, Some(0), cursor))
}

fn from_snapshot(
    store: &Store,
    of: &Of,
    page: &Paging,
    offset: u64,
    columns: Columns,
) -> Result<Answer, hust_store::Error> {
    let (slots, size) = (page.slots.clone(), page.size as u64);
    let request = SnapshotRequest { of: of.borrow(), slots, offset, size, values: columns.values };
    let mut rows = Rows::new(columns);
    let SnapshotPage { rows: shown, total, cut } =
        store.list_snapshot(&request, &mut |row| rows.push(row))?;
    // Says that the page is not the last; where to go on is what a client knows already.
    let cursor = cut.then(|| (offset + shown).to_string());
    Ok(Answer::ok(Kind::Json, rows.finish()).with_listing(shown, Some(total), cursor))
}
