//! The sorted map under the memtable's lock: a B+tree of keys over row storage.
//!
//! Insert and overwrite only. Leaves are chained both ways for scans; leaf 0 is always the leftmost, since a split
//! puts the new leaf on the right.

use crate::{Key, RowRef};

use super::{
    Direction,
    arena::Arena,
    node::{Inner, Leaf, NONE},
    rows::{Rows, Stored},
};

/// More levels than `u32` node numbers can fill: inner nodes have at least 16 children.
const MAX_HEIGHT: usize = 10;

/// Nodes and rows of one memtable.
pub(super) struct Tree {
    leaves: Arena<Leaf>,
    inners: Arena<Inner>,
    rows: Rows,
    root: u32,
    /// Inner levels above the leaves.
    height: usize,
    rightmost: u32,
    len: usize,
    /// Set once, under the write lock; nothing borrows the tree exclusively after that.
    pub(super) frozen: bool,
}

/// A row's place: leaf and position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    leaf: u32,
    at: u8,
}

impl Tree {
    pub(super) fn new() -> Tree {
        Tree {
            leaves: Arena::new(),
            inners: Arena::new(),
            rows: Rows::new(),
            root: 0,
            height: 0,
            rightmost: 0,
            len: 0,
            frozen: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.leaves.memory_bytes() + self.inners.memory_bytes() + self.rows.memory_bytes()
    }

    pub(super) fn wasted_bytes(&self) -> usize {
        self.rows.wasted_bytes()
    }

    /// Puts a row in, replacing the one of the same key.
    pub(super) fn insert(&mut self, key: Key, row: &RowRef<'_>) {
        if self.leaves.is_empty() {
            self.leaves.push(Leaf::new());
        }
        let mut path = [NONE; MAX_HEIGHT];
        let mut node = self.root;
        for step in &mut path[..self.height] {
            *step = node;
            node = self.inners.get(node).child(&key);
        }
        let leaf = self.leaves.get_mut(node);
        let at = leaf.keys.lower_bound(&key);
        if at < leaf.keys.len() && leaf.keys.get(at) == key {
            leaf.rows[at] = self.rows.replace(leaf.rows[at], row);
            return;
        }
        self.len += 1;
        let address = self.rows.push(row);
        if !leaf.is_full() {
            leaf.insert(at, key, address);
            return;
        }
        let mut right = leaf.split_insert(at, key, address);
        right.prev = node;
        right.next = leaf.next;
        self.link(node, right, &path);
    }

    /// Adds the new leaf `right` to the chain after `left`, and to the inner nodes on `path`.
    fn link(&mut self, left: u32, right: Leaf, path: &[u32; MAX_HEIGHT]) {
        let mut separator = right.keys.get(0);
        let after = right.next;
        let mut child = self.leaves.push(right);
        self.leaves.get_mut(left).next = child;
        if after == NONE {
            self.rightmost = child;
        } else {
            self.leaves.get_mut(after).prev = child;
        }
        for &parent in path[..self.height].iter().rev() {
            let inner = self.inners.get_mut(parent);
            if !inner.is_full() {
                inner.insert(separator, child);
                return;
            }
            let (raised, node) = inner.split_insert(separator, child);
            separator = raised;
            child = self.inners.push(node);
        }
        self.root = self.inners.push(Inner::new(self.root, separator, child));
        self.height += 1;
    }

    /// The leaf whose range holds `key`; the tree must not be empty.
    #[inline]
    fn leaf_of(&self, key: &Key) -> u32 {
        (0..self.height).fold(self.root, |node, _| self.inners.get(node).child(key))
    }

    #[inline]
    pub(super) fn get(&self, key: &Key) -> Option<Stored<'_>> {
        if self.leaves.is_empty() {
            return None;
        }
        let leaf = self.leaves.get(self.leaf_of(key));
        let at = leaf.keys.lower_bound(key);
        (at < leaf.keys.len() && leaf.keys.get(at) == *key).then(|| self.rows.get(leaf.rows[at]))
    }

    /// The first row in the given direction.
    pub(super) fn first(&self, direction: Direction) -> Option<Place> {
        match direction {
            _ if self.leaves.is_empty() => None,
            Direction::Forward => Some(Place { leaf: 0, at: 0 }),
            Direction::Backward => self.end_of(self.rightmost),
        }
    }

    /// The first row at or after `key` in the given direction.
    pub(super) fn seek(&self, key: &Key, direction: Direction) -> Option<Place> {
        if self.leaves.is_empty() {
            return None;
        }
        let leaf = self.leaf_of(key);
        let keys = &self.leaves.get(leaf).keys;
        match direction {
            Direction::Forward => match keys.lower_bound(key) {
                at if at < keys.len() => Some(Place { leaf, at: at as u8 }),
                _ => self.start_of(self.leaves.get(leaf).next),
            },
            Direction::Backward => match keys.upper_bound(key) {
                0 => self.end_of(self.leaves.get(leaf).prev),
                at => Some(Place { leaf, at: (at - 1) as u8 }),
            },
        }
    }

    /// The row after `place` in the given direction.
    #[inline]
    pub(super) fn next(&self, place: Place, direction: Direction) -> Option<Place> {
        let Place { leaf, at } = place;
        match direction {
            Direction::Forward if usize::from(at) + 1 < self.leaves.get(leaf).keys.len() => {
                Some(Place { leaf, at: at + 1 })
            }
            Direction::Forward => self.start_of(self.leaves.get(leaf).next),
            Direction::Backward if at > 0 => Some(Place { leaf, at: at - 1 }),
            Direction::Backward => self.end_of(self.leaves.get(leaf).prev),
        }
    }

    #[inline]
    pub(super) fn key(&self, place: Place) -> Key {
        self.leaves.get(place.leaf).keys.get(usize::from(place.at))
    }

    #[inline]
    pub(super) fn row(&self, place: Place) -> Stored<'_> {
        self.rows.get(self.leaves.get(place.leaf).rows[usize::from(place.at)])
    }

    // No leaf is ever empty once it is linked.
    fn start_of(&self, leaf: u32) -> Option<Place> {
        (leaf != NONE).then_some(Place { leaf, at: 0 })
    }

    fn end_of(&self, leaf: u32) -> Option<Place> {
        (leaf != NONE).then(|| Place { leaf, at: (self.leaves.get(leaf).keys.len() - 1) as u8 })
    }
}
