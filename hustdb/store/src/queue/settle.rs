//! ack, nack, touch; and the way of dead letters to their queue.

use std::sync::Arc;

use hust_engine::Fetch;
use parking_lot::MutexGuard;

use super::{
    core::{Core, Step, Warm},
    error::{QueueError, QueueResult},
    normal::{
        Entry, Normal, Place, Plan,
        back::Dying,
        put::{Incoming, Putting},
        settle::{Verdict, settle},
    },
    promise::Promise,
    put::BATCH_MAX,
    queue::{Inner, Live, Queue},
    rows::{Access, Rows},
    settings::QueueKind,
    token::Token,
};
use crate::error::Error;

/// Items that move to a dead-letter queue in one write, bytes; at least one does.
const DYING_BYTES_MAX: u64 = 16 << 20;

/// What a verdict did.
#[derive(Debug)]
pub struct Settlement {
    /// Which of the tokens were current.
    pub current: Vec<bool>,
    /// To wait for before saying so.
    pub promise: Promise,
}

/// One attempt at a verdict; see [`Queues::settle`](super::Queues::settle).
pub(crate) fn attempt(
    core: &Core,
    name: &str,
    tokens: &[Option<Token>],
    verdict: Verdict,
    access: Access,
) -> QueueResult<Step<Settlement>> {
    if !(1..=BATCH_MAX).contains(&tokens.len()) {
        return Err(Error::invalid("token", format!("not 1 to {BATCH_MAX}")).into());
    }
    if let Verdict::Nack { delay_s } = verdict
        && delay_s > core.shared.ttl_maximum_s
    {
        return Err(Error::invalid("delay", format!("over {}", core.shared.ttl_maximum_s)).into());
    }
    let queue = core.find(name)?;
    let mut current = Vec::new();
    let decide = |normal: &Normal, incarnation: u64| {
        let settled = settle(normal, incarnation, tokens, verdict, core.now_ms());
        current = settled.current;
        (settled.plan, settled.dying)
    };
    let position = match change(core, &queue, decide, access)? {
        Step::Done(position) => position,
        Step::Cold(warm) => return Ok(Step::Cold(warm)),
    };
    if !current.contains(&true) {
        return Err(QueueError::NotCurrent);
    }
    let promise = match (position, verdict) {
        (None, _) => Promise::default(),
        (Some(position), Verdict::Ack { durable: true }) => Promise::durable(core.engine(), position),
        (Some(position), _) => Promise::lease(core.engine(), None, position),
    };
    Ok(Step::Done(Settlement { current, promise }))
}

/// Makes what `decide` plans for a normal queue true, dead letters included. `None`: there was nothing to write.
pub(crate) fn change(
    core: &Core,
    queue: &Arc<Queue>,
    mut decide: impl FnMut(&Normal, u64) -> (Plan, Vec<Dying>),
    access: Access,
) -> QueueResult<Step<Option<u64>>> {
    let mut target: Option<Arc<Queue>> = None;
    loop {
        let held = target.take();
        let (mut inner, mut other) = lock(queue, held.as_ref());
        let both = held.as_ref().zip(other.as_deref_mut());
        let change = Change { core, queue, access };
        let turn = inner.live().and_then(|live| change.turn(live, both, &mut decide));
        if let (Some(held), Some(other)) = (&held, &mut other) {
            core.leave(held, other);
        }
        match turn? {
            Turn::Done(done) => return Ok(done),
            Turn::Target(name) => target = Some(core.enter(&name)?),
        }
    }
}

/// How a turn of a change ends.
enum Turn {
    Done(Step<Option<u64>>),
    /// This queue has to be locked too.
    Target(String),
}

/// Locks a queue, and its dead-letter queue, in the order of their names.
fn lock<'q>(
    queue: &'q Queue,
    target: Option<&'q Arc<Queue>>,
) -> (MutexGuard<'q, Inner>, Option<MutexGuard<'q, Inner>>) {
    match target {
        None => (queue.inner.lock(), None),
        Some(target) if target.name < queue.name => {
            let first = target.inner.lock();
            (queue.inner.lock(), Some(first))
        }
        Some(target) => {
            let first = queue.inner.lock();
            (first, Some(target.inner.lock()))
        }
    }
}

struct Change<'a> {
    core: &'a Core,
    queue: &'a Arc<Queue>,
    access: Access,
}

impl Change<'_> {
    fn turn(
        &self,
        live: &mut Live,
        target: Option<(&Arc<Queue>, &mut Inner)>,
        decide: &mut impl FnMut(&Normal, u64) -> (Plan, Vec<Dying>),
    ) -> QueueResult<Turn> {
        let incarnation = live.keys.incarnation;
        let normal = live.normal()?;
        let (plan, dying) = decide(normal, incarnation);
        if dying.is_empty() {
            let nothing = plan == normal.plan();
            return Ok(Turn::Done(if nothing { Step::Done(None) } else { self.write(live, plan)? }));
        }
        let wanted = &normal.settings.dead_letter;
        match target {
            Some((target, inner)) if *target.name == **wanted && !matches!(inner, Inner::Gone) => {
                Ok(Turn::Done(self.bury(live, (target, inner), plan, &dying)?))
            }
            _ => Ok(Turn::Target(wanted.clone())),
        }
    }

    /// Writes a plan that concerns this queue alone.
    fn write(&self, live: &mut Live, plan: Plan) -> QueueResult<Step<Option<u64>>> {
        let keys = live.keys;
        let normal = live.normal()?;
        let mut rows = Rows::default();
        rows.plan(&keys, &self.queue.name, &normal.counters, &plan)?;
        let position = match self.core.commit(&rows, self.access)? {
            Step::Done(position) => position,
            Step::Cold(warm) => return Ok(Step::Cold(warm)),
        };
        let ready = plan.ready;
        normal.apply(plan);
        if ready {
            self.core.announce(self.queue);
        }
        self.core.schedule(self.queue, live);
        Ok(Step::Done(Some(position)))
    }

    /// Writes a plan and moves dead letters, in one batch. If their queue can't take them they stay, ready.
    fn bury(
        &self,
        live: &mut Live,
        (target, inner): (&Arc<Queue>, &mut Inner),
        mut plan: Plan,
        dying: &[Dying],
    ) -> QueueResult<Step<Option<u64>>> {
        let stays = match inner {
            Inner::Live(target) => target.kind() == QueueKind::Push,
            _ => false,
        };
        let seat = match inner {
            Inner::Live(_) => None,
            _ => Some(self.core.seat()),
        };
        if stays || matches!(seat, Some(Err(_))) {
            dying.iter().for_each(|dying| plan.bring_back(dying.slot, &dying.entry, dying.at_ms));
            return self.write(live, plan);
        }
        let now_ms = self.core.now_ms();
        let mut newborn =
            seat.is_some().then(|| Box::new(self.core.conceive(&target.name, QueueKind::Normal, now_ms)));
        let other = match (&mut newborn, &mut *inner) {
            (Some(newborn), _) => newborn,
            (None, inner) => inner.live()?,
        };
        let mut rows = Rows::default();
        if seat.is_some() {
            Core::birth(&mut rows, &target.name, other)?;
        }
        let burial = Burial { change: self, plan, rows, now_ms };
        let position = match burial.run(live, (target, other), dying)? {
            Step::Done(position) => position,
            Step::Cold(warm) => return Ok(Step::Cold(warm)),
        };
        self.core.schedule(target, other);
        self.core.schedule(self.queue, live);
        if let (Some(newborn), Some(Ok(seat))) = (newborn, seat) {
            seat.keep();
            *inner = Inner::Live(newborn);
        }
        self.core.announce(target);
        Ok(Step::Done(Some(position)))
    }
}

/// Dead letters on their way.
struct Burial<'a> {
    change: &'a Change<'a>,
    plan: Plan,
    rows: Rows<'a>,
    now_ms: u64,
}

impl<'a> Burial<'a> {
    fn run(
        mut self,
        live: &mut Live,
        (target, other): (&'a Arc<Queue>, &mut Live),
        dying: &[Dying],
    ) -> QueueResult<Step<u64>> {
        let Change { core, queue, access } = *self.change;
        let (keys, other_keys) = (live.keys, other.keys);
        let (normal, grave) = (live.normal()?, other.normal()?);
        let mut putting = Putting::new(grave, self.now_ms);
        let (mut bytes, mut expiries_from_ms) = (0, u64::MAX);
        for Dying { slot, entry, .. } in dying {
            bytes += u64::from(entry.bytes);
            if bytes > DYING_BYTES_MAX && bytes > u64::from(entry.bytes) {
                // Its turn comes with the next look at the deadlines.
                let place = Place::InFlight { since_ms: 0 };
                self.plan.slots.push((*slot, Some(Entry { place, ..*entry })));
                continue;
            }
            let key = keys.item(slot.0, entry.index);
            let Fetch::Ready(row) = core.row(&key, access)? else {
                return Ok(Step::Cold(Warm::Keys(vec![key])));
            };
            self.plan.remove(*slot, entry);
            self.plan.events.dead += 1;
            let Some(row) = row.filter(|row| !row.meta.is_tombstone()) else { continue };
            let incoming = Incoming { priority: slot.0, bytes: entry.bytes, ttl_s: None, delay_s: 0 };
            let placed = putting.store(incoming);
            let (item, times) = (other_keys.item(slot.0, placed.index), (self.now_ms, placed.expire_ms));
            self.rows.item(item, times, placed.slotted, queue.name.as_bytes(), row.value().to_vec());
            if placed.expire_ms != 0 {
                self.rows.expiry(&other_keys, placed.expire_ms, (slot.0, placed.index), entry.bytes);
                expiries_from_ms = expiries_from_ms.min(placed.expire_ms);
            }
        }
        let mut gain = putting.finish();
        gain.counters.expiries_from_ms = gain.counters.expiries_from_ms.min(expiries_from_ms);
        self.rows.plan(&keys, &queue.name, &normal.counters, &self.plan)?;
        self.rows.plan(&other_keys, &target.name, &grave.counters, &gain)?;
        let position = match core.commit(&self.rows, access)? {
            Step::Done(position) => position,
            Step::Cold(warm) => return Ok(Step::Cold(warm)),
        };
        let lanes = gain.counters.lanes;
        if self.plan.ready {
            core.announce(queue);
        }
        normal.apply(self.plan);
        grave.apply(gain);
        other.expiries_from_ms = other.expiries_from_ms.min(expiries_from_ms);
        for (lane, unsettled) in lanes.iter().zip(&mut other.unsettled) {
            unsettled.note(lane.last, position, core.engine());
        }
        Ok(Step::Done(position))
    }
}
