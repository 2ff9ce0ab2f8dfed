//! The nodes of the table in force and of the configuration.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use hust_wire::{Host, health::Limits};

use super::node::Node;

/// The nodes by host. A node stays the same as long as its host is in the set.
#[derive(Debug)]
pub struct Fleet {
    limits: Limits,
    nodes: ArcSwap<HashMap<Host, Arc<Node>>>,
}

impl Fleet {
    pub fn new(limits: Limits) -> Fleet {
        Fleet { limits, nodes: ArcSwap::default() }
    }

    /// The nodes there are.
    pub fn nodes(&self) -> Arc<HashMap<Host, Arc<Node>>> {
        self.nodes.load_full()
    }

    /// Whether this node is still in the set.
    pub fn has(&self, node: &Arc<Node>) -> bool {
        self.nodes.load().get(&node.host).is_some_and(|known| Arc::ptr_eq(known, node))
    }

    /// Adds hosts; the nodes that were not there before. One caller at a time.
    pub fn add<'a>(&self, hosts: impl IntoIterator<Item = &'a Host>) -> Vec<Arc<Node>> {
        let mut nodes = HashMap::clone(&self.nodes.load());
        let mut fresh = Vec::new();
        for host in hosts {
            nodes.entry(host.clone()).or_insert_with(|| {
                let node = Arc::new(Node::new(host.clone(), self.limits));
                fresh.push(node.clone());
                node
            });
        }
        self.nodes.store(Arc::new(nodes));
        fresh
    }

    /// Forgets all hosts but these. One caller at a time.
    pub fn keep<'a>(&self, hosts: impl IntoIterator<Item = &'a Host>) {
        let nodes = self.nodes.load();
        let kept = hosts.into_iter().filter_map(|host| nodes.get_key_value(host));
        let kept = kept.map(|(host, node)| (host.clone(), node.clone())).collect();
        self.nodes.store(Arc::new(kept));
    }
}
