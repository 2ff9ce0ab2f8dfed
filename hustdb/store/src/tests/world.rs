//! What tests of several stores share: records of any kind, scans as sets, comparisons of whole stores.

use std::ops::Range;

use super::*;
use crate::{
    Figures, Forgetting, Form, Kind, Member, Merged, Replica, SLOTS, ScanRequest, ScoreOperation,
    StoredReplica,
};

/// A record that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) kind: Kind,
    pub(super) table: String,
    pub(super) key: String,
    pub(super) form: Form,
    pub(super) shown: Shown,
    pub(super) value: Vec<u8>,
}

impl Owned {
    pub(super) fn of(stored: &StoredReplica) -> Owned {
        let Replica { kind, table, key, form, shown, value } = stored.replica();
        let text = |bytes: &[u8]| String::from_utf8(bytes.into()).unwrap();
        Owned { kind, table: text(table), key: text(key), form, shown, value: value.into() }
    }

    pub(super) fn replica(&self) -> Replica<'_> {
        let Owned { kind, table, key, form, shown, value } = self;
        Replica {
            kind: *kind,
            table: table.as_bytes(),
            key: key.as_bytes(),
            form: *form,
            shown: *shown,
            value,
        }
    }

    pub(super) fn slot(&self) -> u16 {
        let routed = if self.kind == Kind::Zset { &self.table } else { &self.key };
        crate::slot_of(&crate::md5(routed.as_bytes()))
    }

    fn order(&self) -> impl Ord + '_ {
        let Shown { version, stamp, expire_ms } = self.shown;
        (self.kind as u8, &self.table, &self.key, self.form, version, stamp, expire_ms, &self.value)
    }
}

impl PartialOrd for Owned {
    fn partial_cmp(&self, other: &Owned) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Owned {
    fn cmp(&self, other: &Owned) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

/// The pages of a scan.
pub(super) fn scan_pages(
    store: &Store,
    slots: Range<u16>,
    limit: usize,
    max_bytes: usize,
    values: bool,
) -> Vec<Vec<Owned>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let request =
            ScanRequest { slots: slots.clone(), cursor: cursor.as_bytes(), limit, max_bytes, values };
        let page = store.scan(&request).unwrap();
        pages.push(page.records.iter().map(Owned::of).collect());
        match page.cursor {
            Some(next) => cursor = next,
            None => return pages,
        }
    }
}

/// All records of a window, in an order of their own.
pub(super) fn scan_all(store: &Store, slots: Range<u16>) -> Vec<Owned> {
    let mut all: Vec<Owned> = scan_pages(store, slots, 64, 4 << 20, true).into_iter().flatten().collect();
    all.sort();
    all
}

/// Writes a record of any kind as a client does. Of a sorted set's member the score is the length of the value.
pub(super) fn write(
    node: &Node,
    kind: Kind,
    table: &str,
    key: &str,
    value: &[u8],
    lifetime: Lifetime,
) -> Result<Answer> {
    let change = match kind {
        Kind::Set => Change::Put(b""),
        Kind::Zset => Change::Score { score: value.len() as i64 - 1, operation: ScoreOperation::Set },
        _ => Change::Put(value),
    };
    change_record(node, kind, table, key, change, Terms { lifetime, ..Terms::PLAIN })
}

/// Deletes a record of any kind as a client does.
pub(super) fn delete(node: &Node, kind: Kind, table: &str, key: &str) -> Result<Answer> {
    change_record(node, kind, table, key, Change::Delete, Terms::PLAIN)
}

/// Changes a record of any kind.
pub(super) fn change_record(
    node: &Node,
    kind: Kind,
    table: &str,
    key: &str,
    change: Change<'_>,
    terms: Terms,
) -> Result<Answer> {
    settle(node.call(|| match kind {
        Kind::Kv => node.store().kv().write(key.as_bytes(), change, terms),
        _ => {
            let member = Member { kind, table: table.as_bytes(), key: key.as_bytes() };
            node.store().members().write(&member, change, terms)
        }
    }))
}

/// Merges records; gives what became of them, whatever work had to be done in between.
pub(super) fn merge(node: &Node, records: &[Owned]) -> Merged {
    let mut merged = Merged::default();
    for group in records.chunks(50) {
        merged = merged.and(node.call(|| node.store().merge(group.iter().map(Owned::replica))).unwrap());
    }
    assert_eq!(merged.applied + merged.ignored, records.len() as u64);
    if let Some(ticket) = merged.ticket.take() {
        ticket.wait().unwrap();
    }
    merged
}

/// Forgets slots; gives the number of records.
pub(super) fn forget(node: &Node, slots: Range<u16>) -> u64 {
    let mut forgetting = Forgetting::of(slots);
    while !forgetting.is_done() {
        match node.store().forget(&mut forgetting) {
            Err(Error::Busy(_)) => node.work().unwrap(),
            done => done.unwrap(),
        }
    }
    forgetting.records
}

/// Everything two stores tell is the same.
pub(super) fn assert_same(one: &Node, other: &Node) {
    let (one, other) = (one.store(), other.store());
    assert_eq!(scan_all(one, 0..SLOTS), scan_all(other, 0..SLOTS));
    assert_eq!(one.digest(0..SLOTS), other.digest(0..SLOTS));
    assert_eq!((one.kv_stat(), one.hash_stat()), (other.kv_stat(), other.hash_stat()));
    assert_eq!(one.table_stats(), other.table_stats());
}

/// Counts, sizes and digests of a store are those of the records it shows.
pub(super) fn assert_exact(node: &Node) {
    let store = node.store();
    let live: Vec<Owned> =
        scan_all(store, 0..SLOTS).into_iter().filter(|record| record.form == Form::Live).collect();
    let bytes = |kind: Kind| {
        let of_kind = live.iter().filter(move |record| record.kind == kind);
        let bytes = of_kind.map(|record| (record.key.len() + record.value.len()) as u64);
        bytes.fold((0, 0, 0), |(count, size, capacity), bytes| {
            (count + 1, size + bytes, capacity + bytes.next_multiple_of(1024))
        })
    };
    for (kind, stat) in [(Kind::Kv, store.kv_stat()), (Kind::Hash, store.hash_stat())] {
        assert_eq!((stat.count, stat.size, stat.capacity), bytes(kind), "{kind:?}");
    }
    let mut digests = vec![0u64; usize::from(SLOTS)];
    for record in &live {
        let table = match record.kind {
            Kind::Kv => 0,
            _ => u64::from_be_bytes(*crate::md5(record.table.as_bytes()).first_chunk().unwrap()),
        };
        let md5 = crate::md5(record.key.as_bytes());
        let digest = crate::tally::digest(record.kind, table, &md5, record.shown.stamp, record.shown.version);
        let sum = &mut digests[usize::from(record.slot())];
        *sum = sum.wrapping_add(digest);
    }
    assert_eq!(store.digest(0..SLOTS), digests);
    for table in store.table_stats() {
        let name = String::from_utf8(table.name.to_vec()).unwrap();
        let of = |kind: Kind| {
            live.iter().filter(|record| record.table == name && record.kind == kind).count() as u64
        };
        let Figures { hash, set, zset } = table.figures;
        assert_eq!((hash.count, set, zset), (of(Kind::Hash), of(Kind::Set), of(Kind::Zset)), "{name}");
    }
}
