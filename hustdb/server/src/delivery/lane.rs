//! The task of one host.
//!
//! A pass goes over all debts of the host once, in batches, if its `/status.html` answers 200. Only a 200 settles. A
//! batch that the host cannot take because of what is in it is halved until the culprit is alone; anything else ends
//! the pass, and the whole host waits.

use std::sync::{
    Arc,
    atomic::Ordering::{Relaxed, Release},
};

use bytes::Bytes;
use hust_store::{Creditor, Debt, DebtBatch, Error, Owed, Store};
use hust_wire::{
    client::{Call, Pool, Reply},
    host::Host,
};
use hyper::StatusCode;
use parking_lot::Mutex;
use tokio::time::{Duration, Instant, timeout_at};

use super::{Delivery, Lane, WAITS, refused::Refused};
use crate::handlers::encode;

/// Records and bytes of a batch.
const BATCH_RECORDS: usize = 1000;
const BATCH_BYTES: usize = 4 << 20;
/// So many records in a row at which a host fails by itself mean that the host is what is wrong.
const BROKEN_MAX: u32 = 8;
/// How long a host may take to say whether it is up.
const STATUS_TIMEOUT: Duration = Duration::from_secs(5);
/// What is read of an answer.
const ANSWER_MAX_BYTES: usize = 64 << 10;

/// Sends until nothing is owed any more.
pub async fn run(
    delivery: Delivery,
    store: Arc<Store>,
    pool: Arc<Mutex<Pool>>,
    creditor: Creditor,
    lane: Arc<Lane>,
) {
    let Ok(host) = creditor.name().parse::<Host>() else {
        // Noted by a node that knew more spellings. Its debts end with their time-out.
        tracing::error!(host = creditor.name(), "no legal host is owed to");
        delivery.leave(&creditor, &lane);
        return;
    };
    let mut sender = Sender { delivery, store, pool, creditor, host, refused: Refused::default() };
    let mut backoff = WAITS;
    loop {
        lane.pending.store(false, Release);
        match sender.pass().await {
            Ok(met) => {
                backoff.reset();
                match sender.refused.end_pass() {
                    Some(due) => drop(timeout_at(due, lane.notify.notified()).await),
                    // Debts that came behind the pass are for the next one.
                    None if met && sender.creditor.open() > 0 => {}
                    None if sender.delivery.leave(&sender.creditor, &lane) => return,
                    None => {}
                }
            }
            Err(cause) => {
                let host = sender.creditor.name();
                if backoff.is_fresh() {
                    tracing::warn!(host, cause, "what is owed cannot be delivered now");
                }
                sender.delivery.0.counters.failures.fetch_add(1, Relaxed);
                tokio::time::sleep(backoff.after_failure()).await;
            }
        }
    }
}

struct Sender {
    delivery: Delivery,
    store: Arc<Store>,
    pool: Arc<Mutex<Pool>>,
    creditor: Creditor,
    host: Host,
    refused: Refused,
}

impl Sender {
    /// One pass over all debts; whether there were any, or why it ended early.
    async fn pass(&mut self) -> Result<bool, String> {
        if self.creditor.open() == 0 {
            return Ok(false);
        }
        self.check_up().await?;
        let (mut after, mut met) = (None, false);
        loop {
            let creditor = self.creditor.clone();
            let read =
                self.blocking(move |store| store.debts().batch(&creditor, after, BATCH_RECORDS, BATCH_BYTES));
            let DebtBatch { mut owed, gone, last } = read.await?;
            met |= !owed.is_empty() || !gone.is_empty();
            self.settle(gone).await?;
            let now = Instant::now();
            owed.retain(|owed| self.refused.is_due(&owed.debt, now));
            self.send(owed).await?;
            match last {
                // What is behind is settled; there is no need to look at all of it.
                Some(_) if self.creditor.open() > 0 => after = last,
                _ => return Ok(met),
            }
        }
    }

    async fn check_up(&self) -> Result<(), String> {
        let call = Call::get("/status.html").map_err(|failure| failure.to_string())?;
        let reply = self.call(&call.timeout(STATUS_TIMEOUT).idempotent()).await?;
        if reply.status == StatusCode::OK { Ok(()) } else { Err(format!("status.html: {}", reply.status)) }
    }

    /// Sends records, in parts if need be, until each is settled or refused by itself.
    async fn send(&mut self, owed: Vec<Owed>) -> Result<(), String> {
        let (mut parts, mut broken) = (vec![owed], 0);
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let body = part.iter().map(|owed| owed.record.replica());
            let (_, body) = encode(body, true).map_err(|refusal| refusal.line())?;
            let reply = self.post(body.into()).await?;
            match reply.status {
                StatusCode::OK => {
                    broken = 0;
                    let counters = &self.delivery.0.counters;
                    counters.batches.fetch_add(1, Relaxed);
                    counters.delivered.fetch_add(part.len() as u64, Relaxed);
                    self.settle(part.into_iter().map(|owed| owed.debt).collect()).await?;
                }
                // It is about what is in the batch, not about the host.
                StatusCode::BAD_REQUEST
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::INTERNAL_SERVER_ERROR => match part.len() {
                    1 => {
                        broken += u32::from(reply.status == StatusCode::INTERNAL_SERVER_ERROR);
                        if broken > BROKEN_MAX {
                            return Err(format!("merge: {} {}", reply.status, line(&reply)));
                        }
                        self.refuse(&part, &reply);
                    }
                    many => {
                        let half = part.split_off(many / 2);
                        parts.extend([half, part]);
                    }
                },
                status => return Err(format!("merge: {status} {}", line(&reply))),
            }
        }
        Ok(())
    }

    fn refuse(&mut self, part: &[Owed], reply: &Reply) {
        for owed in part {
            self.delivery.0.counters.refused.fetch_add(1, Relaxed);
            if self.refused.add(owed.debt, Instant::now()) {
                let (host, replica) = (self.creditor.name(), owed.record.replica());
                let (table, key) = (replica.table.escape_ascii(), replica.key.escape_ascii().take(200));
                let (table, key) = (table.to_string(), key.map(char::from).collect::<String>());
                let (status, reason) = (reply.status.as_u16(), line(reply));
                tracing::warn!(host, table, key, status, reason, "a record is refused; it stays owed");
            }
        }
    }

    async fn post(&self, body: Bytes) -> Result<Reply, String> {
        let call = Call::post("/hustdb/merge", body).map_err(|failure| failure.to_string())?;
        self.call(&call.idempotent()).await
    }

    async fn call(&self, call: &Call) -> Result<Reply, String> {
        let pool = self.pool.lock().clone();
        let call = call.clone().answer_max_bytes(ANSWER_MAX_BYTES);
        pool.call(&self.host, &call).await.map_err(|failure| failure.to_string())
    }

    async fn settle(&mut self, debts: Vec<Debt>) -> Result<(), String> {
        if debts.is_empty() {
            return Ok(());
        }
        self.refused.settle(&debts);
        let creditor = self.creditor.clone();
        self.blocking(move |store| store.debts().settle(&creditor, &debts)).await
    }

    /// Does what may wait for the disk beside the event loop.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, String> {
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(cause) => Err(cause.to_string()),
        }
    }
}

/// The reason a host gives.
fn line(reply: &Reply) -> String {
    let start = reply.body.get(..reply.body.len().min(200)).unwrap_or_default();
    String::from_utf8_lossy(start).trim_end().to_owned()
}
