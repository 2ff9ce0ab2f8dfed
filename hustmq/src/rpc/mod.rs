//! Calls from one client to another: `/do_get` asks, a worker at `/do_post` answers. No node takes part.
//!
//! [`Board`] decides; it stands behind one lock, held only for a decision, since a caller and its worker may be on
//! different threads. What runs here waits: a caller for its result, a worker for a task. Dropping either (the client
//! hung up) takes it off the board. A task on its way to a worker is a [`Delivery`]: whoever drops that before the
//! worker has it gives the task back.

mod board;
mod by_queue;
mod delivery;
mod token;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hust_wire::{Answer, Kind, Refusal, Request, param::required};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};
use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout_at},
};

use self::{
    board::{Board, Counts, Job, Late, Refused, TaskId, WorkerId},
    delivery::Delivery,
    token::Token,
};
use crate::config::RpcConfig;

/// The largest task or result.
const BODY_MAX_BYTES: usize = 8 << 20;

static QUEUE: HeaderName = HeaderName::from_static("queue");
static TOKEN: HeaderName = HeaderName::from_static("token");

/// All calls of this front.
#[derive(Debug)]
pub struct Rpc {
    board: Mutex<Board<Caller, Seat>>,
    /// How long a task waits for a worker, and for its result.
    patience: Duration,
    /// How long a worker waits.
    post_timeout: Duration,
    /// A claimed task ended while we drain.
    ended: Notify,
}

/// Leads to a caller.
type Caller = oneshot::Sender<Verdict>;
/// Leads to a parked worker.
type Seat = oneshot::Sender<Option<Delivery>>;

/// How a call ends other than by its own time.
#[derive(Debug)]
enum Verdict {
    Result(Bytes),
    Late,
    Draining,
}

/// A call, off the board when dropped.
struct Calling<'a> {
    rpc: &'a Rpc,
    task: TaskId,
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.rpc.board.lock().abandon(self.task);
        self.rpc.ended.notify_waiters();
    }
}

/// A parked worker, off the board when dropped.
struct Parked<'a> {
    rpc: &'a Rpc,
    worker: WorkerId,
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.rpc.board.lock().leave(self.worker);
    }
}

impl Rpc {
    /// No calls yet.
    pub fn new(config: &RpcConfig) -> Rpc {
        let patience = Duration::from_millis(config.get_timeout_ms);
        Rpc {
            board: Mutex::new(Board::new(config.cache_size, patience)),
            patience,
            post_timeout: Duration::from_millis(config.post_timeout_ms),
            ended: Notify::new(),
        }
    }

    /// `/do_get`: a call, until its result is there.
    pub async fn call(self: &Arc<Rpc>, request: &Request) -> Result<Answer, Refusal> {
        let queue = required("queue", request.query().table("queue")?)?;
        let arguments = body(request)?;
        let (caller, mut verdict) = oneshot::channel();
        let now = Instant::now();
        let called = self.board.lock().call(&queue, arguments, caller, now, random_token);
        let (task, handed) = called.map_err(refuse)?;
        let _calling = Calling { rpc: self, task };
        if let Some((seat, job)) = handed {
            self.hand(seat, job);
        }
        let mut until = now + self.patience;
        loop {
            let told = match timeout_at(until, &mut verdict).await {
                Ok(told) => told,
                Err(_) => {
                    let late = self.board.lock().late(task, Instant::now());
                    match late {
                        Late::Until(later) => {
                            until = later;
                            continue;
                        }
                        Late::Ended => Ok(Verdict::Late),
                        Late::Gone => (&mut verdict).await,
                    }
                }
            };
            return match told {
                Ok(Verdict::Result(result)) => Ok(Answer::ok(Kind::Text, result)),
                Ok(Verdict::Draining) => Err(Refusal::unavailable("call", "draining")),
                Ok(Verdict::Late) | Err(_) => Err(late("call", "no result in time")),
            };
        }
    }

    /// `/do_post`: a worker, with a result or for a task.
    pub async fn work(self: &Arc<Rpc>, request: &mut Request) -> Result<Answer, Refusal> {
        match request.query().bytes("token")? {
            Some(token) => self.answer(&token, body(request)?),
            None => self.wait_for_task(request).await,
        }
    }

    fn answer(&self, token: &[u8], result: Bytes) -> Result<Answer, Refusal> {
        let unknown = || Refusal::new(StatusCode::NOT_FOUND, "token", "unknown");
        let token = Token::parse(token).ok_or_else(unknown)?;
        let mut board = self.board.lock();
        // Told under the lock: a caller that finds its task gone finds its result.
        let told = board.answer(token).is_some_and(|caller| caller.send(Verdict::Result(result)).is_ok());
        drop(board);
        self.ended.notify_waiters();
        told.then(|| Answer::empty(StatusCode::OK)).ok_or_else(unknown)
    }

    async fn wait_for_task(self: &Arc<Rpc>, request: &mut Request) -> Result<Answer, Refusal> {
        let delivery = {
            let queue = request.query().table("queue")?;
            self.next_delivery(queue.as_deref()).await?
        };
        let answer = show(delivery.job());
        let left = request.receipt();
        tokio::spawn(async move {
            if left.await.is_ok() {
                delivery.arrived();
            }
        });
        Ok(answer)
    }

    async fn next_delivery(self: &Arc<Rpc>, queue: Option<&str>) -> Result<Delivery, Refusal> {
        let nothing = || late("worker", "no task in time");
        let (worker, mut seated) = {
            let mut board = self.board.lock();
            if let Some(job) = board.take(queue, Instant::now()) {
                return Ok(Delivery::new(self, job));
            }
            let (seat, seated) = oneshot::channel();
            match board.park(queue, seat) {
                Ok(worker) => (worker, seated),
                Err(Refused::Draining) => return Err(nothing()),
                Err(_) => return Err(Refusal::unavailable("worker", "too many wait")),
            }
        };
        let parked = Parked { rpc: self, worker };
        let delivered = match timeout_at(Instant::now() + self.post_timeout, &mut seated).await {
            Ok(delivered) => delivered,
            Err(_) if self.board.lock().leave(worker) => return Err(nothing()),
            // Something is on its way.
            Err(_) => seated.await,
        };
        drop(parked);
        delivered.ok().flatten().ok_or_else(nothing)
    }

    /// Sends a task to a parked worker. One that has just gone drops it, which gives it back.
    fn hand(self: &Arc<Rpc>, seat: Seat, job: Job) {
        drop(seat.send(Some(Delivery::new(self, job))));
    }

    /// How many calls and workers there are.
    pub fn counts(&self) -> Counts {
        self.board.lock().counts()
    }

    /// `/do_get_status`
    pub fn call_status(&self) -> Answer {
        let counts = self.counts();
        let free = counts.limit - counts.unclaimed - counts.claimed;
        let json = format!(
            r#"{{"unassigned_tasks":{},"assigned_tasks":{},"free_tasks":{free},"total":{}}}"#,
            counts.unclaimed, counts.claimed, counts.limit
        );
        Answer::ok(Kind::Json, json)
    }

    /// `/do_post_status`
    pub fn work_status(&self) -> Answer {
        let counts = self.counts();
        let free = counts.limit - counts.workers;
        let json = format!(
            r#"{{"cache_workers":{},"free_workers":{free},"total":{}}}"#,
            counts.workers, counts.limit
        );
        Answer::ok(Kind::Json, json)
    }

    /// Tells everybody who will not be served any more.
    pub fn drain(&self) {
        let (callers, workers) = self.board.lock().drain();
        for caller in callers {
            // It may have gone.
            let _ = caller.send(Verdict::Draining);
        }
        for seat in workers {
            let _ = seat.send(None);
        }
    }

    /// Waits until no task is claimed any more.
    pub async fn settle(&self) {
        loop {
            let ended = self.ended.notified();
            if self.board.lock().counts().claimed == 0 {
                return;
            }
            ended.await;
        }
    }
}

fn body(request: &Request) -> Result<Bytes, Refusal> {
    match request.body.len() {
        0 => Err(Refusal::bad("body", "empty")),
        1..=BODY_MAX_BYTES => Ok(request.body.clone()),
        _ => Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body", format!("over {BODY_MAX_BYTES} bytes"))),
    }
}

fn show(job: &Job) -> Answer {
    let mut answer = Answer::ok(Kind::Text, job.arguments.clone());
    for (name, text) in [(&QUEUE, job.queue.to_string()), (&TOKEN, job.token.to_string())] {
        if let Ok(value) = HeaderValue::try_from(text) {
            answer = answer.with_header(name.clone(), value);
        }
    }
    answer
}

fn refuse(refused: Refused) -> Refusal {
    Refusal::unavailable(
        "call",
        match refused {
            Refused::Full => "too many tasks",
            Refused::Draining => "draining",
            Refused::NoToken => "no randomness",
        },
    )
}

fn late(subject: &'static str, reason: &'static str) -> Refusal {
    Refusal::new(StatusCode::REQUEST_TIMEOUT, subject, reason)
}

/// A token nobody can guess.
fn random_token() -> Option<Token> {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Some(Token::new(u128::from_ne_bytes(bytes))),
        Err(error) => {
            tracing::error!("no randomness: {error}");
            None
        }
    }
}
