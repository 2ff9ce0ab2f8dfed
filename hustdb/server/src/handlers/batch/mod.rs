//! `/hustdb/{mput mget mdel}`: many records in one request, as JSON lines.
//!
//! A batch is read whole before anything is done, so a malformed line does nothing. Its items are then done in order,
//! in slices of bounded work between which other connections of the event loop have their turn; what would wait for
//! the disk goes to the pool, with the items after it, so that the order is kept. Writes are waited for only when all
//! are issued: they share the syncs.

mod item;
mod read;
mod write;

use std::sync::Arc;

use hust_store::Store;
use hust_wire::{Answer, Kind, Refusal, Request};

use self::{
    item::{Item, Purpose},
    read::Reads,
    write::Writes,
};
use super::{Outcome, pooled, written};
use crate::{node::Limits, refuse::refuse};

/// Content type of what is asked and answered.
pub const JSON_LINES: &str = "application/x-ndjson";
/// Items of a batch, at most.
pub const ITEMS_MAX: usize = 10_000;

/// Items of a slice, and the bytes after which it ends: well under a millisecond.
const SLICE_ITEMS: usize = 64;
const SLICE_BYTES: usize = 128 << 10;

/// `/hustdb/mput`
pub async fn mput(store: &Arc<Store>, request: &Request, limits: &Limits) -> Outcome {
    write(store, request, Purpose::Put { ttl_maximum_s: limits.ttl_maximum_s }).await
}

/// `/hustdb/mdel`
pub async fn mdel(store: &Arc<Store>, request: &Request) -> Outcome {
    write(store, request, Purpose::Delete).await
}

async fn write(store: &Arc<Store>, request: &Request, purpose: Purpose) -> Outcome {
    let deadline_ms = written::deadline(request)?;
    let items = items(store, request, purpose).await?;
    let writes = run(store, Writes::new(items, deadline_ms)).await?;
    Ok(Answer::ok(Kind::Other(JSON_LINES), writes.answer().await))
}

/// `/hustdb/mget`
pub async fn mget(store: &Arc<Store>, request: &Request) -> Outcome {
    let stamps = request.query().boolean("stamps")?.unwrap_or(false);
    let items = items(store, request, Purpose::Get).await?;
    let reads = run(store, Reads::new(items, stamps)).await?;
    Ok(Answer::ok(Kind::Other(JSON_LINES), reads.into_answer()))
}

/// The items of a request. A long body is read on the pool.
async fn items(store: &Arc<Store>, request: &Request, purpose: Purpose) -> Result<Vec<Item>, Refusal> {
    if request.body.len() <= SLICE_BYTES {
        return item::read(&request.body, purpose);
    }
    let body = request.body.clone();
    pooled(store, move |_| Ok(item::read(&body, purpose))).await.map_err(refuse)?
}

/// Where a slice is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On the event loop: nothing may wait for the disk.
    Loop,
    Pool,
}

/// How a slice ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Done,
    More,
    /// The next item needs the pool.
    Cold,
}

/// Items in work.
trait Work: Send + Sized + 'static {
    fn slice(&mut self, store: &Store, place: Place) -> Progress;
}

async fn run<W: Work>(store: &Arc<Store>, mut work: W) -> Result<W, Refusal> {
    loop {
        match work.slice(store, Place::Loop) {
            Progress::Done => return Ok(work),
            Progress::More => tokio::task::yield_now().await,
            Progress::Cold => {
                let slice = move |store: &Store| {
                    work.slice(store, Place::Pool);
                    Ok(work)
                };
                work = pooled(store, slice).await.map_err(refuse)?;
            }
        }
    }
}

/// Counts the work of a slice.
struct Budget {
    items: usize,
    bytes: usize,
}

impl Budget {
    fn new() -> Budget {
        Budget { items: SLICE_ITEMS, bytes: SLICE_BYTES }
    }

    /// Takes an item of this size; `false`: the slice ends with it.
    fn take(&mut self, bytes: usize) -> bool {
        self.items = self.items.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.items > 0 && self.bytes > 0
    }
}

/// Ends a line `{"status":` with the status and reason of a refusal.
fn push_refusal(lines: &mut String, refusal: &Refusal) {
    lines.push_str(itoa::Buffer::new().format(refusal.status.as_u16()));
    lines.push_str(r#","reason":"#);
    // Text always has a JSON form.
    lines.push_str(&serde_json::Value::String(refusal.line().trim_end().to_owned()).to_string());
    lines.push_str("}\n");
}

/// Continues a line with a member that is a number.
fn push_number(lines: &mut String, name: &str, number: impl itoa::Integer) {
    lines.push_str(name);
    lines.push_str(itoa::Buffer::new().format(number));
}
