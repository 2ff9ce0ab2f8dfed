//! get: takes the next messages.

use std::sync::Arc;

use hust_engine::{Fetch, Row, Slice};

use super::{
    core::{Core, Step, Warm},
    error::QueueResult,
    layout::QueueKeys,
    normal::{
        Entry, SlotOf,
        deliver::{Leased, Pick, Plain, Taking, Terms},
        is_past,
    },
    promise::Promise,
    put::BATCH_MAX,
    queue::{Live, Queue},
    read::{BATCH_BYTES_MAX, HEAD_BYTES_MAX},
    rows::{Access, Rows, SLOTTED},
    token::Token,
};
use crate::error::Error;

/// Expired messages taken out by one get.
const EXPIRED_MAX: usize = 1000;
/// Times a get takes out expired messages before others have their turn.
const ROUNDS_MAX: usize = 4;
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
    for _ in 0..ROUNDS_MAX {
        let mut inner = queue.inner.lock();
        let live = inner.live()?;
        live.normal()?;
        let now_ms = core.now_ms();
        live.workers.see(get.worker, now_ms);
        match (Getter { core, queue: &queue, get, now_ms, access }).get(live)? {
            Round::Done(done) => return Ok(Step::Done(done)),
            Round::Cold(warm) => return Ok(Step::Cold(warm)),
            Round::OnlyExpired => {}
        }
    }
    // So many have expired that the event loop should not wait for it.
    Ok(Step::Cold(Warm::Nothing))
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

/// What a get has gathered.
#[derive(Default)]
struct Basket {
    messages: Vec<Delivered>,
    bytes: usize,
    expired: usize,
    /// Rows without a message since the last one with one.
    passed: usize,
}

/// How one step of gathering ends.
enum Next {
    More,
    Enough,
    Cold(Warm),
}

impl Getter<'_> {
    /// Handles the next message.
    fn step(
        &self,
        taking: &mut Taking<'_>,
        basket: &mut Basket,
        keys: &QueueKeys,
        holes: &[(u64, u64)],
    ) -> QueueResult<Next> {
        let Some(pick) = taking.next() else { return Ok(Next::Enough) };
        let key = match &pick {
            Pick::Slot((priority, _), entry) => keys.item(*priority, entry.index),
            Pick::Plain(priority, index) => keys.item(*priority, *index),
        };
        match &pick {
            Pick::Slot(slot, entry) if entry.is_expired(self.now_ms) => {
                taking.expire_slot(*slot, entry);
                basket.expired += 1;
                return Ok(Next::More);
            }
            Pick::Plain(priority, index) => {
                let hole =
                    holes.get(usize::from(*priority)).filter(|(from, to)| (*from..*to).contains(index));
                if let Some((_, to)) = hole {
                    taking.skip(*priority, *to);
                    return Ok(Next::More);
                }
            }
            Pick::Slot(..) => {}
        }
        let row = match (self.find(&key)?, &pick) {
            (Found::Cold, Pick::Slot(..)) => return Ok(Next::Cold(Warm::Keys(vec![key]))),
            (Found::Cold, Pick::Plain(priority, _)) => {
                return Ok(Next::Cold(Warm::Stretch(key, keys.item(*priority, u64::MAX))));
            }
            (Found::Nothing, Pick::Slot(slot, entry)) => {
                tracing::warn!(queue = %self.queue.name, ?entry, "the message of a slot is missing");
                taking.expire_slot(*slot, entry);
                return Ok(Next::More);
            }
            (Found::Message(row), Pick::Plain(..)) if row.meta.flags & SLOTTED == 0 => row,
            (Found::Message(row), Pick::Slot(..)) => row,
            (_, Pick::Plain(priority, index)) => {
                return Ok(self.pass(taking, basket, *priority, *index));
            }
        };
        if let Pick::Plain(priority, index) = pick
            && is_past(row.meta.expire_ms, self.now_ms)
        {
            taking.expire_plain(plain(priority, index, &row));
            basket.expired += 1;
            return Ok(Next::More);
        }
        let bytes = row.value().len() + HEAD_BYTES_MAX;
        if !basket.messages.is_empty() && basket.bytes + bytes > BATCH_BYTES_MAX {
            return Ok(Next::Enough);
        }
        basket.bytes += bytes;
        basket.passed = 0;
        basket.messages.push(self.deliver(taking, pick, row, keys.incarnation));
        Ok(Next::More)
    }

    /// There is no plain message at this index. Many such are searched through without the queue's lock.
    fn pass(&self, taking: &mut Taking<'_>, basket: &mut Basket, priority: u8, index: u64) -> Next {
        basket.passed += 1;
        if basket.passed <= HOLES_MAX {
            taking.skip(priority, index.saturating_add(1));
            return Next::More;
        }
        if !basket.messages.is_empty() {
            return Next::Enough;
        }
        Next::Cold(Warm::Search(self.queue.clone(), priority, index, taking.last(priority)))
    }

    fn get(&self, live: &mut Live) -> QueueResult<Round> {
        let (keys, holes) = (live.keys, live.holes);
        let normal = live.normal()?;
        let mut taking = Taking::new(normal, Terms { ack: self.get.ack, now_ms: self.now_ms });
        let mut basket = Basket::default();
        while basket.messages.len() < self.get.count && basket.expired < EXPIRED_MAX {
            match self.step(&mut taking, &mut basket, &keys, &holes)? {
                Next::More => {}
                Next::Enough => break,
                Next::Cold(warm) => return Ok(Round::Cold(warm)),
            }
        }
        let messages = basket.messages;
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
