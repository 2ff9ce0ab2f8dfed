//! `/hustdb/keys`: the records of one file, a page at a time.

use std::{ops::Range, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hust_store::{ListRequest, ListedRow, Listing, Start, Store};
use hust_wire::{Answer, Kind, Query, Refusal, Request, param::required};
use hyper::StatusCode;

use super::{Outcome, pooled};
use crate::refuse::refuse;

const OFFSET_MAX: u64 = 1_000_000;
const OFFSET_ASYNC_MAX: u64 = 100_000_000;
const SIZE_MAX: u64 = 1000;
const SLOTS: u64 = 1024;

/// Which columns of a row are shown.
#[derive(Clone, Copy, Debug)]
struct Columns {
    values: bool,
    stamps: bool,
}

/// `/hustdb/keys`
pub async fn keys(store: &Arc<Store>, request: &Request) -> Outcome {
    let query = request.query();
    let files = store.file_count() as u64;
    let file = required("file", query.unsigned_in("file", 0, files - 1)?)? as usize;
    let page = Paging::read(query)?;
    let columns = Columns {
        values: !query.boolean("noval")?.unwrap_or(true),
        stamps: query.boolean("stamps")?.unwrap_or(false),
    };
    if page.snapshot {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "snapshot", "none"));
    }
    let asked_for_cursor = page.cursor.is_some();
    let listing = pooled(store, move |store| {
        let start = page.cursor.as_deref().map_or(Start::Offset(page.offset), Start::Cursor);
        let request = ListRequest { file, slots: page.slots, start, size: page.size, values: columns.values };
        store.list(&request).map(|listing| render(listing, columns, asked_for_cursor))
    });
    listing.await.map_err(refuse)
}

/// The parameters that all listings share.
struct Paging {
    slots: Range<u16>,
    offset: usize,
    size: usize,
    cursor: Option<Vec<u8>>,
    snapshot: bool,
}

impl Paging {
    fn read(query: Query<'_>) -> Result<Paging, Refusal> {
        let start = query.unsigned_in("start", 0, SLOTS - 1)?.unwrap_or(0) as u16;
        let end = query.unsigned_in("end", 1, SLOTS)?.unwrap_or(SLOTS) as u16;
        if start >= end {
            return Err(Refusal::bad("start", "not below end"));
        }
        let snapshot = query.boolean("async")?.unwrap_or(false);
        let cursor = query.bytes("cursor")?.map(|cursor| cursor.into_owned());
        if snapshot && cursor.is_some() {
            return Err(Refusal::bad("cursor", "not with async"));
        }
        let offset_max = if snapshot { OFFSET_ASYNC_MAX } else { OFFSET_MAX };
        let offset = match &cursor {
            Some(_) => 0,
            None => required("offset", query.unsigned_in("offset", 0, offset_max)?)?,
        };
        let size = required("size", query.unsigned_in("size", 0, SIZE_MAX)?)?;
        Ok(Paging { slots: start..end, offset: offset as usize, size: size as usize, cursor, snapshot })
    }
}

fn render(listing: Listing, columns: Columns, asked_for_cursor: bool) -> Answer {
    let mut json = String::from("[");
    for (at, row) in listing.rows.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        render_row(&mut json, row, columns);
    }
    json.push(']');
    let cursor = listing.cursor.filter(|_| asked_for_cursor || listing.cut);
    Answer::ok(Kind::Json, json).with_listing(listing.rows.len() as u64, Some(0), cursor)
}

fn render_row(json: &mut String, listed: &ListedRow, columns: Columns) {
    let mut number = itoa::Buffer::new();
    json.push_str(r#"{"key":""#);
    BASE64_STANDARD.encode_string(listed.row.user_key(), json);
    if columns.values {
        json.push_str(r#"","val":""#);
        BASE64_STANDARD.encode_string(listed.row.value(), json);
    }
    json.push_str(r#"","ver":"#);
    json.push_str(number.format(listed.shown.version));
    if columns.stamps {
        json.push_str(r#","stamp":""#);
        json.push_str(number.format(listed.shown.stamp));
        json.push('"');
        if listed.shown.expire_ms != 0 {
            json.push_str(r#","expire":"#);
            json.push_str(number.format(listed.shown.expire_ms));
        }
    }
    json.push('}');
}
