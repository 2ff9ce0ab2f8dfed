//! A table with the nodes its hosts are.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use hust_wire::{
    Host,
    slot::{SLOTS, md5},
    table::{Part, Table},
};
use tokio::time::Instant;

use super::Token;
use crate::health::Node;

/// The nodes of a slot.
#[derive(Clone, Debug)]
pub struct Seats {
    /// Master 1 and master 2 of this moment.
    pub acting: [Arc<Node>; 2],
    /// Who gets every write beside them.
    pub third: Option<Arc<Node>>,
    /// Whether writes wait.
    pub holds_writes: bool,
    /// Whether the slot moves.
    pub moving: bool,
}

/// A table in force.
#[derive(Debug)]
pub struct Installed {
    /// Its file, byte for byte.
    pub file: Bytes,
    /// The md5 of the file in hexadecimal.
    pub etag: String,
    /// The nodes by the number that `peer` means.
    pub peers: Vec<Arc<Node>>,
    /// Since when it is in force.
    pub since: Instant,
    pub(super) token: Arc<Token>,
    /// The nodes of all slots.
    pub(super) places: Arc<Places>,
}

/// The nodes of all slots, without the token of writes: whoever keeps this keeps no table from being drained.
#[derive(Debug)]
pub struct Places {
    seats: Vec<Seats>,
    index: Vec<u16>,
}

/// What a table becomes [`Installed`] with.
pub struct Parts<'a> {
    pub table: &'a Table,
    pub file: Bytes,
    /// Hosts that come first in the order of `peer`.
    pub backends: &'a [Host],
    pub nodes: &'a HashMap<Host, Arc<Node>>,
}

/// All hosts in the order of `peer`.
pub fn peers(backends: &[Host], table: &Table) -> Vec<Host> {
    let others = table.hosts().into_iter().filter(|host| !backends.contains(host));
    backends.iter().chain(others).cloned().collect()
}

impl Installed {
    /// A table whose hosts all have a node; `None` if one has not.
    pub fn new(parts: Parts<'_>, token: Arc<Token>) -> Option<Installed> {
        let Parts { table, file, backends, nodes } = parts;
        let mut seats = Vec::new();
        let mut index = vec![0; usize::from(SLOTS)];
        for part in table.elements().iter().flat_map(|element| element.parts()) {
            let slots = usize::from(part.start)..usize::from(part.end);
            index.get_mut(slots)?.fill(u16::try_from(seats.len()).ok()?);
            seats.push(seat(&part, nodes)?);
        }
        let peers = peers(backends, table).into_iter().map(|host| nodes.get(&host).cloned());
        let peers = peers.collect::<Option<Vec<_>>>()?;
        let places = Arc::new(Places { seats, index });
        Some(Installed { etag: etag(&file), file, peers, since: Instant::now(), token, places })
    }

    /// The nodes of a slot.
    pub fn seats(&self, slot: u16) -> &Seats {
        self.places.seats(slot)
    }
}

impl Places {
    /// The nodes of a slot. Slots are below [`SLOTS`]; others wrap around.
    pub fn seats(&self, slot: u16) -> &Seats {
        &self.seats[usize::from(self.index[usize::from(slot % SLOTS)])]
    }
}

fn seat(part: &Part<'_>, nodes: &HashMap<Host, Arc<Node>>) -> Option<Seats> {
    let roles = part.roles();
    let [one, two] = roles.acting.map(|host| nodes.get(host).cloned());
    let third = match roles.third {
        Some(host) => Some(nodes.get(host)?.clone()),
        None => None,
    };
    Some(Seats {
        acting: [one?, two?],
        third,
        holds_writes: roles.holds_writes(),
        moving: roles.phase.is_some(),
    })
}

fn etag(file: &[u8]) -> String {
    md5(file).iter().map(|byte| format!("{byte:02x}")).collect()
}
