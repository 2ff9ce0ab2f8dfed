//! put: one message or a batch, in one write.

use std::{collections::BTreeMap, sync::Arc};

use hust_engine::Fetch;

use super::{
    core::{Core, Step, Warm},
    counters::PRIORITIES,
    error::QueueResult,
    layout::{QueueKeys, id_hash},
    normal::put::{Incoming, Placed, Putting, admit},
    promise::Promise,
    queue::{Inner, Live, Queue},
    rows::{Access, FirstPut, Rows},
    settings::{QueueKind, decode, encode},
};
use crate::error::Error;

/// Longest id, bytes.
pub const ID_MAX_BYTES: usize = 128;
/// Most messages in one batch.
pub const BATCH_MAX: usize = 1000;

/// A message to put.
#[derive(Clone, Debug)]
pub struct NewMessage<'a> {
    /// 0 to 2; 2 goes first.
    pub priority: u8,
    /// Its bytes.
    pub item: &'a [u8],
    /// Life from the moment it is due, seconds, 0 = for ever; `None`: as the queue says.
    pub ttl_s: Option<u64>,
    /// Seconds until it is due.
    pub delay_s: u64,
    /// What it is recognized by if it is put again, 1 to 128 bytes.
    pub id: Option<&'a [u8]>,
}

/// Where a message was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its index.
    pub index: u64,
    /// Whether its id was known: the index is that of the first put, and nothing was stored.
    pub duplicate: bool,
}

/// What a put did.
#[derive(Debug)]
pub struct PutDone {
    /// One for each message.
    pub stored: Vec<Stored>,
    /// To wait for before saying so.
    pub promise: Promise,
}

/// Refuses what no queue could take.
fn check(core: &Core, messages: &[NewMessage<'_>]) -> QueueResult<()> {
    let ttl_max_s = core.shared.ttl_maximum_s;
    if !(1..=BATCH_MAX).contains(&messages.len()) {
        return Err(Error::invalid("batch", format!("not of 1 to {BATCH_MAX} messages")).into());
    }
    for message in messages {
        if usize::from(message.priority) >= PRIORITIES {
            return Err(Error::invalid("priori", "not in 0..2").into());
        }
        if message.ttl_s.is_some_and(|ttl_s| ttl_s > ttl_max_s) {
            return Err(Error::invalid("ttl", format!("over {ttl_max_s}")).into());
        }
        if message.delay_s > ttl_max_s {
            return Err(Error::invalid("delay", format!("over {ttl_max_s}")).into());
        }
        if message.id.is_some_and(|id| !(1..=ID_MAX_BYTES).contains(&id.len())) {
            return Err(Error::invalid("id", format!("not of 1 to {ID_MAX_BYTES} bytes")).into());
        }
        check_item(message.item)?;
    }
    Ok(())
}

/// Refuses items whose length the counters could not hold.
pub(crate) fn check_item(item: &[u8]) -> QueueResult<()> {
    match u32::try_from(item.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::invalid("item", "too long").into()),
    }
}

/// One attempt to put; see [`Queues::put`](super::Queues::put).
pub(crate) fn attempt(
    core: &Core,
    name: &str,
    messages: &[NewMessage<'_>],
    access: Access,
) -> QueueResult<Step<PutDone>> {
    check(core, messages)?;
    core.with_entered(name, |queue, inner| {
        let now_ms = core.now_ms();
        let (mut newborn, seat) = match inner {
            Inner::Live(_) => (None, None),
            _ => {
                let seat = core.seat()?;
                (Some(Box::new(core.conceive(name, QueueKind::Normal, now_ms))), Some(seat))
            }
        };
        let live = match (&mut newborn, &mut *inner) {
            (Some(newborn), _) => newborn,
            (None, inner) => inner.live()?,
        };
        let done = Putter { core, queue, messages, now_ms, access, created: seat.is_some() }.put(live)?;
        if matches!(done, Step::Done(_))
            && let (Some(newborn), Some(seat)) = (newborn, seat)
        {
            seat.keep();
            *inner = Inner::Live(newborn);
        }
        Ok(done)
    })
}

/// One put under its queue's lock.
struct Putter<'a> {
    core: &'a Core,
    queue: &'a Arc<Queue>,
    messages: &'a [NewMessage<'a>],
    now_ms: u64,
    access: Access,
    created: bool,
}

/// What is known of one message before anything is stored.
enum Known {
    /// An earlier put, in the queue or in this batch.
    First(FirstPut),
    /// The same id stands at this place of the batch.
    Above(usize),
    New,
}

impl Putter<'_> {
    fn put(&self, live: &mut Live) -> QueueResult<Step<PutDone>> {
        let keys = live.keys;
        let dedup_ms = live.normal()?.settings.dedup_s.saturating_mul(1000);
        let known = match self.known(&keys, dedup_ms)? {
            Step::Done(known) => known,
            Step::Cold(warm) => return Ok(Step::Cold(warm)),
        };
        let count = known.iter().filter(|known| matches!(known, Known::New)).count() as u64;
        if count == 0 {
            return Ok(Step::Done(self.answer(live, &known, &[], None)));
        }
        let normal = live.normal()?;
        admit(&normal.settings, normal.ready().iter().sum(), count)?;
        self.core.shared.capacity.check(self.core.engine(), self.now_ms)?;
        self.store(live, &known, dedup_ms)
    }

    /// Looks the ids up. A queue with `dedup` 0 knows none.
    fn known(&self, keys: &QueueKeys, dedup_ms: u64) -> QueueResult<Step<Vec<Known>>> {
        let (mut known, mut above) = (Vec::with_capacity(self.messages.len()), BTreeMap::new());
        for (at, message) in self.messages.iter().enumerate() {
            let Some(id) = message.id.filter(|_| dedup_ms > 0) else {
                known.push(Known::New);
                continue;
            };
            let hash = id_hash(id);
            if let Some(first) = above.get(&hash) {
                known.push(Known::Above(*first));
                continue;
            }
            above.insert(hash, at);
            if self.created {
                known.push(Known::New);
                continue;
            }
            let key = keys.id(hash);
            let Fetch::Ready(row) = self.core.row(&key, self.access)? else {
                return Ok(Step::Cold(Warm::Keys(vec![key])));
            };
            let first = row.filter(|row| !row.meta.is_tombstone() && row.user_key() == id);
            let first = first.and_then(|row| decode::<FirstPut>(row.value()));
            let fresh = first.filter(|first| self.now_ms < first.put_ms.saturating_add(dedup_ms));
            known.push(fresh.map_or(Known::New, Known::First));
        }
        Ok(Step::Done(known))
    }

    fn store(&self, live: &mut Live, known: &[Known], dedup_ms: u64) -> QueueResult<Step<PutDone>> {
        let keys = live.keys;
        let (mut rows, mut placed) = (Rows::default(), vec![None; self.messages.len()]);
        if self.created {
            Core::birth(&mut rows, &self.queue.name, live)?;
        }
        let normal = live.normal()?;
        let mut putting = Putting::new(normal, self.now_ms);
        let mut expiries_from_ms = u64::MAX;
        for ((message, known), place) in self.messages.iter().zip(known).zip(&mut placed) {
            if !matches!(known, Known::New) {
                continue;
            }
            let bytes = message.item.len() as u32;
            let NewMessage { priority, ttl_s, delay_s, .. } = *message;
            let put = putting.store(Incoming { priority, bytes, ttl_s, delay_s });
            let times = (self.now_ms, put.expire_ms);
            rows.item(keys.item(priority, put.index), times, put.slotted, &[][..], message.item);
            if put.expire_ms != 0 && !put.slotted {
                rows.expiry(&keys, put.expire_ms, (priority, put.index), bytes);
                expiries_from_ms = expiries_from_ms.min(put.expire_ms);
            }
            if let Some(id) = message.id.filter(|_| dedup_ms > 0) {
                self.remember(&mut rows, &keys, id, (priority, put.index))?;
            }
            *place = Some(put);
        }
        let mut plan = putting.finish();
        plan.counters.expiries_from_ms = plan.counters.expiries_from_ms.min(expiries_from_ms);
        let ids = dedup_ms > 0 && self.messages.iter().any(|message| message.id.is_some());
        let ids_from_ms = if ids { self.now_ms } else { u64::MAX };
        plan.counters.ids_from_ms = plan.counters.ids_from_ms.min(ids_from_ms);
        rows.plan(&keys, &self.queue.name, &normal.counters, &plan)?;
        let position = match self.core.commit(&rows, self.access)? {
            Step::Done(position) => position,
            Step::Cold(warm) => return Ok(Step::Cold(warm)),
        };
        let (ready, counters) = (plan.ready, plan.counters);
        normal.apply(plan);
        live.expiries_from_ms = live.expiries_from_ms.min(expiries_from_ms);
        live.ids_from_ms = live.ids_from_ms.min(ids_from_ms);
        for (lane, unsettled) in counters.lanes.iter().zip(&mut live.unsettled) {
            unsettled.note(lane.last, position, self.core.engine());
        }
        if ready {
            self.core.announce(self.queue);
        }
        self.core.schedule(self.queue, live);
        Ok(Step::Done(self.answer(live, known, &placed, Some(position))))
    }

    fn remember<'r>(
        &self,
        rows: &mut Rows<'r>,
        keys: &QueueKeys,
        id: &'r [u8],
        (priority, index): (u8, u64),
    ) -> QueueResult<()> {
        let hash = id_hash(id);
        rows.put(keys.id(hash), id, encode(&FirstPut { put_ms: self.now_ms, priority, index })?);
        rows.put(keys.id_time(self.now_ms, priority, index), hash.to_vec(), Vec::new());
        Ok(())
    }

    fn answer(
        &self,
        live: &Live,
        known: &[Known],
        placed: &[Option<Placed>],
        position: Option<u64>,
    ) -> PutDone {
        let new = |at: usize| placed.get(at).copied().flatten().map_or(0, |placed| placed.index);
        let mut needed = position;
        let mut stored: Vec<Stored> = Vec::with_capacity(known.len());
        for (at, known) in known.iter().enumerate() {
            stored.push(match known {
                Known::New => Stored { index: new(at), duplicate: false },
                Known::Above(first) => {
                    Stored { index: stored.get(*first).map_or(0, |first| first.index), duplicate: true }
                }
                Known::First(first) => {
                    let unsettled = live.unsettled.get(usize::from(first.priority));
                    needed = needed.max(unsettled.and_then(|unsettled| unsettled.position(first.index)));
                    Stored { index: first.index, duplicate: true }
                }
            });
        }
        let promise = match needed {
            Some(position) => Promise::durable(self.core.engine(), position),
            None => Promise::default(),
        };
        PutDone { stored, promise }
    }
}
