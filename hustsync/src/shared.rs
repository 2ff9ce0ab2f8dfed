//! What the server's workers and the background share: everything that is shown, nothing that is done.

use std::{collections::BTreeMap, sync::Arc};

use hust_wire::Host;

use crate::{
    backlog::{Backlog, Counts},
    nodes::Watch,
    scrub::Journal,
    table::Tables,
};

/// What is shown.
#[derive(Debug, Clone)]
pub struct Shared {
    pub backlog: Arc<Backlog>,
    pub tables: Arc<Tables>,
    pub watch: Arc<Watch>,
    pub journal: Arc<Journal>,
}

/// What is owed to a host: hints on disk, and debts of nodes.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostCounts {
    pub counts: Counts,
    pub debts: u64,
}

impl Shared {
    /// Every host of the table and every folder of hints.
    pub fn hosts(&self) -> BTreeMap<String, HostCounts> {
        let table = self.tables.current();
        let of_table =
            table.iter().flat_map(|table| table.hosts()).map(|host| (host.clone(), Counts::default()));
        let of_folders = self.backlog.queues().into_iter().map(|queue| (queue.host.clone(), queue.counts()));
        let seen = |(host, counts): (Host, Counts)| {
            (host.as_str().to_owned(), HostCounts { counts, debts: self.watch.debts_to(&host) })
        };
        // A folder comes after the table and takes its place.
        of_table.chain(of_folders).map(seen).collect()
    }

    /// Hosts of the table that are not compared because they were away for too long.
    pub fn stale_hosts(&self) -> u64 {
        let table = self.tables.current();
        let hosts = table.iter().flat_map(|table| table.hosts());
        hosts.filter(|host| self.watch.is_stale(host)).count() as u64
    }
}
