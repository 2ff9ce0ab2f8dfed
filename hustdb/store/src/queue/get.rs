//! get: takes the next messages.

use std::sync::Arc;

use hust_engine::{Fetch, Row, Slice};

use super::{
    core::{Core, Step, Warm},
    error::QueueResult,
    normal::{
        Entry, SlotOf,
        deliver::{Leased, Pick, Plain, Taking, Terms},
        is_past,
    },
    promise::Promise,
    put::BATCH_MAX,
    queue::{Live, Queue},
    rows::{Access, Rows, SLOTTED},
    token::Token,
};
use crate::error::Error;

/// A batch ends before its items pass this, bytes.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Expired messages taken out by one get.
const EXPIRED_MAX: usize = 1000;
/// Rows without a message that are passed before a search is made.
const HOLES_MAX: usize = 64;
/// Longest name of a worker, bytes.
pub const WORKER_MAX_BYTES: usize = 64;

/// What to get.
#[derive(Clone, Copy, Debug)]
pub struct Get<'a> {
    /// Who asks, 1 to 64 bytes.
    pub worker: &'a str,
    /// Whether the delivery is the end of the message; else it is leased.
    pub ack: bool,
    /// Messages, at most 1000.
    pub count: usize,
}

/// A delivered message.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Its priority.
    pub priority: u8,
    /// Its index.
    pub index: u64,
    /// Its bytes.
    pub item: Slice,
    /// What to acknowledge it by, unless that is done.
    pub token: Option<Token>,
    /// How often it was delivered before.
    pub redelivered: u32,
    /// The queue it left as a dead letter.
    pub dead_from: Option<String>,
}

/// What a get took.
#[derive(Debug)]
pub struct GetDone {
    /// In the order of delivery; empty = nothing is ready.
    pub messages: Vec<Delivered>,
    /// To wait for before handing them out.
    pub promise: Promise,
}

/// One attempt to get; see [`Queues::get`](super::Queues::get).
pub(crate) fn attempt(core: &Core, name: &str, get: &Get<'_>, access: Access) -> QueueResult<Step<GetDone>> {
    if !(1..=WORKER_MAX_BYTES).contains(&get.worker.len()) {
        return Err(Error::invalid("worker", format!("not of 1 to {WORKER_MAX_BYTES} bytes")).into());
    }
    if !(1..=BATCH_MAX).contains(&get.count) {
        return Err(Error::invalid("count", format!("not in 1..{BATCH_MAX}")).into());
    }
    let queue = core.find(name)?;
    let mut inner = queue.inner.lock();
    let live = inner.live()?;
    live.normal()?;
    let now_ms = core.now_ms();
    live.workers.see(get.worker, now_ms);
    loop {
        let getter = Getter { core, queue: &queue, get, now_ms, access };
        match getter.get(live)? {
            Round::Done(done) => return Ok(Step::Done(done)),
            Round::Cold(warm) => return Ok(Step::Cold(warm)),
            Round::OnlyExpired => {}
        }
    }
}

/// How a round ends.
enum Round {
    Done(GetDone),
    Cold(Warm),
    /// What was at the head has expired and is out; look again.
    OnlyExpired,
}

struct Getter<'a> {
    core: &'a Core,
    queue: &'a Arc<Queue>,
    get: &'a Get<'a>,
    now_ms: u64,
    access: Access,
}

/// The row of a message, or why there is none.
enum Found {
    Message(Row),
    Nothing,
    Cold,
}

impl Getter<'_> {
    fn get(&self, live: &mut Live) -> QueueResult<Round> {
        let (keys, holes) = (live.keys, live.holes);
        let normal = live.normal()?;
        let mut taking = Taking::new(normal, Terms { ack: self.get.ack, now_ms: self.now_ms });
        let (mut messages, mut bytes, mut expired, mut passed) = (Vec::new(), 0usize, 0, 0);
        while messages.len() < self.get.count && expired < EXPIRED_MAX {
            let Some(pick) = taking.next() else { break };
            let (priority, index) = match &pick {
                Pick::Slot((priority, _), entry) => (*priority, entry.index),
                Pick::Plain(priority, index) => (*priority, *index),
            };
            if let Pick::Slot(slot, entry) = &pick
                && entry.is_expired(self.now_ms)
            {
                taking.expire_slot(*slot, entry);
                expired += 1;
                continue;
            }
            if let Pick::Plain(..) = &pick
                && let Some((from, to)) = holes.get(usize::from(priority))
                && (*from..*to).contains(&index)
            {
                taking.skip(priority, *to);
                continue;
            }
            let row = match (self.find(&keys.item(priority, index))?, &pick) {
                (Found::Message(row), _) => row,
                (Found::Nothing, Pick::Slot(slot, entry)) => {
                    tracing::warn!(queue = %self.queue.name, priority, index, "the message of a slot is missing");
                    taking.expire_slot(*slot, entry);
                    continue;
                }
                (Found::Nothing, Pick::Plain(..)) => {
                    passed += 1;
                    if passed > HOLES_MAX {
                        let last =
                            normal.counters.lanes.get(usize::from(priority)).map_or(0, |lane| lane.last);
                        return Ok(Round::Cold(Warm::Search(self.queue.clone(), priority, index, last)));
                    }
                    taking.skip(priority, index.saturating_add(1));
                    continue;
                }
                (Found::Cold, Pick::Slot(..)) => {
                    return Ok(Round::Cold(Warm::Keys(vec![keys.item(priority, index)])));
                }
                (Found::Cold, Pick::Plain(..)) => {
                    let end = keys.item(priority, u64::MAX);
                    return Ok(Round::Cold(Warm::Stretch(keys.item(priority, index), end)));
                }
            };
            if matches!(pick, Pick::Plain(..)) && row.meta.flags & SLOTTED != 0 {
                taking.skip(priority, index.saturating_add(1));
                continue;
            }
            let item_bytes = row.value().len();
            if matches!(pick, Pick::Plain(..)) && is_past(row.meta.expire_ms, self.now_ms) {
                taking.expire_plain(plain(priority, index, &row));
                expired += 1;
                continue;
            }
            if !messages.is_empty() && bytes + item_bytes > BATCH_BYTES_MAX {
                break;
            }
            bytes += item_bytes;
            messages.push(self.deliver(&mut taking, pick, row, keys.incarnation));
        }
        let plan = taking.finish();
        if plan.gone.is_empty() && plan.slots.is_empty() {
            // Cursors may have passed some holes; that is written with the next change.
            normal.apply(plan);
            return Ok(Round::Done(GetDone { messages, promise: Promise::default() }));
        }
        let mut rows = Rows::default();
        rows.plan(&keys, &self.queue.name, &normal.counters, &plan)?;
        let position = match self.core.commit(&rows, self.access)? {
            Step::Done(position) => position,
            Step::Cold(warm) => return Ok(Round::Cold(warm)),
        };
        normal.apply(plan);
        if messages.is_empty() {
            return Ok(Round::OnlyExpired);
        }
        let promise = self.promise(live, &messages, position);
        self.core.schedule(self.queue, live);
        Ok(Round::Done(GetDone { messages, promise }))
    }

    fn find(&self, key: &hust_engine::Key) -> QueueResult<Found> {
        Ok(match self.core.row(key, self.access)? {
            Fetch::Cold => Found::Cold,
            Fetch::Ready(Some(row)) if !row.meta.is_tombstone() => Found::Message(row),
            Fetch::Ready(_) => Found::Nothing,
        })
    }

    fn deliver(&self, taking: &mut Taking<'_>, pick: Pick, row: Row, incarnation: u64) -> Delivered {
        let number = || self.core.number();
        let (priority, index, redelivered, leased): (u8, u64, u32, Option<Leased>) = match pick {
            Pick::Slot(slot, entry) => {
                let (priority, _): SlotOf = slot;
                let Entry { index, deliveries, .. } = entry;
                (priority, index, deliveries, taking.deliver_slot(slot, &entry, number))
            }
            Pick::Plain(priority, index) => {
                (priority, index, 0, taking.deliver_plain(plain(priority, index, &row), number))
            }
        };
        let token = leased.map(|Leased { slot, delivery }| Token { slot, delivery, incarnation });
        let origin = row.user_key();
        let dead_from = (!origin.is_empty()).then(|| String::from_utf8_lossy(origin).into_owned());
        Delivered { priority, index, item: row.into_value(), token, redelivered, dead_from }
    }

    /// With `ack=true` the removal must be durable; else only the puts of what is handed out, while the leases need no
    /// more than to outlive the process.
    fn promise(&self, live: &mut Live, messages: &[Delivered], position: u64) -> Promise {
        let engine = self.core.engine();
        if self.get.ack {
            return Promise::durable(engine, position);
        }
        live.unsettled.iter_mut().for_each(|unsettled| unsettled.trim(engine));
        let put =
            |message: &Delivered| live.unsettled.get(usize::from(message.priority))?.position(message.index);
        Promise::lease(engine, messages.iter().filter_map(put).max(), position)
    }
}

fn plain(priority: u8, index: u64, row: &Row) -> Plain {
    Plain { priority, index, bytes: row.value().len() as u32, expire_ms: row.meta.expire_ms }
}
