//! What several nodes say of one queue, as one row. Pure.

use super::row::Row;

/// A queue of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// 1 = push.
    pub kind: u8,
    pub ready: [u64; 3],
    pub unacked: u64,
    pub max: u64,
    pub lock: u8,
    /// Minutes.
    pub timeout: u64,
    pub si: u64,
    pub ci: u64,
    /// Unix seconds.
    pub tm: u64,
}

/// The rows of one queue, in the order of the nodes; `None` if there are none.
pub fn merge<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Option<Merged> {
    let mut rows = rows.into_iter();
    let mut merged = Merged::from(rows.next()?);
    for row in rows {
        merged.add(row);
    }
    Some(merged)
}

impl From<&Row> for Merged {
    fn from(row: &Row) -> Merged {
        let Row { ready, unacked, max, timeout, si, ci, tm, .. } = *row;
        let (kind, lock) = (u8::from(row.is_push()), u8::from(row.lock != 0));
        Merged { kind, ready, unacked, max, lock, timeout, si, ci, tm }
    }
}

impl Merged {
    /// Takes in what one more node says.
    pub fn add(&mut self, row: &Row) {
        self.kind |= u8::from(row.is_push());
        for (sum, more) in self.ready.iter_mut().zip(row.ready) {
            *sum = sum.saturating_add(more);
        }
        self.unacked = self.unacked.saturating_add(row.unacked);
        self.lock |= u8::from(row.lock != 0);
        self.max = match (self.max, row.max) {
            (0, max) | (max, 0) => max,
            (one, other) => one.min(other),
        };
        self.timeout = self.timeout.max(row.timeout);
        if (row.ci, row.tm) > (self.ci, self.tm) {
            (self.si, self.ci, self.tm) = (row.si, row.ci, row.tm);
        }
    }

    /// Why a message more is refused by what all nodes have together.
    pub fn refuses(&self, more: u64) -> Option<String> {
        let ready = self.ready.iter().fold(more, |sum, count| sum.saturating_add(*count));
        match self.max {
            _ if self.lock != 0 => Some("locked".into()),
            max if max > 0 && ready > max => Some(format!("{max} messages are the limit")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ready: [u64; 3], max: u64, lock: u8, timeout: u64, [si, ci, tm]: [u64; 3]) -> Row {
        Row { ready, unacked: ready[0], max, lock, timeout, si, ci, tm, ..Row::default() }
    }

    #[test]
    fn each_field_has_its_rule() {
        assert_eq!(merge([]), None);
        let one = row([1, 2, 3], 0, 0, 5, [1, 9, 100]);
        let two = row([10, 20, 30], 70, 1, 7, [2, 9, 101]);
        let three = row([0, 0, 1], 60, 0, 6, [3, 8, 999]);
        let push = Row { number: 1, ..Row::default() };
        let merged = merge([&one, &two, &three, &push]).unwrap();
        let expected = Merged {
            kind: 1,
            ready: [11, 22, 34],
            unacked: 11,
            max: 60,
            lock: 1,
            timeout: 7,
            si: 2,
            ci: 9,
            tm: 101,
        };
        assert_eq!(merged, expected);
        let other = row([0; 3], 0, 0, 0, [7, 9, 100]);
        assert_eq!(merge([&one, &other]).unwrap().si, 1, "of two alike the first");
        assert_eq!(merge([&other, &one]).unwrap().si, 7);
        let huge = row([u64::MAX; 3], 0, 0, 0, [0; 3]);
        assert_eq!(merge([&huge, &huge]).unwrap().ready, [u64::MAX; 3]);
    }

    #[test]
    fn what_is_full_or_locked_refuses() {
        let merged = |ready, max, lock| Merged::from(&row(ready, max, lock, 0, [0; 3]));
        assert_eq!(merged([9, 9, 9], 0, 0).refuses(1000), None);
        assert_eq!(merged([1, 1, 1], 5, 0).refuses(2), None);
        assert_eq!(merged([1, 1, 1], 5, 0).refuses(3).unwrap(), "5 messages are the limit");
        assert_eq!(merged([0; 3], 0, 1).refuses(1).unwrap(), "locked");
    }
}
