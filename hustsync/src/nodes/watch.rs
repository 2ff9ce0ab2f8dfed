//! Watches the nodes of the table: what each owes to others, and since when it has been silent.
//!
//! Debts of a node that is silent stay as they were last seen. Absences longer than [`KEPT_MS`] are kept in
//! `<hints.dir>/hustsync.away`, so that a restart does not forget them; removing an entry there while hustsync is down
//! says that the node may be compared again.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use hust_wire::{Host, slot::SLOTS};
use parking_lot::Mutex;
use tokio::task::{JoinSet, spawn_blocking};

use super::{Nodes, Presence, presence::Look};
use crate::{clock, disk, table::Tables};

/// Nodes are looked at this often.
const INTERVAL: Duration = Duration::from_secs(5);
/// Absences from this length on are kept on disk.
const KEPT_MS: u64 = 3_600_000;
/// A file of absences is replaced this often at most while nothing but time passes.
const KEEP_EVERY_MS: u64 = 600_000;
const FILE_MAX_BYTES: usize = 1 << 20;

/// What is known of the nodes.
#[derive(Debug)]
pub struct Watch {
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What each node owes to whom.
    debts: HashMap<Host, Vec<(Host, u64)>>,
    presence: HashMap<Host, Presence>,
    kept_ms: u64,
    kept: BTreeMap<String, Presence>,
}

impl Watch {
    /// Nothing is known but what was kept in a folder.
    pub fn new(hints_dir: &std::path::Path) -> Watch {
        let file = hints_dir.join("hustsync.away");
        let kept = load(&file);
        let parsed = |(name, presence): (&String, &Presence)| Some((name.parse().ok()?, *presence));
        let presence = kept.iter().filter_map(parsed).collect();
        let state = State { presence, kept, ..State::default() };
        Watch { file, state: Mutex::new(state) }
    }

    /// What all nodes together owe to a host.
    pub fn debts_to(&self, host: &Host) -> u64 {
        let state = self.state.lock();
        state.debts.values().flatten().filter(|(to, _)| to == host).map(|(_, count)| count).sum()
    }

    /// Whether a node was away for too long.
    pub fn is_stale(&self, host: &Host) -> bool {
        self.state.lock().presence.get(host).is_some_and(|presence| presence.is_stale)
    }

    /// Looks at the nodes of the table, again and again.
    pub async fn run(self: Arc<Watch>, nodes: Nodes, tables: Arc<Tables>) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let hosts: Vec<Host> = tables
                .current()
                .map(|table| table.hosts().into_iter().cloned().collect())
                .unwrap_or_default();
            self.look(&nodes, &hosts).await;
            let watch = self.clone();
            // It has ended, or panicked, which it does not.
            let _ = spawn_blocking(move || watch.keep(clock::now_ms())).await;
        }
    }

    async fn look(self: &Arc<Watch>, nodes: &Nodes, hosts: &[Host]) {
        let mut looks = JoinSet::new();
        for host in hosts.iter().cloned() {
            let (watch, nodes) = (self.clone(), nodes.clone());
            looks.spawn(async move { watch.look_at(&nodes, host).await });
        }
        while looks.join_next().await.is_some() {}
        let mut state = self.state.lock();
        state.debts.retain(|host, _| hosts.contains(host));
        state.presence.retain(|host, _| hosts.contains(host));
    }

    async fn look_at(&self, nodes: &Nodes, host: Host) {
        let debts = nodes.debts(&host).await;
        let look = match &debts {
            Err(trouble) if trouble.is_silent => Look::Silent,
            // Only of a stale node it matters whether it is empty.
            Ok(_) if self.is_stale(&host) => match nodes.digests(&host, 0, SLOTS).await {
                Ok(digests) if digests.iter().all(|digest| *digest == 0) => Look::Empty,
                _ => Look::Answered,
            },
            _ => Look::Answered,
        };
        self.note(&host, look, clock::now_ms());
        match debts {
            Ok(debts) => drop(self.state.lock().debts.insert(host, debts)),
            Err(trouble) => tracing::debug!("debts are not known: {trouble}"),
        }
    }

    fn note(&self, host: &Host, look: Look, now_ms: u64) {
        let mut state = self.state.lock();
        let presence = state.presence.entry(host.clone()).or_default();
        let before = std::mem::replace(presence, presence.after(look, now_ms));
        match (before.is_stale, presence.is_stale) {
            (false, true) => tracing::error!(
                %host,
                "away for longer than deletions are remembered: it is not compared until it has been emptied"
            ),
            (true, false) => tracing::info!(%host, "empty: it is compared again"),
            _ => {}
        }
    }

    /// Keeps what must not be forgotten, if it has changed.
    fn keep(&self, now_ms: u64) {
        let mut state = self.state.lock();
        let worth = |presence: &Presence| presence.is_stale || presence.away_ms() >= KEPT_MS;
        let now: BTreeMap<String, Presence> = state
            .presence
            .iter()
            .filter(|(_, presence)| worth(presence))
            .map(|(host, presence)| (host.as_str().to_owned(), *presence))
            .collect();
        let same_hosts = now.keys().eq(state.kept.keys());
        if now == state.kept || (same_hosts && now_ms.saturating_sub(state.kept_ms) < KEEP_EVERY_MS) {
            return;
        }
        let json = serde_json::to_vec(&now).map_err(std::io::Error::from);
        if let Err(cause) = json.and_then(|json| disk::replace(&self.file, &json)) {
            tracing::warn!(file = %self.file.display(), %cause, "absences are not kept");
        }
        // A failed one is tried again when the next is due.
        (state.kept, state.kept_ms) = (now, now_ms);
    }
}

/// What was kept; nothing if there is no legal file.
fn load(file: &std::path::Path) -> BTreeMap<String, Presence> {
    match disk::read_small(file, FILE_MAX_BYTES) {
        Ok(json) => serde_json::from_slice(&json).unwrap_or_else(|error| {
            tracing::error!(file = %file.display(), %error, "absences were forgotten");
            BTreeMap::new()
        }),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
        Err(cause) => {
            tracing::error!(file = %file.display(), %cause, "absences were forgotten");
            BTreeMap::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::presence::AWAY_MAX_MS;
    use super::*;

    #[test]
    fn long_absences_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let host: Host = "a:1".parse().unwrap();
        let other: Host = "b:1".parse().unwrap();
        let watch = Watch::new(folder.path());
        for at_ms in [0, 1000] {
            watch.note(&host, Look::Silent, at_ms);
        }
        watch.keep(1000);
        assert!(load(&watch.file).is_empty(), "short ones do not");
        watch.note(&host, Look::Silent, AWAY_MAX_MS + 1);
        watch.note(&other, Look::Answered, 5);
        watch.keep(AWAY_MAX_MS + 1);
        let again = Watch::new(folder.path());
        assert!(again.is_stale(&host) && !again.is_stale(&other));
        again.note(&host, Look::Empty, AWAY_MAX_MS + 9);
        again.keep(AWAY_MAX_MS + 9);
        assert!(!Watch::new(folder.path()).is_stale(&host));
    }

    #[test]
    fn debts_are_added_up() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::new(folder.path());
        let hosts: Vec<Host> = ["a:1", "b:1", "c:1"].iter().map(|host| host.parse().unwrap()).collect();
        let owed = |count| vec![(hosts[2].clone(), count)];
        watch.state.lock().debts.extend([(hosts[0].clone(), owed(2)), (hosts[1].clone(), owed(5))]);
        assert_eq!([watch.debts_to(&hosts[2]), watch.debts_to(&hosts[0])], [7, 0]);
    }
}
