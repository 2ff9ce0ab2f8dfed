//! What a listing reads: the engine as it goes on, or a snapshot of it.

use std::ops::ControlFlow;

use hust_engine::{Engine, Key, Lent, LentValue, Snapshot, Visited};

use crate::{
    error::{Error, Result},
    tables::{DAMAGED_NAME_ROW, NameRow, name_key, number_key},
};

/// Rows of now or of then.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reader<'a> {
    /// As they change.
    Now(&'a Engine),
    /// As they were.
    Then(&'a Snapshot),
}

/// What the rows of kind 4 say of a table.
#[derive(Clone, Debug)]
pub(crate) struct NamedTable {
    pub name: Box<[u8]>,
    pub row: NameRow,
}

/// User key and value.
type Standing = (Box<[u8]>, Vec<u8>);

impl Reader<'_> {
    /// Shows the rows of a range: see [`Engine::visit`].
    pub(crate) fn visit<B>(
        &self,
        partition: usize,
        from: Key,
        to: Key,
        copied: usize,
        show: impl FnMut(&Lent<'_>) -> ControlFlow<B>,
    ) -> Result<Visited<B>> {
        Ok(match self {
            Reader::Now(engine) => engine.visit(partition, from, to, copied, show)?,
            Reader::Then(snapshot) => snapshot.visit(partition, from, to, show)?,
        })
    }

    /// The table whose rows have this number. Of now there may be none yet: its first batch is under way.
    pub(crate) fn table_of_number(&self, number: u32, files: usize) -> Result<Option<NamedTable>> {
        let table = match self.standing(number_key(number), files)? {
            Some((name, _)) => self.table_of_name(&crate::address::md5(&name), files)?,
            None => None,
        };
        match (table, self) {
            (None, Reader::Then(_)) => Err(Error::Damaged("a row of a table without a name")),
            (table, _) => Ok(table.filter(|table| table.row.number == number)),
        }
    }

    /// The table whose name has this md5.
    pub(crate) fn table_of_name(&self, md5: &[u8; 16], files: usize) -> Result<Option<NamedTable>> {
        let Some((name, value)) = self.standing(name_key(*md5), files)? else { return Ok(None) };
        let row = NameRow::decode(&value).ok_or(Error::Damaged(DAMAGED_NAME_ROW))?;
        Ok(Some(NamedTable { name, row }))
    }

    /// User key and value of a row, unless it is a tombstone.
    fn standing(&self, key: Key, files: usize) -> Result<Option<Standing>> {
        match self {
            Reader::Now(engine) => {
                let row = engine.get(&key)?.filter(|row| !row.meta.is_tombstone());
                Ok(row.map(|row| (row.user_key().into(), row.value().to_vec())))
            }
            Reader::Then(_) => {
                let look = |lent: &Lent<'_>| ControlFlow::Break(copy(lent));
                match self.visit(key.partition(files.ilog2()), key, key, 1, look)? {
                    Visited::Broken(copied) => copied,
                    Visited::Done | Visited::More(_) => Ok(None),
                }
            }
        }
    }
}

fn copy(lent: &Lent<'_>) -> Result<Option<Standing>> {
    if lent.meta().is_tombstone() {
        return Ok(None);
    }
    let value = match lent.value()? {
        LentValue::Inline(bytes) => bytes.to_vec(),
        LentValue::Stored(slice) => slice.to_vec(),
        LentValue::Moved(_) => return Err(Error::Damaged("a snapshot that changes")),
    };
    Ok(Some((lent.user_key().into(), value)))
}
