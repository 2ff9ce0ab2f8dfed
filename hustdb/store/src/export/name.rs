//! What a snapshot is called, also as a file.
//!
//! The name of the file says what the snapshot is of, so that a file whose bytes are damaged still tells which snapshot
//! is. Names of tables have no byte that a file system minds.

use std::ops::Range;

use crate::{
    address::SLOTS,
    tables::{MAX_NAME_BYTES, check_name},
};

const SUFFIX: &str = ".rows";
const UNFINISHED_SUFFIX: &str = ".tmp";

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A file.
    File(usize),
    /// A table.
    Table(Box<[u8]>),
}

/// Name of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SnapshotName {
    pub subject: Subject,
    pub slots: Range<u16>,
    pub values: bool,
}

impl SnapshotName {
    /// The name of its file: token, slots, `v` with values or `k`, `f` for a file or `t` for a table.
    pub(crate) fn file_name(&self, token: u64) -> String {
        let Range { start, end } = self.slots;
        let values = if self.values { 'v' } else { 'k' };
        match &self.subject {
            Subject::File(file) => format!("{token}_{start}_{end}_{values}_f_{file}{SUFFIX}"),
            Subject::Table(name) => {
                let name = String::from_utf8_lossy(name);
                format!("{token}_{start}_{end}_{values}_t_{name}{SUFFIX}")
            }
        }
    }

    /// Token and name of a file that [`SnapshotName::file_name`] named.
    pub(crate) fn of_file(file_name: &str) -> Option<(u64, SnapshotName)> {
        let mut parts = file_name.strip_suffix(SUFFIX)?.splitn(6, '_');
        let token = parts.next()?.parse().ok()?;
        let slots: Range<u16> = parts.next()?.parse().ok()?..parts.next()?.parse().ok()?;
        let values = match parts.next()? {
            "v" => true,
            "k" => false,
            _ => return None,
        };
        let subject = match (parts.next()?, parts.next()?) {
            ("f", file) => Subject::File(file.parse().ok()?),
            ("t", name) if name.len() <= MAX_NAME_BYTES => {
                check_name(name.as_bytes()).ok()?;
                Subject::Table(name.as_bytes().into())
            }
            _ => return None,
        };
        let name = SnapshotName { subject, slots, values };
        // Numbers have one spelling.
        let own = name.slots.end <= SLOTS && name.file_name(token) == file_name;
        own.then_some((token, name))
    }
}

/// The file of a snapshot that is being written.
pub(crate) fn unfinished(token: u64) -> String {
    format!("{token}{UNFINISHED_SUFFIX}")
}

/// Whether a crash left this file behind.
pub(crate) fn is_unfinished(file_name: &str) -> bool {
    file_name.strip_suffix(UNFINISHED_SUFFIX).is_some_and(|token| token.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_back() {
        let table = |name: &str| Subject::Table(name.as_bytes().into());
        for subject in [Subject::File(0), Subject::File(255), table("a"), table("a_b:c.rows"), table("_")] {
            for (slots, values) in [(0..1024, true), (5..6, false)] {
                let name = SnapshotName { subject: subject.clone(), slots, values };
                let file = name.file_name(1_700_000_000_000_000);
                assert_eq!(SnapshotName::of_file(&file), Some((1_700_000_000_000_000, name)), "{file}");
                assert!(!is_unfinished(&file));
            }
        }
        assert!(is_unfinished(&unfinished(7)));
        for other in [
            "",
            "x",
            "7.tmp",
            "7_0_1024_v_f_1",
            "7_0_1024_v_f_01.rows",
            "7_0_1025_v_f_1.rows",
            "7_0_9_x_f_1.rows",
            "7_0_9_v_t_.rows",
            "7_0_9_v_t_a-b.rows",
            "07_0_9_v_f_1.rows",
            "7_0_9_v_f_+1.rows",
        ] {
            assert_eq!(SnapshotName::of_file(other), None, "{other}");
        }
    }
}
