//! SIGHUP: the table, users, the access list and the log level are read again; what is wrong changes nothing.

use std::{fs, path::Path};

use hust_testkit::{Program, Raw, Signal, wait_until};
use tempfile::TempDir;

use crate::{
    cluster::{LONG, at_rest},
    stub::Stubs,
};

/// A proxy with a configuration file, which logs to a file.
struct Configured {
    proxy: Program,
    folder: TempDir,
}

#[expect(clippy::disallowed_methods, reason = "files of the test")]
fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

fn configuration(folder: &Path, security: &str, log_level: &str) -> String {
    let folder = folder.display();
    format!(
        "table = \"{folder}/table.json\"\n[server]\nlisten = \"127.0.0.1:0\"\nlog_level = \"{log_level}\"\n\
         [security]\n{security}\n[hints]\ndir = \"{folder}/hints\"\n"
    )
}

impl Configured {
    fn start(table: &str, security: &str) -> Configured {
        let folder = TempDir::new().unwrap();
        write(folder.path(), "table.json", table);
        write(folder.path(), "hustha.toml", &configuration(folder.path(), security, "error"));
        #[expect(clippy::disallowed_methods, reason = "a file of the test")]
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let args = ["--config".into(), folder.path().join("hustha.toml").into()].to_vec();
        let proxy = Program::logging(env!("CARGO_BIN_EXE_hustha").into(), args, Some(log)).unwrap();
        Configured { proxy, folder }
    }

    fn reload(&self, security: &str, log_level: &str) {
        let path = self.folder.path();
        write(path, "hustha.toml", &configuration(path, security, log_level));
        self.proxy.signal(Signal::HUP).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn status(&self, target: &str, login: &str) -> u16 {
        let mut raw = self.proxy.raw().unwrap();
        let headers = [("Authorization", login)];
        raw.ask("GET", target, if login.is_empty() { &[] } else { &headers }, b"")
            .map_or(0, |reply| reply.status)
    }
}

#[test]
fn users_and_the_access_list() {
    let stubs = Stubs::pair(&[]);
    let proxy = Configured::start(&at_rest(&stubs.nodes[0].host(), &stubs.nodes[1].host()), "");
    let mut early = proxy.proxy.raw().unwrap();
    assert_eq!(early.ask("GET", "/get?key=k", &[], b"").unwrap().status, 404);
    assert_eq!(proxy.status("/get?key=k", ""), 404);
    proxy.reload("user = \"u\"\npassword = \"p\"", "error");
    assert!(wait_until(LONG, || proxy.status("/get?key=k", "") == 401));
    assert_eq!(proxy.status("/get?key=k", "Basic dTpw"), 404);
    let login = [("Authorization", "Basic dTpw"), ("If-Match", "\"0\"")];
    let reply = proxy.proxy.raw().unwrap().ask("POST", "/set_table", &login, b"x").unwrap();
    assert_eq!(reply.status, 400, "set_table may be used from now on: {}", reply.text());
    proxy.reload("user = \"u\"\npassword = \"q\"", "error");
    assert!(wait_until(LONG, || proxy.status("/get?key=k", "Basic dTpw") == 401));
    assert_eq!(proxy.status("/get?key=k", "Basic dTpx"), 404);
    proxy.reload("access_allow = [\"192.0.2.1\"]", "error");
    assert!(wait_until(LONG, || proxy.status("/status.html", "") == 403), "every path, new connections");
    proxy.reload("", "error");
    assert!(wait_until(LONG, || proxy.status("/get?key=k", "") == 404));
    assert_eq!(early.ask("GET", "/get?key=k", &[], b"").unwrap().status, 404, "old connections live on");
}

#[test]
fn the_log_level_and_what_is_wrong() {
    let stubs = Stubs::pair(&[]);
    let proxy = Configured::start(&at_rest(&stubs.nodes[0].host(), &stubs.nodes[1].host()), "");
    assert!(!proxy.log().contains("INFO"), "{}", proxy.log());
    proxy.reload("", "info");
    assert!(wait_until(LONG, || proxy.log().contains("configuration read again")));
    proxy.reload("access_allow = [\"nobody\"]", "info");
    assert!(wait_until(LONG, || proxy.log().contains("configuration not read again")));
    assert_eq!(proxy.status("/get?key=k", ""), 404, "the old one is in force");
    proxy.reload("colour = 1", "info");
    assert!(wait_until(LONG, || proxy.log().contains("security.colour")), "{}", proxy.log());
    assert_eq!(proxy.status("/get?key=k", ""), 404);
}

#[test]
fn the_table() {
    let stubs = Stubs::pair(&[]);
    let hosts = [0, 1].map(|at| stubs.nodes[at].host());
    let proxy = Configured::start(&at_rest(&hosts[0], &hosts[1]), "");
    let mut kept = proxy.proxy.raw().unwrap();
    let shown = |raw: &mut Raw| raw.ask("GET", "/get_table", &[], b"").unwrap();
    let old = shown(&mut kept);
    let fresh = at_rest(&hosts[1], &hosts[0]);
    write(proxy.folder.path(), "table.json", &fresh);
    proxy.proxy.signal(Signal::HUP).unwrap();
    assert!(wait_until(LONG, || shown(&mut kept).text() == fresh), "on a kept connection too");
    assert_ne!(shown(&mut kept).header("etag"), old.header("etag"));
    write(proxy.folder.path(), "table.json", "{\"table\":[]}");
    proxy.reload("", "info");
    assert!(wait_until(LONG, || proxy.log().contains("the table stays as it was: ")));
    assert_eq!(shown(&mut kept).text(), fresh);
    assert_eq!(proxy.status("/get?key=k", ""), 404);
}
