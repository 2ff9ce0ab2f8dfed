//! Items by key, in the order of their last use.
//!
//! The items lie in a dense map; the order is a list of places in it. Taking one away moves the last item into its
//! place, so the map never has holes and gives memory back, also when a few large items follow many small ones.
//! Invariant: the list visits every place once, with ticks that never fall from the oldest to the newest.

use std::hash::RandomState;

use indexmap::IndexMap;

/// No place.
const NONE: usize = usize::MAX;
/// Maps with room for so few items are not worth shrinking.
const SHRINK_FROM: usize = 64;

/// The map.
#[derive(Debug)]
pub(super) struct Lru<T> {
    nodes: IndexMap<Box<[u8]>, Node<T>, RandomState>,
    oldest: usize,
    newest: usize,
}

#[derive(Debug)]
struct Node<T> {
    item: T,
    /// When it was last used.
    tick: u64,
    older: usize,
    newer: usize,
}

impl<T> Lru<T> {
    pub(super) fn new() -> Lru<T> {
        Lru { nodes: IndexMap::default(), oldest: NONE, newest: NONE }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// When the oldest was last used; `u64::MAX` if there is none.
    pub(super) fn oldest_tick(&self) -> u64 {
        self.nodes.get_index(self.oldest).map_or(u64::MAX, |(_, node)| node.tick)
    }

    /// The item, not used by that.
    pub(super) fn get_mut(&mut self, key: &[u8]) -> Option<&mut T> {
        self.nodes.get_mut(key).map(|node| &mut node.item)
    }

    /// The item, from now on the newest.
    pub(super) fn touch(&mut self, key: &[u8], tick: u64) -> Option<&mut T> {
        let at = self.nodes.get_index_of(key)?;
        self.unlink(at);
        self.link_newest(at, tick);
        self.nodes.get_index_mut(at).map(|(_, node)| &mut node.item)
    }

    /// Puts an item in as the newest; returns the one whose place it takes.
    pub(super) fn insert(&mut self, key: &[u8], item: T, tick: u64) -> Option<T> {
        if let Some(place) = self.touch(key, tick) {
            return Some(std::mem::replace(place, item));
        }
        let (at, _) = self.nodes.insert_full(key.into(), Node { item, tick, older: NONE, newer: NONE });
        self.link_newest(at, tick);
        None
    }

    /// Takes an item out.
    pub(super) fn remove(&mut self, key: &[u8]) -> Option<T> {
        let at = self.nodes.get_index_of(key)?;
        self.take(at)
    }

    /// Takes out the item that was not used for longest, `except` this key.
    pub(super) fn pop_oldest(&mut self, except: &[u8]) -> Option<T> {
        let (key, node) = self.nodes.get_index(self.oldest)?;
        let at = if **key == *except { node.newer } else { self.oldest };
        self.take(at)
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        self.nodes.iter().map(|(key, node)| (&**key, &node.item))
    }

    fn take(&mut self, at: usize) -> Option<T> {
        if at >= self.nodes.len() {
            return None;
        }
        self.unlink(at);
        let (_, node) = self.nodes.swap_remove_index(at)?;
        if let Some((_, moved)) = self.nodes.get_index(at) {
            let (older, newer) = (moved.older, moved.newer);
            self.join(older, at);
            self.join(at, newer);
        }
        if self.nodes.capacity() >= SHRINK_FROM && self.nodes.len() * 4 <= self.nodes.capacity() {
            self.nodes.shrink_to(self.nodes.len() * 2);
        }
        Some(node.item)
    }

    fn link_newest(&mut self, at: usize, tick: u64) {
        if let Some((_, node)) = self.nodes.get_index_mut(at) {
            node.tick = tick;
        }
        self.join(self.newest, at);
        self.join(at, NONE);
    }

    fn unlink(&mut self, at: usize) {
        if let Some((_, node)) = self.nodes.get_index(at) {
            self.join(node.older, node.newer);
        }
    }

    /// Makes two places neighbours; [`NONE`] is the end of the list.
    fn join(&mut self, older: usize, newer: usize) {
        match self.nodes.get_index_mut(older) {
            Some((_, node)) => node.newer = newer,
            None => self.oldest = newer,
        }
        match self.nodes.get_index_mut(newer) {
            Some((_, node)) => node.older = older,
            None => self.newest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The list from the oldest on, checked from both ends.
    fn order(lru: &Lru<u32>) -> Vec<(u8, u32)> {
        let mut order = Vec::new();
        let (mut at, mut older, mut tick) = (lru.oldest, NONE, 0);
        while let Some((key, node)) = lru.nodes.get_index(at) {
            assert!(node.older == older && node.tick >= tick);
            order.push((key[0], node.item));
            (older, at, tick) = (at, node.newer, node.tick);
        }
        assert_eq!((lru.newest, order.len()), (older, lru.len()));
        order
    }

    proptest! {
        #[test]
        fn is_a_list_in_order_of_use(steps in prop::collection::vec((0u8..5, 0u8..12), 0..200)) {
            let mut lru = Lru::new();
            let mut model: Vec<(u8, u32)> = Vec::new();
            for (tick, (step, key)) in (1..).zip(steps) {
                let at = model.iter().position(|(known, _)| *known == key);
                match step {
                    0 | 1 => {
                        let old = at.map(|at| model.remove(at).1);
                        model.push((key, tick));
                        prop_assert_eq!(lru.insert(&[key], tick, u64::from(tick)), old);
                    }
                    2 => {
                        let used = at.map(|at| model.remove(at));
                        model.extend(used);
                        prop_assert_eq!(lru.touch(&[key], u64::from(tick)).copied(), used.map(|(_, item)| item));
                    }
                    3 => prop_assert_eq!(lru.remove(&[key]), at.map(|at| model.remove(at).1)),
                    _ => {
                        let at = model.iter().position(|(known, _)| *known != key);
                        prop_assert_eq!(lru.pop_oldest(&[key]), at.map(|at| model.remove(at).1));
                    }
                }
                prop_assert_eq!(order(&lru), model.clone());
            }
        }
    }

    #[test]
    fn gives_memory_back() {
        let mut lru = Lru::new();
        let key = |number: u64| number.to_be_bytes();
        (0..10_000).for_each(|number| assert_eq!(lru.insert(&key(number), number, number), None));
        (0..9_999).for_each(|number| assert_eq!(lru.pop_oldest(b""), Some(number)));
        assert!(lru.nodes.capacity() <= SHRINK_FROM, "{}", lru.nodes.capacity());
        assert_eq!(lru.oldest_tick(), 9_999);
        assert_eq!((lru.remove(&key(9_999)), lru.oldest_tick()), (Some(9_999), u64::MAX));
    }
}
