//! Start-up: reads each queue's settings, counters and slots, and finds what is left to reclaim.
//!
//! Nothing here looks at ready messages or at what was left of consumed ones. A row that cannot be read ends the start:
//! without it the queue would count as unknown, and a put would make another in its place.

use hust_engine::{Direction, Engine, Key, Meta, Row};

use super::{
    core::Core,
    counters::{Counters, PRIORITIES},
    error::QueueResult,
    layout::{QueueKeys, Tables, slot_number},
    normal::{Entry, Normal, Slots},
    promise::Unsettled,
    push::{Push, Run, Runs},
    queue::{Body, Inner, Live, Queue},
    reclaim::Work,
    settings::{Identity, QueueKind, decode},
};
use crate::error::Error;

/// Rows read at a time.
const PAGE_ROWS: usize = 1024;

/// The number of this start: one more than that of the last one, durably.
pub(crate) fn start_number(engine: &Engine, tables: &Tables) -> QueueResult<u64> {
    // Graves have incarnations over zero.
    let key = tables.grave(0);
    let (number, ticket) = engine.update(&[key], |heads, batch| {
        let last = heads.first().and_then(Option::as_ref).map_or(0, |head| head.meta().version);
        let number = last + 1;
        batch.put(key, Meta { version: number, ..Meta::default() }, b"start", &[]);
        Ok(number)
    })?;
    ticket.wait()?;
    Ok(number)
}

/// Loads all queues.
pub(crate) fn load(core: &Core) -> QueueResult<()> {
    for tables in core.layout.partitions() {
        each(core.engine(), Tables::whole(tables.queues), |key, row| load_row(core, key, row))?;
        each(core.engine(), Tables::whole(tables.graves), |key, _| {
            let tail = key.tail();
            let incarnation = tail.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            if incarnation != 0 {
                core.collect(Work::Grave(*tables, incarnation));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Calls `visit` with all live rows of a range.
fn each(
    engine: &Engine,
    (mut from, to): (Key, Key),
    mut visit: impl FnMut(Key, &Row) -> QueueResult<()>,
) -> QueueResult<()> {
    loop {
        let page = engine.page(from, to, Direction::Forward, PAGE_ROWS, usize::MAX)?;
        for (key, row) in page.rows.iter().filter(|(_, row)| !row.meta.is_tombstone()) {
            visit(*key, row)?;
        }
        match page.next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// Loads the queue whose settings are in this row, if they are.
fn load_row(core: &Core, key: Key, row: &Row) -> QueueResult<()> {
    let Ok(name) = std::str::from_utf8(row.user_key()) else { return Ok(()) };
    if core.layout.keys(name, 0).settings() != key {
        return Ok(());
    }
    let damaged = |what| {
        tracing::error!(queue = name, "damaged: {what}");
        Error::Damaged(what)
    };
    let identity: Identity = decode(row.value()).ok_or_else(|| damaged("the settings of a queue"))?;
    let keys = core.layout.keys(name, identity.incarnation);
    let counters = core.engine().get(&keys.counters())?;
    let counters = counters.and_then(|row| decode::<Counters>(row.value()));
    let counters = counters.ok_or_else(|| damaged("the counters of a queue"))?;
    let body = match identity.kind {
        QueueKind::Normal => {
            let slots = load_slots(core.engine(), &keys, &counters)?;
            Body::Normal(Box::new(Normal::loaded(identity.settings, counters, slots)))
        }
        QueueKind::Push => {
            Body::Push(Box::new(Push::new(identity.settings, counters, load_runs(core.engine(), &keys)?)))
        }
    };
    let mut live = Live::new(keys, identity.created_s, body);
    live.expiries_from_ms = counters.expiries_from_ms;
    live.ids_from_ms = counters.ids_from_ms;
    live.unsettled = counters.lanes.map(|lane| Unsettled::after(lane.last));
    let next_ms = live.next_event_ms();
    let queue = Queue::new(name, Inner::Live(Box::new(live)));
    core.agenda.schedule(&queue, next_ms);
    if (0u8..).zip(&counters.lanes).any(|(priority, lane)| {
        lane.reclaimed < if priority == 0 { lane.purged.max(counters.floor) } else { lane.purged }
    }) {
        core.collect(Work::Floor(queue.clone()));
    }
    core.adopt(queue);
    Ok(())
}

fn load_slots(engine: &Engine, keys: &QueueKeys, counters: &Counters) -> QueueResult<[Slots; PRIORITIES]> {
    let mut all: [Slots; PRIORITIES] = Default::default();
    for ((priority, slots), lane) in (0u8..).zip(&mut all).zip(&counters.lanes) {
        each(engine, keys.slots(priority), |key, row| {
            let entry: Entry = decode(row.value()).ok_or(Error::Damaged("a lease of a queue"))?;
            // What was purged left its row behind; the slot is free.
            if entry.index > lane.purged {
                slots.set(slot_number(key), Some(entry));
            }
            Ok(())
        })?;
    }
    Ok(all)
}

fn load_runs(engine: &Engine, keys: &QueueKeys) -> QueueResult<Runs> {
    let mut runs = Runs::default();
    each(engine, keys.slots(0), |key, row| {
        let run: Run = decode(row.value()).ok_or(Error::Damaged("a run of a push queue"))?;
        runs.set(slot_number(key), Some(run));
        Ok(())
    })?;
    Ok(runs)
}
