//! A worker's own hold of the nodes of the table in force.
//!
//! A read needs its nodes until it is answered. Were it to count itself in at the nodes, all workers would write to the
//! same few counters with each request, and each would wait for the other's cache; a worker counts at what only it has.
//! A table that is no longer in force is kept until the next read of the worker, but not the token of its writes.

use std::{ops::Deref, sync::Arc};

use parking_lot::Mutex;

use super::{Places, Tables};

/// What a worker holds.
#[derive(Debug)]
pub struct Hold(Mutex<Arc<Held>>);

/// Nodes as one worker holds them.
#[derive(Debug)]
pub struct Held(Arc<Places>);

impl Deref for Held {
    type Target = Places;

    fn deref(&self) -> &Places {
        &self.0
    }
}

impl Hold {
    /// A hold of what is in force.
    pub fn new(tables: &Tables) -> Hold {
        Hold(Mutex::new(Arc::new(Held(tables.load().places.clone()))))
    }

    /// The nodes of the table in force.
    pub fn of(&self, tables: &Tables) -> Arc<Held> {
        let current = tables.load();
        let mut held = self.0.lock();
        if !Arc::ptr_eq(&held.0, &current.places) {
            *held = Arc::new(Held(current.places.clone()));
        }
        held.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use hust_wire::{Host, health::Limits, table::Table};

    use super::*;
    use crate::{
        health::Node,
        table::{Installed, Token, installed::Parts},
    };

    fn installed(hosts: [&str; 2], token: Arc<Token>) -> Option<Installed> {
        let hosts: Vec<Host> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let table = Table::generate(&hosts).unwrap();
        let node =
            |host: &Host| (host.clone(), Arc::new(Node::new(host.clone(), Limits { rise: 1, fall: 3 })));
        let nodes: HashMap<Host, Arc<Node>> = hosts.iter().map(node).collect();
        Installed::new(Parts { table: &table, file: "".into(), backends: &[], nodes: &nodes }, token)
    }

    #[test]
    fn a_hold_follows_the_table_and_lets_it_drain() {
        let first = |hold: &Held| hold.seats(7).acting[0].host.to_string();
        let tables = Tables::new(|token| installed(["a:1", "b:1"], token)).unwrap();
        let hold = Hold::new(&tables);
        let before = hold.of(&tables);
        assert!(Arc::ptr_eq(&before, &hold.of(&tables)), "counted at the same place");
        assert!(tables.swap(|token| installed(["c:1", "d:1"], token)));
        assert!(tables.is_drained(), "reads keep no table from being drained");
        assert_eq!((first(&before), first(&hold.of(&tables))), ("a:1".into(), "c:1".into()));
    }
}
