//! The program: its command line, what it refuses to start with, and what it reads again on SIGHUP.

use std::{fs, path::Path, process::Command};

use hust_testkit::{Program, Signal, wait_until};
use tempfile::TempDir;

use crate::{cluster::LONG, stub::Stubs};

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_hustmq")).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

#[test]
fn the_command_line() {
    let (code, out, _) = run(&["--version"]);
    assert_eq!((code, out.starts_with("hustmq ")), (Some(0), true), "{out}");
    let (code, out, _) = run(&["--help"]);
    assert!(code == Some(0) && out.contains("--config") && out.contains("--set"), "{out}");
    assert_eq!(run(&["--check"]), (Some(0), String::new(), String::new()));
    let conf = concat!(env!("CARGO_MANIFEST_DIR"), "/../conf/hustmq.toml");
    assert_eq!(run(&["--check", "--config", conf]).0, Some(0));
    for wrong in [
        "backends=[]",
        "backends=[\"nowhere\"]",
        "backends=[\"a:1\",\"A:1\"]",
        "queue_hash=maybe",
        "colour=1",
        "rpc.cache_size=0",
        "long_polling_timeout_ms=0",
        "security.access_allow=[\"x\"]",
    ] {
        for args in [&["--check", "--set", wrong][..], &["--set", wrong, "--listen", "127.0.0.1:0"]] {
            let (code, out, log) = run(args);
            assert_eq!((code, out.as_str(), log.lines().count()), (Some(2), "", 1), "{args:?}: {log}");
            let key = wrong.split(['=', '.']).next().unwrap();
            assert!(log.contains(key), "{log}");
        }
    }
    assert_eq!(run(&["--config", "/nowhere.toml"]).0, Some(2));
}

/// A front with a configuration file, which logs to a file.
struct Configured {
    front: Program,
    folder: TempDir,
    backends: String,
}

#[expect(clippy::disallowed_methods, reason = "files of the test")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

impl Configured {
    fn start(stubs: &Stubs) -> Configured {
        let folder = TempDir::new().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a file of the test")]
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let backends = format!("backends = [\"{}\"]", stubs.nodes[0].host());
        let file = folder.path().join("hustmq.toml");
        write(&file, &text(&backends, "", "error"));
        let args = ["--config".into(), file.into(), "--listen".into(), "127.0.0.1:0".into()].to_vec();
        let front = Program::logging(env!("CARGO_BIN_EXE_hustmq").into(), args, Some(log)).unwrap();
        Configured { front, folder, backends }
    }

    fn reload(&self, security: &str, log_level: &str) {
        write(&self.folder.path().join("hustmq.toml"), &text(&self.backends, security, log_level));
        self.front.signal(Signal::HUP).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn status(&self, target: &str, login: &str) -> u16 {
        let mut raw = self.front.raw().unwrap();
        let headers = [("Authorization", login)];
        let headers = if login.is_empty() { &[][..] } else { &headers };
        raw.ask("GET", target, headers, b"").map_or(0, |reply| reply.status)
    }
}

fn text(backends: &str, security: &str, log_level: &str) -> String {
    format!("{backends}\n[server]\nlog_level = \"{log_level}\"\n[security]\n{security}\n")
}

#[test]
fn sighup() {
    let stubs = Stubs::with(1, &[]);
    let front = Configured::start(&stubs);
    let mut early = front.front.raw().unwrap();
    assert_eq!(early.ask("GET", "/stat_all", &[], b"").unwrap().status, 200);
    assert!(!front.log().contains("INFO"), "{}", front.log());
    front.reload("user = \"u\"\npassword = \"p\"", "info");
    assert!(wait_until(LONG, || front.status("/stat_all", "") == 401));
    assert_eq!(front.status("/stat_all", "Basic dTpw"), 200);
    assert!(wait_until(LONG, || front.log().contains("configuration read again")));
    for (wrong, named) in [("access_allow = [\"nobody\"]", "access_allow"), ("colour = 1", "colour")] {
        front.reload(wrong, "info");
        assert!(wait_until(LONG, || front.log().contains(named)), "{}", front.log());
        assert_eq!(front.status("/stat_all", ""), 401, "the old one is in force");
    }
    front.reload("access_allow = [\"192.0.2.1\"]", "info");
    assert!(wait_until(LONG, || front.status("/status.html", "") == 403), "every path, new connections");
    front.reload("", "info");
    assert!(wait_until(LONG, || front.status("/stat_all", "") == 200));
    assert_eq!(early.ask("GET", "/stat_all", &[], b"").unwrap().status, 200, "old connections live on");
}
