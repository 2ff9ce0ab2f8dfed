//! What hustsync says, through the proxy.

use crate::{
    cluster::at_rest,
    stub::{Part, Stubs},
};

#[test]
fn what_hustsync_says_passes() {
    let stubs = Stubs::with(3, |hosts| {
        let settings =
            vec![format!("sync.url=http://{}", hosts[2]), "sync.user=s".into(), "sync.password=p".into()];
        (at_rest(&hosts[0], &hosts[1]), settings)
    });
    let (mut client, hustsync) = (stubs.client(), &stubs.nodes[2]);
    hustsync.say(Part::Plain, "200 content-type=application/json|{\"total_status\":{}}");
    let reply = client.get("/sync_status?backend_count=2");
    assert_eq!((reply.status, reply.text().as_str()), (200, "{\"total_status\":{}}"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let asked = hustsync.take().pop().unwrap();
    assert_eq!(asked.line, "GET /sync_status ");
    assert!(asked.head.contains("authorization: Basic czpw\r\n"), "{}", asked.head);
    let reply = client.get("/sync_alive");
    assert_eq!((reply.status, reply.text().as_str()), (200, "ok\n"));
    for (said, expected) in [
        ("503|draining\n", "sync: 503 (draining)\n"),
        ("401 www-authenticate=Basic|credentials: wrong\n", "sync: 401 (credentials: wrong)\n"),
        ("500|x\n", "sync: 500 (x)\n"),
    ] {
        hustsync.say(Part::Plain, said);
        hustsync.say(Part::Health, said);
        for target in ["/sync_status", "/sync_alive"] {
            let reply = client.get(target);
            assert_eq!((reply.status, reply.text().as_str()), (503, expected), "{target}");
            assert_eq!(reply.header("www-authenticate"), None);
        }
    }
    hustsync.say(Part::Plain, "drop");
    let reply = client.get("/sync_status");
    assert_eq!(reply.status, 503);
    assert!(reply.text().starts_with("sync: "), "{}", reply.text());
}

#[test]
fn without_hustsync() {
    // Nobody listens on port 1 here.
    let stubs = Stubs::pair(&["sync.url=http://127.0.0.1:1"]);
    for target in ["/sync_status", "/sync_alive"] {
        let reply = stubs.client().get(target);
        assert_eq!(reply.status, 503, "{target}");
        assert!(reply.text().starts_with("sync: refused (connect 127.0.0.1:1: "), "{}", reply.text());
    }
}
