//! HTTPS of a real node, and debts that travel over it.

use std::{path::Path, process::Command, time::Duration};

use hust_testkit::{Certificate, Node, NodeBuilder, wait_until};
use rustix::process::Signal;

use crate::support::{Client, brief, builder};

const LIMIT: Duration = Duration::from_secs(30);

fn serving(certificate: &Certificate) -> NodeBuilder {
    certificate.assignments().iter().fold(builder(), |builder, assignment| builder.set(assignment))
}

/// What curl, believing one certificate, gets; empty if it believes nothing.
fn curl(authority: &Path, node: &Node, target: &str, more: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.arg("-s").arg("--cacert").arg(authority).args(more);
    let out = command.arg(format!("https://{}{target}", node.address())).output().unwrap();
    String::from_utf8(out.stdout).unwrap()
}

/// The value of a metric of a node behind TLS or not.
fn has(text: &str, line: &str) -> bool {
    text.lines().any(|found| found == line)
}

#[test]
fn sighup_exchanges_the_certificate_and_a_bad_one_stays_out() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name| Certificate::make(folder.path(), name).unwrap();
    let (in_force, first, second) = (made("in_force"), made("first"), made("second"));
    first.replace(&in_force).unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let node = serving(&in_force).log(log.reopen().unwrap()).start().unwrap();
    let get = |certificate: &Certificate| curl(&certificate.cert, &node, "/hustdb/get?key=k", &[]);
    assert_eq!(curl(&first.cert, &node, "/hustdb/put?key=k", &["-X", "PUT", "-d", "value"]), "");
    assert_eq!((get(&first).as_str(), get(&second).as_str()), ("value", ""));
    second.replace(&in_force).unwrap();
    node.signal(Signal::HUP).unwrap();
    assert!(wait_until(LIMIT, || get(&second) == "value"));
    assert_eq!(get(&first), "");
    // A key that is not of the certificate.
    std::fs::copy(&first.key, &in_force.key).unwrap();
    node.signal(Signal::HUP).unwrap();
    let logged = || std::fs::read_to_string(log.path()).unwrap();
    assert!(wait_until(LIMIT, || logged().contains("configuration not read again: server.tls_cert: ")));
    assert_eq!(get(&second), "value", "the old pair stays in force");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a configuration that changes")]
fn debts_go_over_https_with_credentials_to_a_host_that_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name| Certificate::make(folder.path(), name).unwrap();
    let (right, wrong) = (made("right"), made("wrong"));
    let secured = |builder: NodeBuilder| builder.set("security.user=u").set("security.password=p:w");
    let peer = secured(serving(&right)).start().unwrap();
    let file = folder.path().join("hustdb.toml");
    let believe = |certificate: &Certificate| {
        let text = format!("[store]\nbinlog_tls_ca = \"{}\"\n", certificate.cert.display());
        std::fs::write(&file, text).unwrap();
    };
    believe(&wrong);
    let debtor = secured(builder().config(&file)).start().unwrap();
    let mut client = Client::of(&debtor);
    let header = [("Authorization", "Basic dTpwOnc=")];
    let ask = |client: &mut Client, target: &str| brief(&client.ask_with("GET", target, &header, b""));
    assert_eq!(ask(&mut client, "/hustdb/put?key=k&val=value"), "200 1 false");
    let debt = format!("/hustdb/binlog?host={}&method=1&key=k", peer.address());
    assert_eq!(ask(&mut client, &debt), "200 - -");
    let failed =
        |client: &mut Client| !has(&client.get("/metrics").text(), "hustdb_delivery_failures_total 0");
    assert!(wait_until(LIMIT, || failed(&mut client)));
    let there = || curl(&right.cert, &peer, "/hustdb/get?key=k", &["-u", "u:p:w"]);
    assert_eq!(there(), "", "nothing is sent to a host that is not believed");
    let owed = format!("hustdb_debts{{host=\"{}\"}} 1", peer.address());
    assert!(has(&client.get("/metrics").text(), &owed), "and it stays owed");
    believe(&right);
    debtor.signal(Signal::HUP).unwrap();
    assert!(wait_until(LIMIT, || there() == "value"));
    assert!(wait_until(LIMIT, || !client.get("/metrics").text().contains("hustdb_debts{")));
}
