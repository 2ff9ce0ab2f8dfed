//! Compares what both masters have with what clients were told, when nothing is under way.

use std::collections::HashSet;

use hust_testkit::{Cluster, Reply, wait_until};

use super::{
    client::{Client, Shared},
    plan::Mode,
};
use crate::support::{LONG, get, now_ms};

/// Checks everything, and takes it as what is known from now on.
pub fn all(cluster: &Cluster, mode: Mode, clients: &mut [Client], shared: &mut Shared) {
    for record in clients.iter_mut().flat_map(|client| &mut client.records) {
        let (_, target, _) = record.read_both();
        let asked_ms = now_ms();
        let reply = both(cluster, &target);
        let found = value(&reply);
        let fits = record.belief.allows(found.as_deref(), asked_ms, now_ms());
        assert!(fits, "{target}: {found:?} {:?} of {record:?}", reply.headers);
        record.belief.settle(found.as_deref());
    }
    for (target, count) in &mut shared.counts {
        let found = value(&both(cluster, target)).map_or(0, |text| text.parse().unwrap());
        // Failures that overlap may lose increments, and never count one twice.
        let fits =
            count.allows(found) || mode == Mode::Overlapping && found <= count.acknowledged + count.doubtful;
        assert!(fits, "{target}: {found} of {count:?}");
        count.settle(found);
    }
    for (target, contest) in &mut shared.contests {
        let found = value(&both(cluster, target));
        assert!(contest.allows(found.as_deref()), "{target}: {found:?} of {contest:?}");
        let plain = target.replacen("2?", "?", 1);
        let stamp = get(&cluster.proxies[0], &format!("{plain}&stamps=true")).number("stamp");
        contest.settle(stamp, found);
    }
    if mode == Mode::Single {
        let mut seen = HashSet::new();
        let twice = shared.won.iter().find(|won| !seen.insert(*won));
        assert!(twice.is_none(), "two conditional writes won: {twice:?}");
    }
}

/// What both masters answer; they agree unless one of them is a moment from expiring it.
fn both(cluster: &Cluster, target: &str) -> Reply {
    let mut reply = get(&cluster.proxies[0], target);
    wait_until(LONG, || {
        reply = get(&cluster.proxies[0], target);
        matches!(reply.status, 200 | 404 | 412)
    });
    assert!(matches!(reply.status, 200 | 404 | 412), "{target}: {} {}", reply.status, reply.text());
    reply
}

fn value(reply: &Reply) -> Option<String> {
    (reply.status == 200).then(|| reply.text())
}
