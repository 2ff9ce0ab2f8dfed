//! Who may speak to the proxy, how it speaks to nodes that ask for credentials, and HTTPS from end to end.

use std::process::Command;

use crate::cluster::{Client, Cluster, brief};

const NODE: [&str; 2] = ["security.user=node", "security.password=secret"];

#[test]
fn nodes_that_ask_for_credentials() {
    let cluster = Cluster::of(2, &NODE, &["backend.user=node", "backend.password=secret"]);
    let mut client = cluster.client();
    client.check(&[
        ("/put?key=k&val=v", "", "200 1 false"),
        ("/get?key=k", "", "200 1 - v"),
        ("/get2?key=k", "", "200 1 - v"),
        ("/del?key=k", "", "200 1 false"),
        ("/hincrby?tb=t&key=k&val=2", "", "200 1 false 2"),
        ("/file_count?peer=1", "", "200 - - 8"),
        ("/cache/put?key=k&val=v", "", "200 - -"),
        ("/cache/get?key=k", "", "200 - - v"),
    ]);
    assert_eq!(cluster.node(0).get("/hustdb/get?key=k").status, 401);
}

#[test]
fn nodes_that_refuse_our_credentials() {
    let cluster = Cluster::of(2, &NODE, &["backend.user=node", "backend.password=wrong"]);
    let mut client = cluster.client();
    for (target, outcome) in [
        ("/put?key=k&val=v", Some("none")),
        ("/hincrby?tb=t&key=k&val=1", Some("none")),
        ("/del?key=k", Some("none")),
        ("/get?key=k", None),
        ("/get2?key=k", None),
        ("/zrangebyrank?tb=t&offset=0&size=1", None),
        ("/cache/put?key=k&val=v", None),
        ("/stat?peer=0", None),
    ] {
        let reply = client.get(target);
        assert_eq!((reply.status, reply.header("outcome")), (503, outcome), "{target}: {}", reply.text());
        assert_eq!(reply.header("www-authenticate"), None, "a client never sees that 401");
        let named = if target.contains("peer") { 1 } else { 2 };
        assert_eq!(reply.text().matches(" 401 (").count(), named, "{}", reply.text());
    }
}

#[test]
fn clients_that_must_show_credentials() {
    let cluster = Cluster::with(2, &["security.user=u", "security.password=p:q"]);
    for target in ["/status.html", "/version", "/metrics"] {
        assert_eq!(cluster.client().get(target).status, 200, "{target}");
    }
    for target in ["/get?key=k", "/get_table", "/backends", "/sync_alive", "/peer_count", "/nothing"] {
        let reply = cluster.client().get(target);
        assert_eq!(
            (reply.status, reply.header("www-authenticate")),
            (401, Some("Basic realm=\"hustha\"")),
            "{target}"
        );
    }
    // u:p:q, and u:p.
    for (login, status) in [("basic dTpwOnE=", 200), ("Basic dTpw", 401), ("Bearer dTpwOnE=", 401)] {
        let mut raw = cluster.proxy.raw().unwrap();
        let reply = raw.ask("GET", "/put?key=k&val=v", &[("Authorization", login)], b"").unwrap();
        assert_eq!(reply.status, status, "{login}");
    }
    let reply = cluster.node(0).get("/hustdb/get?key=k");
    assert_eq!(brief(&reply), "200 1 - v", "and nodes are not sent them");
}

#[test]
fn addresses_that_may_connect() {
    let cluster = Cluster::with(2, &["security.access_allow=[\"192.0.2.0/24\"]"]);
    for target in ["/get?key=k", "/status.html"] {
        assert_eq!(Client(cluster.proxy.raw().unwrap()).get(target).status, 403, "{target}");
    }
}

#[test]
fn https() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"];
    let made = Command::new("openssl").args(args).args(["-keyout", &key, "-out", &cert]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let cluster = Cluster::with(2, &[&format!("server.tls_cert={cert}"), &format!("server.tls_key={key}")]);
    let url = |target: &str| format!("https://localhost:{}{target}", cluster.proxy.address().port());
    let curl = |args: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sS", "--cacert", &cert, "--connect-to", "localhost::127.0.0.1:"]);
        let out = command.args(args).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let value = "v".repeat(100_000);
    let file = path("value");
    #[expect(clippy::disallowed_methods, reason = "a file of the test")]
    std::fs::write(&file, &value).unwrap();
    let put = ["-w", "%{http_code}", "-T", &file, &url("/put?key=k")];
    assert_eq!(curl(&put), "200");
    assert_eq!(curl(&[&url("/get?key=k")]), value);
    assert_eq!(curl(&[&url("/get2?key=k"), &url("/peer_count")]), value + "2");
    assert_eq!(cluster.equal("/hustdb/get?key=k").body.len(), 100_000);
}
