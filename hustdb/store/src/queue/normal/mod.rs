//! Normal queues, decided: pure functions from a state, a command and the time to a plan.

pub(crate) mod back;
pub(crate) mod deliver;
pub(crate) mod entry;
pub(crate) mod put;
pub(crate) mod settle;
pub(crate) mod slots;
pub(crate) mod state;

pub(crate) use entry::{Entry, Place, is_past};
pub(crate) use slots::Slots;
pub(crate) use state::{Normal, Plan, SlotOf};
