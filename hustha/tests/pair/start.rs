//! How a proxy starts or refuses to: one clear line on stderr and the right exit status.

use std::{path::Path, process::Command};

use crate::{
    cluster::at_rest,
    stub::{DONE, Part, Stubs},
};

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";

/// Runs a proxy that does not come to serve: its exit status and what it says.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hustha"));
    let table = format!("table={}", folder.join("table.json").display());
    let output =
        command.args(["--set", "server.listen=127.0.0.1:0", "--set", &table]).args(args).output().unwrap();
    assert!(output.stdout.is_empty(), "{args:?}");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[expect(clippy::disallowed_methods, reason = "files of the test")]
fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// It says this in one line and ends with 2, checked only or in earnest.
fn is_refused(folder: &Path, args: &[&str], line: &str) {
    for check in [&["--check"][..], &[]] {
        let args = [args, check].concat();
        let (code, said) = run(folder, &args);
        let is_told = said.starts_with(line) && said.ends_with('\n') && said.lines().count() == 1;
        assert!(code == Some(2) && is_told, "{args:?}: {code:?} {said:?}");
    }
}

#[test]
fn a_good_configuration_is_checked_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "table.json", &at_rest("a:1", "b:1"));
    assert_eq!(run(folder.path(), &["--check"]), (Some(0), String::new()));
    let config = write(folder.path(), "hustha.toml", "backends = [\"b:1\"]\n[health]\nrise = 2\n");
    assert_eq!(run(folder.path(), &["--check", "--config", &config]), (Some(0), String::new()));
}

#[test]
fn a_wrong_configuration_ends_with_2_and_says_which_key() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "table.json", &at_rest("a:1", "b:1"));
    let pem = format!("set_table.public_pem={}", write(folder.path(), "key.pem", KEY));
    for (setting, line) in [
        ("nothing.at_all=1", "hustha: nothing.at_all: unknown key"),
        ("backend.timeout_ms=0", "hustha: backend.timeout_ms: "),
        ("backends=[\"a\"]", "hustha: backends: "),
        ("read_fallback_on_miss=sometimes", "hustha: read_fallback_on_miss: "),
        ("sync.url=nowhere", "hustha: sync.url: "),
        (&pem, "hustha: set_table.public_pem: "),
        ("health.fall", "hustha: --set health.fall: "),
    ] {
        is_refused(folder.path(), &["--set", setting], line);
    }
    let config = write(folder.path(), "hustha.toml", "[health]\nfall = 0\n");
    is_refused(folder.path(), &["--config", &config], &format!("hustha: {config}: health.fall: "));
}

#[test]
fn a_wrong_table_ends_with_2_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("hustha: table: {}: ", folder.path().join("table.json").display());
    is_refused(folder.path(), &[], &line);
    let (twice, no_port) = (at_rest("a:1", "A:1"), at_rest("a:1", "b"));
    let (cut, deep) = (at_rest("a:1", "b:1")[1..].to_owned(), "[".repeat(2 << 20));
    for table in ["", "{}", "{\"table\":[]}", "{\"table\":[]} x", &twice, &no_port, &cut, &deep] {
        write(folder.path(), "table.json", table);
        is_refused(folder.path(), &[], &line);
    }
}

/// Nobody who comes first is sent to a node that serves nobody.
#[test]
fn all_nodes_are_checked_before_the_first_request() {
    let mut stubs = Stubs::pair(&["health.interval_ms=60000"]);
    assert_eq!(stubs.proxy.stop().unwrap().code(), Some(0));
    stubs.nodes[0].say(Part::Health, "503|draining\n");
    stubs.say(Part::Plain, &[DONE, DONE]);
    stubs.proxy.restart().unwrap();
    let mut client = stubs.client();
    let reply = client.get("/put?key=k&val=v");
    assert_eq!((reply.status, reply.header("sync")), (200, Some(stubs.nodes[0].host().as_str())));
    assert_eq!(stubs.took(), " PD", "the one that drains is not asked");
    assert_eq!(client.get("/get?key=k").status, 200);
    assert_eq!(stubs.took(), " P", "that one check counts");
}
