//! Which of two records with one identity is greater.
//!
//! The order is `(stamp, version, form, value bytes, expiry)`, expiry 0 greatest, forms in the order live < remains <
//! tombstone. *Remains* are what the sweep leaves of an expired record: its meta without its value. They stand just
//! above every live record of the same stamp and version, so turning a record into its remains is a step up in the
//! order like any merge, and nodes that sweep at different times still end with the same data. Merging keeps the
//! greater record whole; a maximum over a total order is commutative, associative and idempotent.

use std::cmp::Ordering;

use hust_engine::{Meta, row::EXPIRED};

/// What is left of the order once stamp and version are equal.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Live,
    Remains,
    Tombstone,
}

fn form(meta: &Meta) -> Form {
    match (meta.is_tombstone(), meta.flags & EXPIRED != 0) {
        (false, _) => Form::Live,
        (true, true) => Form::Remains,
        (true, false) => Form::Tombstone,
    }
}

/// Expiry as it is ordered: never is last.
fn by_expiry(left: &Meta, right: &Meta) -> Ordering {
    let order = |meta: &Meta| if meta.expire_ms == 0 { u64::MAX } else { meta.expire_ms };
    order(left).cmp(&order(right))
}

/// The order of two records as far as their meta decides; `None`: look at the values with [`by_value`].
pub fn by_meta(left: &Meta, right: &Meta) -> Option<Ordering> {
    let key = |meta: &Meta| (meta.stamp, meta.version, form(meta));
    match key(left).cmp(&key(right)) {
        Ordering::Equal if form(left) == Form::Live => None,
        Ordering::Equal => Some(by_expiry(left, right)),
        order => Some(order),
    }
}

/// The order of two live records of one stamp and version whose values have this order.
pub fn by_value(values: Ordering, left: &Meta, right: &Meta) -> Ordering {
    values.then_with(|| by_expiry(left, right))
}

/// Whether `remains` can be what is left of `live`.
pub fn is_remains_of(remains: &Meta, live: &Meta) -> bool {
    let key = |meta: &Meta| (meta.stamp, meta.version, meta.expire_ms);
    form(remains) == Form::Remains && form(live) == Form::Live && key(remains) == key(live)
}

#[cfg(test)]
mod tests {
    use hust_engine::row::TOMBSTONE;

    use super::*;

    fn meta(stamp: u64, version: u64, expire_ms: u64, flags: u8) -> Meta {
        Meta { stamp, version, expire_ms, flags }
    }

    #[test]
    fn each_part_of_the_order_decides_in_its_turn() {
        let base = meta(5, 5, 0, 0);
        assert_eq!(by_meta(&meta(6, 1, 9, 0), &meta(5, 5, 0, TOMBSTONE)), Some(Ordering::Greater));
        assert_eq!(by_meta(&meta(5, 6, 9, 0), &meta(5, 5, 0, TOMBSTONE)), Some(Ordering::Greater));
        assert_eq!(by_meta(&meta(5, 5, 0, TOMBSTONE), &base), Some(Ordering::Greater));
        assert_eq!(by_meta(&meta(5, 5, 9, TOMBSTONE | EXPIRED), &base), Some(Ordering::Greater));
        assert_eq!(
            by_meta(&meta(5, 5, 9, TOMBSTONE | EXPIRED), &meta(5, 5, 0, TOMBSTONE)),
            Some(Ordering::Less)
        );
        assert_eq!(by_meta(&meta(5, 5, 0, TOMBSTONE), &meta(5, 5, 0, TOMBSTONE)), Some(Ordering::Equal));
        assert_eq!(by_meta(&base, &meta(5, 5, 9, 0)), None);
        assert_eq!(by_value(Ordering::Less, &base, &meta(5, 5, 9, 0)), Ordering::Less);
        assert_eq!(by_value(Ordering::Equal, &base, &meta(5, 5, 9, 0)), Ordering::Greater);
        assert_eq!(by_value(Ordering::Equal, &meta(5, 5, 8, 0), &meta(5, 5, 9, 0)), Ordering::Less);
    }

    #[test]
    fn remains_know_what_they_are_left_of() {
        let remains = meta(5, 5, 9, TOMBSTONE | EXPIRED);
        assert!(is_remains_of(&remains, &meta(5, 5, 9, 0)));
        assert!(!is_remains_of(&remains, &meta(5, 5, 8, 0)));
        assert!(!is_remains_of(&remains, &remains));
        assert!(!is_remains_of(&meta(5, 5, 0, TOMBSTONE), &meta(5, 5, 0, 0)));
    }
}
