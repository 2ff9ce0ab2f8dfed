//! Commands on plain values, and those that work on both kinds.

use super::{
    Cache, Result, Value,
    entry::{Entry, NEVER, bytes},
    error::Error,
    held::Held,
};

const MS_PER_S: u64 = 1000;

/// How long an entry is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    /// So many seconds, rounded up.
    Seconds(u64),
    /// For ever.
    Forever,
}

impl Cache {
    /// Whether there is a value or a table.
    pub fn exist(&self, key: &[u8]) -> Result<bool> {
        self.shards.with(key, |held| {
            let found = held.entry().map(|_| ());
            Ok(held.count(found).is_some())
        })
    }

    /// The value.
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>> {
        self.shards.with(key, |held| {
            let found = held.plain()?.cloned();
            Ok(held.count(found))
        })
    }

    /// How long a value or table is still there; `None` if it is absent.
    pub fn ttl(&self, key: &[u8]) -> Result<Option<Ttl>> {
        self.shards.with(key, |held| {
            let now_ms = held.now_ms;
            let found = held.entry().map(|entry| match entry.expire_ms {
                NEVER => Ttl::Forever,
                expire_ms => Ttl::Seconds((expire_ms - now_ms).div_ceil(MS_PER_S)),
            });
            Ok(held.count(found))
        })
    }

    /// Puts a value in the place of a value or table.
    pub fn put(&self, key: &[u8], value: &[u8], ttl_s: Option<u32>) -> Result<()> {
        let value = Value::copy(value);
        self.shards.with(key, |held| {
            let expire_ms = ttl_s.map_or(NEVER, |ttl_s| expire_ms(held, ttl_s));
            held.insert(Entry::plain(key, value.clone(), expire_ms))
        })
    }

    /// Appends to a value, which keeps its expiry; without one, puts it.
    pub fn append(&self, key: &[u8], more: &[u8]) -> Result<()> {
        self.shards.with(key, |held| {
            let now = held.plain()?.map(|value| (value.as_ref().len(), value.capacity()));
            let len = now.map_or(0, |(len, _)| len) + more.len();
            if len > self.value_max_bytes {
                return Err(Error::TooLong(self.value_max_bytes).into());
            }
            let Some((_, before)) = now else {
                return held.insert(Entry::plain(key, Value::copy(more), NEVER));
            };
            let capacity = if len <= before { before } else { self.capacity(held, before, len) };
            held.resize(bytes(before), bytes(capacity))?;
            if let Some(value) = held.plain()? {
                value.append(more, capacity);
            }
            Ok(())
        })
    }

    /// What a value of `len` bytes gets that is appended to: a quarter more, so that many small pieces are not many
    /// copies; nothing more where that would be too much.
    fn capacity(&self, held: &mut Held<'_, '_>, before: usize, len: usize) -> usize {
        let spare = (len + len / 4).min(self.value_max_bytes);
        if held.fits(bytes(before), bytes(spare)) { spare } else { len }
    }

    /// Deletes a value or table; `false` if it is absent.
    pub fn del(&self, key: &[u8]) -> Result<bool> {
        self.shards.with(key, |held| {
            let found = held.entry().is_some();
            held.remove();
            Ok(found)
        })
    }

    /// Lets a value or table expire after so many seconds; `false` if it is absent.
    pub fn expire(&self, key: &[u8], ttl_s: u32) -> Result<bool> {
        self.shards.with(key, |held| {
            let expire_ms = expire_ms(held, ttl_s);
            Ok(held.entry().map(|entry| entry.expire_ms = expire_ms).is_some())
        })
    }

    /// Takes the expiry off a value or table; `false` if it is absent or has none.
    pub fn persist(&self, key: &[u8]) -> Result<bool> {
        self.shards.with(key, |held| {
            let expiring = held.entry().filter(|entry| entry.expire_ms != NEVER);
            Ok(expiring.map(|entry| entry.expire_ms = NEVER).is_some())
        })
    }
}

fn expire_ms(held: &Held<'_, '_>, ttl_s: u32) -> u64 {
    held.now_ms.saturating_add(u64::from(ttl_s) * MS_PER_S)
}
