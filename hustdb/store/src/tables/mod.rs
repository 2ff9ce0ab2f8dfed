//! Tables: named hashes, sets and sorted sets.
//!
//! A name has a *number*, which stands for it in row keys, and a row in the engine that holds the number and the
//! counts of its live rows by type ([`Figures`]). That row changes in the same batch as the rows it counts, so it is
//! exact. In memory, the [`Directory`] holds the names that have live rows, with the same figures; it is what answers
//! whether a table is there and of which type.
//!
//! ```text
//! name row     (Meta, 0) md5(name)    -> user key: name, value: number and figures; stays while tombstones may need it
//! number row   (Meta, 1) md5(number)  -> user key: name
//! ```

mod counts;
mod directory;
mod figures;
mod load;
mod locate;
mod reap;
mod stat;

pub(crate) use counts::Counts;
pub(crate) use directory::{Directory, Pin, Table};
pub use figures::Figures;
pub(crate) use figures::NAME_ROW_BYTES_MAX;
pub(crate) use figures::NameRow;
pub(crate) use locate::{DAMAGED_NAME_ROW, Located, locate, name_key, name_of, name_of_row, number_key};

pub(crate) use load::load;
pub use reap::Reaped;
pub(crate) use reap::reap;
pub use stat::TableStat;

use crate::error::{Error, Result};

/// Longest name of a table, bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Refuses illegal names of tables.
pub(crate) fn check_name(name: &[u8]) -> Result<()> {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:.".contains(byte);
    match name.len() {
        0 => Err(Error::invalid("tb", "empty")),
        1..=MAX_NAME_BYTES if name.iter().all(legal) => Ok(()),
        1..=MAX_NAME_BYTES => Err(Error::invalid("tb", "not of 0-9 A-Z a-z _ : .")),
        _ => Err(Error::invalid("tb", format!("over {MAX_NAME_BYTES} bytes"))),
    }
}
