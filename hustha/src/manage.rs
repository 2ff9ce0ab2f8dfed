//! The proxy's own commands: the table, the nodes, and what hustsync says.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use hust_wire::{
    Answer, Kind, Refusal, Request,
    client::{Call, Pool},
    health::State,
};
use hyper::{
    StatusCode,
    header::{ETAG, HeaderName, HeaderValue, IF_MATCH},
};
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    proxy::Proxy,
    show::{show, status, why},
    table::{Condition, InstallError},
};

static DRAINED: HeaderName = HeaderName::from_static("drained");
static ERROR_CODE: HeaderName = HeaderName::from_static("errorcode");

/// `/peer_count`
pub fn peer_count(proxy: &Proxy) -> Answer {
    Answer::ok(Kind::Text, proxy.tables.load().peers.len().to_string())
}

/// `/get_table`
pub fn get_table(proxy: &Proxy) -> Answer {
    let installed = proxy.tables.load();
    let answer = Answer::ok(Kind::Json, installed.file.clone());
    tagged(answer, &installed.etag, proxy.tables.is_drained())
}

fn tagged(answer: Answer, etag: &str, drained: bool) -> Answer {
    let drained = HeaderValue::from_static(if drained { "true" } else { "false" });
    let answer = answer.with_header(DRAINED.clone(), drained);
    match HeaderValue::try_from(format!("\"{etag}\"")) {
        Ok(etag) => answer.with_header(ETAG, etag),
        Err(_) => answer,
    }
}

/// `/set_table`
pub async fn set_table(proxy: &Arc<Proxy>, request: &Request) -> Result<Answer, Refusal> {
    let condition = match request.query().bytes("id")? {
        Some(id) => {
            proxy.ids.spend(&id, Instant::now()).map_err(|why| Refusal::bad("id", why))?;
            Condition::None
        }
        None if request.body.is_empty() => {
            let id = proxy.ids.issue(Instant::now()).map_err(|why| Refusal::unavailable("id", why))?;
            return Ok(Answer::ok(Kind::Binary, id));
        }
        None => simple(proxy, request)?,
    };
    let (shared, file) = (proxy.clone(), request.body.clone());
    let installed =
        proxy.keeper.spawn(async move { shared.installer.install(&shared.tables, file, condition).await });
    match installed.await.unwrap_or(Err(InstallError::Internal)) {
        Ok(etag) => {
            let drained = proxy.tables.drained(Instant::now() + proxy.drain_timeout).await;
            Ok(tagged(Answer::empty(StatusCode::OK), &etag, drained))
        }
        Err(error) => Ok(refuse(error)),
    }
}

/// The form without an id: only behind credentials, and only for one who knows which table it replaces.
fn simple(proxy: &Proxy, request: &Request) -> Result<Condition, Refusal> {
    if !proxy.asks_for_credentials.load(Relaxed) {
        let reason = "without an id only where security.user and security.password are set";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "set_table", reason));
    }
    let wanted = request.header(IF_MATCH.as_str()).ok_or_else(|| Refusal::bad("If-Match", "missing"))?;
    let wanted = std::str::from_utf8(wanted).map_err(|_| Refusal::bad("If-Match", "illegal"))?.trim();
    match wanted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(etag) => Ok(Condition::Etag(etag.to_owned())),
        None if wanted == "*" => Ok(Condition::None),
        None => Err(Refusal::bad("If-Match", "not a quoted ETag, nor *")),
    }
}

fn refuse(error: InstallError) -> Answer {
    let coded = |refusal: Refusal, code: &'static str| {
        Answer::from(refusal).with_header(ERROR_CODE.clone(), HeaderValue::from_static(code))
    };
    match error {
        InstallError::Table(error) => coded(Refusal::bad("table", error.to_string()), "3"),
        InstallError::Changed => {
            Refusal::new(StatusCode::PRECONDITION_FAILED, "If-Match", "another table is in force").into()
        }
        InstallError::Disk(cause) => {
            tracing::error!("the table was not written: {cause}");
            let status = match cause.kind() {
                std::io::ErrorKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            coded(Refusal::new(status, "table", cause.to_string().replace(['\r', '\n'], " ")), "2")
        }
        InstallError::Internal => {
            coded(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "table", "not installed"), "2")
        }
    }
}

/// One node in `/backends`.
#[derive(Serialize)]
struct Backend<'a> {
    peer: usize,
    host: &'a str,
    state: &'static str,
    behind: bool,
    debts: u64,
    hints: u64,
}

/// `/backends`
pub fn backends(proxy: &Proxy) -> Answer {
    let installed = proxy.tables.load();
    let peers = installed.peers.iter().enumerate();
    let rows: Vec<Backend<'_>> = peers
        .map(|(peer, node)| {
            let (view, (debts, hints)) = (node.view(), node.owed());
            let state = match view.state {
                State::Up => "up",
                State::Suspect => "suspect",
                State::Down => "down",
            };
            // Only what is up can be behind.
            let behind = view.behind && view.state == State::Up;
            Backend { peer, host: node.host.as_str(), state, behind, debts, hints }
        })
        .collect();
    Answer::ok(Kind::Json, serde_json::to_vec(&rows).unwrap_or_default())
}

/// `/sync_status`, `/sync_alive`: asked of hustsync.
pub async fn sync(proxy: &Proxy, pool: &Pool, path: &'static str) -> Answer {
    let unavailable = |why: String| Refusal::unavailable("sync", why).into();
    let call = match Call::get(path) {
        Ok(call) => call.timeout(proxy.keeper.health.timeout()),
        Err(failure) => return unavailable(why(&failure)),
    };
    match pool.call(&proxy.sync_host, &call).await {
        Ok(reply) if reply.status == StatusCode::OK => show(&reply),
        Ok(reply) => unavailable(status(&reply)),
        Err(failure) => unavailable(why(&failure)),
    }
}
