//! Tables as their users see them: built from a map, opened, compared with the map.

mod cursors;
mod damage;
mod hostile;
mod residency;
mod round_trip;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tempfile::TempDir;

use super::{BlockCache, Find, Table, TableBuilder, TableMeta, TableOptions};
use crate::{
    Cold, Key, Meta, Pointer, Result, RowRef, Value,
    key::ORDERED_TABLE_BIT,
    row::{EXPIRED, PURGE, TOMBSTONE},
    vfs::{RealVfs, Vfs, VfsFile},
};

/// A row that owns its bytes.
#[derive(Clone, Debug, PartialEq)]
struct Owned {
    meta: Meta,
    user_key: Vec<u8>,
    value: std::result::Result<Vec<u8>, Pointer>,
}

impl Owned {
    fn plain(user_key: &[u8], value: &[u8]) -> Owned {
        let meta = Meta { stamp: 1000 << 16, version: 1, ..Meta::default() };
        Owned { meta, user_key: user_key.to_vec(), value: Ok(value.to_vec()) }
    }

    fn row(&self) -> RowRef<'_> {
        let value = match &self.value {
            Ok(bytes) => Value::Inline(bytes),
            Err(pointer) => Value::Stored(*pointer),
        };
        RowRef { meta: self.meta, user_key: &self.user_key, value }
    }
}

type Model = BTreeMap<Key, Owned>;

/// A folder with one table file in it.
struct Fixture {
    _dir: TempDir,
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    meta: TableMeta,
}

const GRACE_MS: u64 = 50;

impl Fixture {
    fn build(model: &Model, block_bytes: usize, compress: bool) -> Fixture {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("table");
        let file = RealVfs.create(&path).unwrap();
        let options = TableOptions { block_bytes, compress, grace_ms: GRACE_MS };
        let mut builder = TableBuilder::new(file.clone(), path.clone(), 0x1_0000_0007, options);
        for (key, row) in model {
            builder.add(*key, &row.row()).unwrap();
        }
        assert_eq!(builder.rows(), model.len() as u64);
        let meta = builder.finish().unwrap();
        Fixture { _dir: dir, path, file, meta }
    }

    fn open(&self) -> Result<Arc<Table>> {
        let cache = Arc::new(BlockCache::new(1 << 20));
        Table::open(&*self.file, self.path.clone(), &self.meta, cache)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.file.len().unwrap() as usize];
        assert_eq!(self.file.read_at(&mut bytes, 0).unwrap(), bytes.len());
        bytes
    }
}

/// What the table says of `key`.
fn find(table: &Table, key: Key) -> Result<Option<Owned>> {
    match table.get(&key, key.filter_hash(), Cold::Read)? {
        Find::Absent => Ok(None),
        Find::Cold => panic!("a read that may wait was refused"),
        Find::Row(found) => {
            let user_key = found.user_key().to_vec();
            let value = found.pointer.map_or_else(|| Ok(found.after_key().to_vec()), Err);
            Ok(Some(Owned { meta: found.meta, user_key, value }))
        }
    }
}

/// xorshift: repeatable, and good enough to scatter test data.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    fn md5(&mut self) -> [u8; 16] {
        (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes()
    }

    /// A key of one of the kinds that exist, or one of no kind.
    fn key(&mut self) -> Key {
        match self.below(8) {
            0..3 => Key::hashed(1, self.md5()),
            3 => Key::hashed(0x1000_0000 + self.below(5) as u32, self.md5()),
            4 => self.tail_key(self.0 & 3, |rng| rng.below(1000) << 20, 8),
            5 => self.tail_key(5, |rng| rng.below(2000), 0),
            6 => self.tail_key(6, |rng| i64::MIN.cast_unsigned() ^ rng.below(100), 12),
            _ => Key([self.next() >> self.below(64), self.next() << self.below(64), self.next()]),
        }
    }

    fn tail_key(&mut self, table: u64, number: impl Fn(&mut Rng) -> u64, random: usize) -> Key {
        let mut tail = [0; 20];
        tail[..8].copy_from_slice(&number(self).to_be_bytes());
        tail[8..8 + random].copy_from_slice(&self.bytes(random));
        Key::new(ORDERED_TABLE_BIT | table as u32, tail)
    }

    fn row(&mut self) -> Owned {
        let stamp = (1_700_000_000_000 + self.below(100_000)) << 16 | self.below(9);
        let expire_ms = if self.below(5) == 0 { 1_800_000_000_000 + self.below(1 << 30) } else { 0 };
        let flags = match self.below(10) {
            0 => TOMBSTONE,
            1 => TOMBSTONE | [PURGE, EXPIRED, 0xF0][self.below(3) as usize],
            2 => 0x50,
            _ => 0,
        };
        let version = if self.below(30) == 0 { self.next() } else { self.below(300) };
        let user_key_len = if self.below(100) == 0 { 65_536 } else { self.below(40) } as usize;
        let value_len = match self.below(300) {
            0 => 400_000,
            1..40 => 0,
            _ => self.below(300),
        } as usize;
        let value = match self.below(4) {
            _ if flags & TOMBSTONE != 0 => Ok(Vec::new()),
            0 => Err(self.pointer()),
            1 => Ok(vec![b'v'; value_len]),
            _ => Ok(self.bytes(value_len)),
        };
        let meta = Meta { stamp, version, expire_ms, flags };
        Owned { meta, user_key: self.bytes(user_key_len), value }
    }

    fn pointer(&mut self) -> Pointer {
        let len = self.below(1 << 20) as u32;
        Pointer {
            segment: self.below(200) as u32,
            offset: self.next() as u32,
            len,
            raw_len: len + self.below(3) as u32,
            crc: self.next() as u32,
        }
    }

    fn model(&mut self, rows: usize) -> Model {
        (0..rows).map(|_| (self.key(), self.row())).collect()
    }
}
