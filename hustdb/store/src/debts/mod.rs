//! Debts: records that this node owes to other hosts, remembered until the host has them.
//!
//! ```text
//! host row   (Meta, 2) md5(identity of the host)            -> user key: host, value: number
//! debt row   (Debt, number) record's row key, first 20 bytes -> stamp: when it was noted, which also tells one note
//!                                                              of a debt from the next
//! ```
//!
//! Many debts of one record are one row. What is owed is the record as it is when it is sent, so a debt holds nothing of
//! it. A debt is settled only if it still has the stamp with which it was read: whoever noted it again meanwhile is owed
//! again. Counts of open debts are kept in memory and taken anew when the store is opened. A debt is counted before its row
//! can be seen and until it is durably gone: whoever goes by a count of 0 must never be wrong, by one too many he may be.

mod batch;
mod creditors;
mod owe;
mod row;
mod settle;

use std::ops::Range;

use hust_engine::{Fetch, Ticket};

pub use batch::{DebtBatch, Owed};
pub(crate) use creditors::Creditors;
pub use creditors::{CREDITORS_MAX, Creditor};
pub use row::Debt;
#[cfg(test)]
pub(crate) use row::debt_key;
pub(crate) use settle::{drop_overdue, forget};

use crate::{error::Result, kind::Kind, store::Shared};

/// A host, as people spell it and as it is told from others.
#[derive(Clone, Copy, Debug)]
pub struct HostName<'a> {
    /// The spelling that is shown.
    pub spelling: &'a str,
    /// Equal for all spellings of one host.
    pub identity: &'a str,
}

/// Which record is owed.
#[derive(Clone, Copy, Debug)]
pub struct OwedRecord<'a> {
    /// What kind of record.
    pub kind: Kind,
    /// Its table; of no meaning for kv pairs.
    pub table: &'a [u8],
    /// Key, field or member.
    pub key: &'a [u8],
}

/// A debt that was noted.
#[derive(Debug)]
pub struct Noted {
    /// To whom.
    pub creditor: Creditor,
    /// Resolves when the debt is durable.
    pub ticket: Ticket,
}

/// The debts of a store.
#[derive(Clone, Copy, Debug)]
pub struct Debts<'a> {
    shared: &'a Shared,
}

impl<'a> Debts<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Debts<'a> {
        Debts { shared }
    }

    /// Notes that a record is owed to a host; `None`: there is no such record, so nothing is. May block on the disk.
    pub fn owe(&self, to: &HostName<'_>, record: &OwedRecord<'_>) -> Result<Option<Noted>> {
        owe::owe(self.shared, to, record)
    }

    /// [`Debts::owe`] without blocking.
    pub fn try_owe(&self, to: &HostName<'_>, record: &OwedRecord<'_>) -> Result<Fetch<Option<Noted>>> {
        owe::try_owe(self.shared, to, record)
    }

    /// All hosts to which something is owed, in byte order.
    pub fn creditors(&self) -> Vec<Creditor> {
        self.shared.creditors.open()
    }

    /// Debts to a host from the one after `after` on, with their records: at most so many and about so many bytes, at
    /// least one if there is one. May block on the disk.
    pub fn batch(
        &self,
        to: &Creditor,
        after: Option<Debt>,
        limit: usize,
        max_bytes: usize,
    ) -> Result<DebtBatch> {
        batch::batch(self.shared, to, after, limit, max_bytes)
    }

    /// Says that the host has what these debts were about. May block on the disk.
    pub fn settle(&self, to: &Creditor, debts: &[Debt]) -> Result<()> {
        settle::settle(self.shared, to, debts).map(drop)
    }

    /// Drops debts that were noted before the time-out; gives their number. May block on the disk.
    pub fn drop_overdue(&self) -> Result<u64> {
        drop_overdue(self.shared)
    }
}

/// Whether a slot is in a window that may be empty.
fn within(slots: &Range<u16>, md5: &[u8; 16]) -> bool {
    slots.contains(&crate::address::slot_of(md5))
}
