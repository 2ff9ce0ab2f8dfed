//! `/hustdb/{export task_status task_info}`: snapshots of listings.

use hust_store::{ExportOf, ExportRequest, SnapshotInfo, SnapshotSubject, Store};
use hust_wire::{Answer, Kind, Refusal, Request, param::required};

use super::{Outcome, window::window};
use crate::refuse::refuse;

const OFFSET_MAX: u64 = 100_000_000;
const SIZE_MAX: u64 = 1_000_000;

/// `/hustdb/export`
pub fn export(store: &Store, request: &Request) -> Outcome {
    let query = request.query();
    let name = query.table("tb")?;
    let of = match &name {
        Some(name) => ExportOf::Table(name.as_bytes()),
        None => {
            let files = store.file_count() as u64;
            let file = query.unsigned_in("file", 0, files - 1)?;
            ExportOf::File(file.ok_or_else(|| Refusal::bad("tb", "missing, and file too"))? as usize)
        }
    };
    let slots = window(query)?;
    let offset = query.unsigned_in("offset", 0, OFFSET_MAX)?;
    let size = query.unsigned_in("size", 0, SIZE_MAX)?;
    if offset.is_some() && size.is_none() || offset.unwrap_or(0) > 0 && size == Some(0) {
        return Err(Refusal::bad("size", "missing with offset"));
    }
    let request = ExportRequest {
        of,
        slots,
        values: !query.boolean("noval")?.unwrap_or(true),
        offset: offset.unwrap_or(0),
        size: size.unwrap_or(0),
        cover: query.boolean("cover")?.unwrap_or(false),
    };
    let token = store.export(&request).map_err(refuse)?;
    Ok(Answer::ok(Kind::Text, token.to_string()))
}

/// `/hustdb/task_status`: a digit.
pub fn task_status(store: &Store, request: &Request) -> Outcome {
    let token = required("token", request.query().bytes("token")?)?;
    let digits = token.iter().all(u8::is_ascii_digit);
    let token = std::str::from_utf8(&token).ok().filter(|_| digits).and_then(|token| token.parse().ok());
    let status = token.map_or(hust_store::TaskStatus::Unknown, |token| store.export_status(token));
    Ok(Answer::ok(Kind::Text, (status as u8).to_string()))
}

/// `/hustdb/task_info`: with `list=true` the snapshots too.
pub fn task_info(store: &Store, request: &Request) -> Outcome {
    let counts = store.export_counts();
    let mut json =
        format!(r#"{{"undo":"{}","doning":{},"done":{}"#, counts.queued, counts.running, counts.finished);
    if request.query().boolean("list")?.unwrap_or(false) {
        let snapshots: Vec<String> = store.snapshots().iter().map(told).collect();
        json.push_str(&format!(r#","snapshots":[{}]"#, snapshots.join(",")));
    }
    json.push('}');
    Ok(Answer::ok(Kind::Json, json))
}

fn told(snapshot: &SnapshotInfo) -> String {
    let SnapshotInfo { token, subject, slots, values, bytes } = snapshot;
    let of = match subject {
        SnapshotSubject::File(file) => format!(r#""file":{file}"#),
        // Names of tables have no character that JSON would escape.
        SnapshotSubject::Table(name) => format!(r#""tb":"{}""#, String::from_utf8_lossy(name)),
    };
    let (start, end, noval) = (slots.start, slots.end, !values);
    format!(r#"{{"token":"{token}",{of},"start":{start},"end":{end},"noval":{noval},"bytes":{bytes}}}"#)
}
