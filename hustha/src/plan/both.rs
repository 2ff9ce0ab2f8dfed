//! The two masters' answers side by side, for get2 and its kin. Pure.

/// What one master has of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side<'a> {
    /// Its version; 0 where it is missing.
    pub version: u64,
    /// Its stamp; `None` where it is missing.
    pub stamp: Option<u64>,
    /// Its value; empty where it is missing.
    pub value: &'a [u8],
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Whether versions are equal.
    pub versions_equal: bool,
    /// Whether values are equal.
    pub values_equal: bool,
    /// Whether the masters have to be made equal.
    pub repair: bool,
    /// Whether the answer is 409.
    pub conflict: bool,
}

/// Compares two sides of which at least one has the record. `valueless`: the command answers no values.
pub fn compare(one: Side<'_>, two: Side<'_>, valueless: bool) -> Comparison {
    let versions_equal = one.version == two.version;
    let values_equal = one.value == two.value;
    let misses = one.stamp.is_none() || two.stamp.is_none();
    Comparison {
        versions_equal,
        values_equal: values_equal && !misses,
        repair: one != two,
        conflict: misses || !values_equal || (valueless && !versions_equal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_get2() {
        let side = |version, stamp, value| Side { version, stamp, value };
        let one = side(3, Some(7), b"a");
        let missing = side(0, None, b"");
        let table = [
            // other side, of values: conflict, repair; of no values: conflict
            (side(3, Some(7), b"a"), false, false, false),
            (side(3, Some(8), b"a"), false, true, false),
            (side(4, Some(8), b"a"), false, true, true),
            (side(3, Some(8), b"b"), true, true, true),
            (side(4, Some(8), b"b"), true, true, true),
            (missing, true, true, true),
        ];
        for (two, conflict, repair, valueless) in table {
            for (left, right) in [(one, two), (two, one)] {
                let got = compare(left, right, false);
                assert_eq!((got.conflict, got.repair), (conflict, repair), "{left:?} {right:?}");
                assert_eq!(got.versions_equal, two.version == 3);
                assert_eq!(compare(left, right, true).conflict, valueless || conflict, "{left:?} {right:?}");
            }
        }
        let empty = side(1, Some(7), b"");
        assert!(compare(empty, missing, false).conflict, "an empty value is not a missing one");
    }
}
