//! Writing: read, decide and append under the partitions' writer locks, acknowledge by a ticket.
//!
//! ```text
//! lock the partitions of all keys, ascending
//!   read the old rows               (from memory only; a cold row is read with no lock held, then all begins again)
//!   decide                          (the caller: versions, merges, counters)
//!   append one record to the log    -> position; nothing is visible or changed if this fails
//!   insert into the memtables, change the accounts
//! unlock -> Ticket
//! ```
//!
//! A crash after the append and before the ticket may keep or lose the batch, whole in either case.

use std::sync::atomic::Ordering::Relaxed;

use parking_lot::MutexGuard;
use smallvec::SmallVec;

use crate::{
    Error, Result,
    batch::{Batch, Put},
    engine::{Engine, Inner},
    fetch::{Cold, Fetch},
    head::Head,
    key::Key,
    log::{DecodedEntry, Entry, EntryValue, Kill, Pointers, Tally, Ticket, ValueRead},
    partition::Writer,
    row::{Pointer, Value},
};

/// What each put of a batch replaces in the content log.
type Kills = SmallVec<[Option<Kill>; 2]>;

/// How often an update reads what is cold without holding the lock before it does so under it.
const UNLOCKED_READS_MAX: usize = 3;

impl Engine {
    /// Reads the rows of `keys`, lets `decide` fill a batch, and commits it; no other write to these keys comes between.
    /// `decide` may be called several times; only what it does in its last call counts. May block on the disk.
    ///
    /// `Busy` and `Full`: nothing was done. An error of `decide` is returned and nothing is done.
    pub fn update<'v, T>(
        &self,
        keys: &[Key],
        mut decide: impl FnMut(&[Option<Head>], &mut Batch<'v>) -> Result<T>,
    ) -> Result<(T, Ticket)> {
        for _ in 0..UNLOCKED_READS_MAX {
            if let Fetch::Ready(done) = self.inner.attempt(keys, &mut decide, Cold::Refuse)? {
                return Ok(done);
            }
            for key in keys {
                self.get(key)?;
            }
        }
        loop {
            if let Fetch::Ready(done) = self.inner.attempt(keys, &mut decide, Cold::Read)? {
                return Ok(done);
            }
        }
    }

    /// [`Engine::update`] that answers `Cold`, with nothing done, where it would have to read from the disk.
    pub fn try_update<'v, T>(
        &self,
        keys: &[Key],
        mut decide: impl FnMut(&[Option<Head>], &mut Batch<'v>) -> Result<T>,
    ) -> Result<Fetch<(T, Ticket)>> {
        self.inner.attempt(keys, &mut decide, Cold::Refuse)
    }
}

/// The writer locks held by one update, in ascending order of the partitions.
struct Locked<'e> {
    inner: &'e Inner,
    guards: SmallVec<[(usize, MutexGuard<'e, Writer>); 2]>,
}

impl<'e> Locked<'e> {
    fn take(inner: &'e Inner, keys: impl Iterator<Item = Key>) -> Locked<'e> {
        let mut wanted: SmallVec<[usize; 4]> = SmallVec::new();
        for key in keys {
            wanted.push(key.partition(inner.options.partition_bits));
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut guards = SmallVec::new();
        for index in wanted {
            guards.push((index, inner.partitions[index].lock()));
        }
        Locked { inner, guards }
    }

    fn writer(&mut self, key: &Key) -> Option<&mut Writer> {
        let index = key.partition(self.inner.options.partition_bits);
        self.guards.iter_mut().find(|(held, _)| *held == index).map(|(_, guard)| &mut **guard)
    }

    fn covers(&mut self, batch: &Batch<'_>) -> bool {
        batch.puts.iter().all(|put| self.writer(&put.key).is_some())
    }
}

impl Inner {
    fn attempt<'v, T>(
        &self,
        keys: &[Key],
        decide: &mut impl FnMut(&[Option<Head>], &mut Batch<'v>) -> Result<T>,
        cold: Cold,
    ) -> Result<Fetch<(T, Ticket)>> {
        self.admit_write()?;
        let mut locked = Locked::take(self, keys.iter().copied());
        let mut batch = Batch::default();
        let mut heads: SmallVec<[Option<Head>; 2]> = SmallVec::new();
        loop {
            heads.clear();
            for key in keys {
                match self.partition(key).view().find(key, cold)? {
                    Fetch::Ready(head) => heads.push(head),
                    Fetch::Cold => return Ok(Fetch::Cold),
                }
            }
            batch.clear();
            let outcome = decide(&heads, &mut batch)?;
            if batch.is_empty() {
                // What the caller saw and judged must be durable before it says so.
                return Ok(Fetch::Ready((outcome, self.log.ticket(self.log.end()))));
            }
            if !locked.covers(&batch) {
                // The batch reaches into other partitions: take their locks too, in order, and decide anew.
                drop(locked);
                let all = keys.iter().copied().chain(batch.puts.iter().map(|put| put.key));
                locked = Locked::take(self, all);
                continue;
            }
            let Some(kills) = self.kills(keys, &heads, &batch, cold)? else { return Ok(Fetch::Cold) };
            let ticket = self.commit(&mut locked, &mut batch, &kills)?;
            drop(locked);
            self.keep_pace();
            return Ok(Fetch::Ready((outcome, ticket)));
        }
    }

    /// The stored value that each put replaces; `None` if that would take a read from the disk.
    fn kills(
        &self,
        keys: &[Key],
        heads: &[Option<Head>],
        batch: &Batch<'_>,
        cold: Cold,
    ) -> Result<Option<Kills>> {
        let mut kills = Kills::new();
        for put in &batch.puts {
            let pointer = match keys.iter().position(|key| *key == put.key) {
                Some(at) => heads.get(at).and_then(|head| head.as_ref()?.pointer),
                None => match self.partition(&put.key).view().find(&put.key, cold)? {
                    Fetch::Ready(head) => head.and_then(|head| head.pointer),
                    Fetch::Cold => return Ok(None),
                },
            };
            kills.push(pointer.map(|pointer| Kill { segment: pointer.segment, len: pointer.len }));
        }
        Ok(Some(kills))
    }

    /// Appends and applies a batch whose partitions are locked.
    fn commit(&self, locked: &mut Locked<'_>, batch: &mut Batch<'_>, kills: &Kills) -> Result<Ticket> {
        if let Some(what) = batch.fault() {
            return Err(Error::Invalid(what.into()));
        }
        let (puts, groups) = batch.parts();
        // Stays empty, and allocates nothing, where nothing is to be compressed.
        let packed: Vec<Option<Vec<u8>>> =
            if self.options.compress { puts.iter().map(|put| self.pack(put)).collect() } else { Vec::new() };
        let mut entries: SmallVec<[Entry<'_>; 2]> = SmallVec::new();
        for (at, ((put, kill), tallies)) in puts.iter().zip(kills).zip(groups).enumerate() {
            let packed = packed.get(at).and_then(Option::as_deref);
            entries.push(self.entry(put, packed, *kill, tallies));
        }
        self.append(locked, &entries, self.monotonic_ms())
    }

    /// Appends entries and applies them to memtables and accounts. The partitions are locked. `now_ms` 0 = not on behalf
    /// of a client, so the engine may pass for idle.
    fn append(&self, locked: &mut Locked<'_>, entries: &[Entry<'_>], now_ms: u64) -> Result<Ticket> {
        let mut pointers = Pointers::new();
        let appended = self.log.append(entries, &mut pointers)?;
        let since_bytes = self.appended_bytes.fetch_add(appended.end - appended.start, Relaxed);
        for (entry, pointer) in entries.iter().zip(&pointers) {
            let partition = self.partition(&entry.key);
            if let Some(writer) = locked.writer(&entry.key) {
                partition.apply(writer, &applied(entry, *pointer), since_bytes, now_ms);
            }
            self.max_stamp.fetch_max(entry.meta.stamp, Relaxed);
        }
        Ok(self.log.ticket(appended.end))
    }

    fn entry<'a>(
        &self,
        put: &Put<'a>,
        packed: Option<&'a [u8]>,
        kill: Option<Kill>,
        tallies: &'a [Tally],
    ) -> Entry<'a> {
        let value = match packed {
            Some(bytes) => EntryValue::Large { bytes, raw_len: put.value.len() as u32 },
            None if put.value.len() > self.options.inline_max as usize => {
                EntryValue::Large { bytes: put.value, raw_len: put.value.len() as u32 }
            }
            None => EntryValue::Inline(put.value),
        };
        Entry { key: put.key, meta: put.meta, user_key: put.user_key, value, kill, tallies }
    }

    /// A large value compressed, if that is asked for and pays.
    fn pack(&self, put: &Put<'_>) -> Option<Vec<u8>> {
        if put.value.len() <= self.options.inline_max as usize {
            return None;
        }
        let packed = snap::raw::Encoder::new().compress_vec(put.value).ok()?;
        (packed.len() < put.value.len()).then_some(packed)
    }

    /// Points a row to another place of its value, unless it was replaced meanwhile. Used by collection only; pays no
    /// heed to pressure, since it is what relieves it.
    pub fn repoint(&self, key: &Key, from: Pointer, to: Pointer) -> Result<Option<Ticket>> {
        let mut locked = Locked::take(self, std::iter::once(*key));
        let Fetch::Ready(Some(head)) = self.partition(key).view().find(key, Cold::Read)? else {
            return Ok(None);
        };
        if head.pointer != Some(from) {
            return Ok(None);
        }
        let kill = Some(Kill { segment: from.segment, len: from.len });
        let value = EntryValue::Stored(to);
        let entry =
            Entry { key: *key, meta: head.meta, user_key: head.user_key(), value, kill, tallies: &[] };
        self.append(&mut locked, &[entry], 0).map(Some)
    }

    /// Whether a row's newest place is this one; as of now, without a lock.
    pub fn is_current(&self, key: &Key, pointer: Pointer) -> Result<bool> {
        match self.partition(key).view().find(key, Cold::Read)? {
            Fetch::Ready(Some(head)) => Ok(head.pointer == Some(pointer)),
            _ => Ok(false),
        }
    }

    /// The bytes of a stored value as they lie in the log.
    pub fn stored_bytes(&self, pointer: &Pointer) -> Result<Option<crate::slice::Slice>> {
        let as_stored = Pointer { raw_len: pointer.len, ..*pointer };
        Ok(match self.log.read(as_stored, Cold::Read)? {
            ValueRead::Ready(bytes) => Some(bytes),
            ValueRead::Cold | ValueRead::Gone => None,
        })
    }
}

/// An entry as memtables and accounts take it: large values have become pointers.
fn applied<'a>(entry: &Entry<'a>, pointer: Option<Pointer>) -> DecodedEntry<'a> {
    let value = match (entry.value, pointer) {
        (EntryValue::Stored(pointer), _) | (EntryValue::Large { .. }, Some(pointer)) => {
            Value::Stored(pointer)
        }
        (EntryValue::Inline(bytes) | EntryValue::Large { bytes, .. }, _) => Value::Inline(bytes),
    };
    let Entry { key, meta, user_key, kill, tallies, .. } = *entry;
    DecodedEntry { key, meta, user_key, value, kill, tallies }
}
