//! Nodes of the memtable's tree: up to [`FANOUT`] keys, kept word by word.
//!
//! A search compares first words only, in an array without gaps, and looks at the other two words just where first
//! words are equal. First words past the end are `u64::MAX`, so the search needs no length. Keys are only ever added:
//! there is no code that removes one.

use crate::Key;

/// Keys in a full node.
pub(super) const FANOUT: usize = 32;

/// No node: the end of the chain of leaves.
pub(super) const NONE: u32 = u32::MAX;

/// No position: see [`Leaf::last`].
const NOWHERE: u8 = u8::MAX;

/// First words are searched in groups of one cache line: one probe a group, then one group.
const GROUP: usize = 8;

/// Sorted keys, by word.
pub(super) struct Keys {
    w0: [u64; FANOUT],
    w1: [u64; FANOUT],
    w2: [u64; FANOUT],
    len: u8,
}

impl Keys {
    fn new() -> Keys {
        Keys { w0: [u64::MAX; FANOUT], w1: [0; FANOUT], w2: [0; FANOUT], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    fn is_full(&self) -> bool {
        self.len() == FANOUT
    }

    pub(super) fn get(&self, at: usize) -> Key {
        Key([self.w0[at], self.w1[at], self.w2[at]])
    }

    /// Number of first words less than `word`.
    #[inline]
    fn first_word_bound(&self, word: u64) -> usize {
        let (groups, _) = self.w0.as_chunks::<GROUP>();
        // All groups but the last: its probe would decide nothing.
        let group: usize =
            groups[..FANOUT / GROUP - 1].iter().map(|g| usize::from(g[GROUP - 1] < word)).sum();
        group * GROUP + groups[group].iter().map(|w| usize::from(*w < word)).sum::<usize>()
    }

    /// Position of the first key >= `key`; `len` if there is none.
    #[inline]
    pub(super) fn lower_bound(&self, key: &Key) -> usize {
        let at = self.first_word_bound(key.0[0]);
        if at >= self.len() || self.w0[at] != key.0[0] || self.get(at) >= *key {
            return at.min(self.len());
        }
        self.partition_from(at, |k| k < *key)
    }

    /// Position of the first key > `key`; `len` if there is none.
    #[inline]
    pub(super) fn upper_bound(&self, key: &Key) -> usize {
        let at = self.first_word_bound(key.0[0]);
        if at >= self.len() || self.w0[at] != key.0[0] {
            return at.min(self.len());
        }
        self.partition_from(at, |k| k <= *key)
    }

    /// First position from `low` on where `before` no longer holds.
    fn partition_from(&self, mut low: usize, before: impl Fn(Key) -> bool) -> usize {
        let mut high = self.len();
        while low < high {
            let middle = usize::midpoint(low, high);
            if before(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn insert(&mut self, at: usize, key: Key) {
        let len = self.len();
        for (words, word) in [&mut self.w0, &mut self.w1, &mut self.w2].into_iter().zip(key.0) {
            insert_at(words, len, at, word);
        }
        self.len += 1;
    }

    /// Moves the keys from `at` on into a new node.
    fn split_off(&mut self, at: usize) -> Keys {
        let mut right = Keys::new();
        let len = self.len();
        right.w0[..len - at].copy_from_slice(&self.w0[at..len]);
        right.w1[..len - at].copy_from_slice(&self.w1[at..len]);
        right.w2[..len - at].copy_from_slice(&self.w2[at..len]);
        right.len = (len - at) as u8;
        self.w0[at..].fill(u64::MAX);
        self.len = at as u8;
        right
    }
}

/// Inserts `value` at `at` into an array of which `len` elements are used.
fn insert_at<T: Copy>(array: &mut [T], len: usize, at: usize, value: T) {
    array.copy_within(at..len, at + 1);
    array[at] = value;
}

/// A leaf: keys, the addresses of their rows, and the leaves beside it.
pub(super) struct Leaf {
    pub(super) keys: Keys,
    /// Addresses in `Rows`.
    pub(super) rows: [u64; FANOUT],
    pub(super) prev: u32,
    pub(super) next: u32,
    /// Where the last insert went, to notice keys that come in order; [`NOWHERE`] after a split that trusted it.
    last: u8,
}

impl Leaf {
    pub(super) fn new() -> Leaf {
        Leaf { keys: Keys::new(), rows: [0; FANOUT], prev: NONE, next: NONE, last: NOWHERE }
    }

    pub(super) fn is_full(&self) -> bool {
        self.keys.is_full()
    }

    pub(super) fn insert(&mut self, at: usize, key: Key, row: u64) {
        insert_at(&mut self.rows, self.keys.len(), at, row);
        self.keys.insert(at, key);
        self.last = at as u8;
    }

    /// Splits this full leaf and inserts the key; returns the new right leaf. The caller links it.
    ///
    /// Keys that come in order leave full leaves behind instead of half-empty ones. A leaf is split that way at most
    /// once before it is split in the middle, so no order of keys makes more lone rows than full leaves.
    pub(super) fn split_insert(&mut self, at: usize, key: Key, row: u64) -> Leaf {
        let last = usize::from(self.last);
        let ascending = at == FANOUT && last == FANOUT - 1;
        let descending = at == 0 && last == 0;
        let cut = match (ascending, descending) {
            (true, _) => FANOUT,
            (_, true) => 0,
            _ => FANOUT / 2,
        };
        let mut right = Leaf::new();
        right.rows[..FANOUT - cut].copy_from_slice(&self.rows[cut..]);
        right.keys = self.keys.split_off(cut);
        self.last = NOWHERE;
        if at > cut || ascending {
            right.insert(at - cut, key, row);
        } else {
            self.insert(at, key, row);
        }
        right
    }
}

/// An inner node: `len + 1` children; child `i` holds the keys from separator `i - 1` on and below separator `i`.
pub(super) struct Inner {
    keys: Keys,
    children: [u32; FANOUT + 1],
}

impl Inner {
    pub(super) fn new(left: u32, separator: Key, right: u32) -> Inner {
        let mut inner = Inner { keys: Keys::new(), children: [NONE; FANOUT + 1] };
        inner.children[0] = left;
        inner.insert(separator, right);
        inner
    }

    pub(super) fn is_full(&self) -> bool {
        self.keys.is_full()
    }

    /// The child whose range holds `key`.
    #[inline]
    pub(super) fn child(&self, key: &Key) -> u32 {
        self.children[self.keys.upper_bound(key)]
    }

    /// Inserts a child and the separator on its left.
    pub(super) fn insert(&mut self, separator: Key, child: u32) {
        let at = self.keys.upper_bound(&separator);
        insert_at(&mut self.children, self.keys.len() + 1, at + 1, child);
        self.keys.insert(at, separator);
    }

    /// Splits this full node and inserts the child; returns the separator between the two and the new right node.
    pub(super) fn split_insert(&mut self, separator: Key, child: u32) -> (Key, Inner) {
        const CUT: usize = FANOUT / 2;
        let raised = self.keys.get(CUT);
        let mut right = Inner { keys: self.keys.split_off(CUT + 1), children: [NONE; FANOUT + 1] };
        right.children[..FANOUT - CUT].copy_from_slice(&self.children[CUT + 1..]);
        let _ = self.keys.split_off(CUT);
        if separator < raised {
            self.insert(separator, child);
        } else {
            right.insert(separator, child);
        }
        (raised, right)
    }
}
