//! The end of a front: who waits is told at once, what is claimed is finished.

use hust_testkit::Signal;

use super::rpc::token;
use crate::cluster::{Cluster, brief};

#[test]
fn who_waits_is_told_and_what_is_claimed_is_finished() {
    let mut cluster = Cluster::with(1, &["server.drain_timeout_ms=30000"]);
    let mut waiters = [
        cluster.park("/evget?queue=q&worker=w"),
        cluster.park("/evget?queue=q&worker=w&inline=true"),
        cluster.park("/evsub?queue=p&idx=1"),
        cluster.park("/evsub?queue=p&idx=1&inline=true"),
    ];
    let mut claimed = cluster.call("q", "claimed", 1);
    let mut worker = cluster.client();
    let task = worker.ask("POST", "/do_post", "");
    let mut unclaimed = cluster.call("q", "unclaimed", 1);
    let mut idle = cluster.work("?queue=other", 1);
    let mut checks = cluster.client();
    checks.ok("/status.html");
    cluster.front.signal(Signal::TERM).unwrap();
    for waiter in &mut waiters {
        assert_eq!(brief(&waiter.reply()), "404");
    }
    assert_eq!(checks.get("/status.html").status, 503, "it wants no more clients");
    assert_eq!(brief(&idle.reply()), "408 worker: no task in time");
    assert_eq!(brief(&unclaimed.reply()), "503 call: draining", "nobody will come for it");
    assert_eq!(brief(&worker.ask("POST", &format!("/do_post?token={}", token(&task)), "done")), "200");
    assert_eq!(brief(&claimed.reply()), "200 done");
    assert!(cluster.front.wait().unwrap().success());
}
