//! How a node starts or refuses to: one clear line on stderr and the right exit status.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

use hust_testkit::wait_until;

use crate::support::{Client, brief, builder, node};

/// Runs a node that is to end by itself.
fn run(data: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hustdb"));
    command.arg("--data").arg(data).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut node = command.spawn().unwrap();
    let ended = wait_until(Duration::from_secs(60), || node.try_wait().unwrap().is_some());
    if !ended {
        node.kill().unwrap();
    }
    let output = node.wait_with_output().unwrap();
    assert!(ended, "{args:?} does not end: {output:?}");
    output
}

/// Runs a node that refuses: nothing on stdout, one line on stderr.
fn refusal(data: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = run(data, args);
    assert!(output.stdout.is_empty(), "{args:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.strip_suffix('\n').unwrap_or_else(|| panic!("{args:?}: {text:?}"));
    assert!(!line.contains('\n'), "{args:?}: {text}");
    (output.status.code(), line.to_owned())
}

#[test]
fn wrong_configurations_end_with_2_and_say_which_key() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("hustdb.toml");
    for (assignment, reason) in [
        ("server.nothing=1", "server.nothing: unknown key"),
        ("nothing=1", "nothing: unknown key"),
        ("server.max_body_size=1023", "server.max_body_size: 1023 is not in 1KiB..63MiB"),
        ("store.ttl_maximum=0", "store.ttl_maximum: 0 is not in 1..3162240000"),
        ("store.ttl_maximum=ten", "store.ttl_maximum: expected a whole number, found a string"),
        ("engine.sync=never", "engine.sync: \"never\" is none of always, interval, os"),
        ("engine.partitions=3", "engine.partitions: 3 is no power of two up to 256"),
        ("engine.partitions=512", "engine.partitions: 512 is not in 1..256"),
        (
            "security.access_allow=[\"all\"]",
            "security.access_allow: \"all\" is no address, a-b range or CIDR block",
        ),
        ("server.listen=nowhere", "server.listen: \"nowhere\" is no address:port"),
        ("server.tls_cert=a.pem", "server.tls_cert: set together with server.tls_key, or neither"),
        ("engine.sync", "--set engine.sync: no section.key=value"),
    ] {
        for check in [&["--check"][..], &[]] {
            let args = [&["--set", assignment], check].concat();
            assert_eq!(refusal(&data, &args), (Some(2), format!("hustdb: {reason}")), "{args:?}");
        }
    }
    let config = file.to_str().unwrap();
    let (status, line) = refusal(&data, &["--config", config, "--check"]);
    assert!(status == Some(2) && line.starts_with(&format!("hustdb: {config}: ")), "{line}");
    for (text, reason) in [
        ("[server]\nport = 1\n", "server.port: unknown key"),
        ("[server]\n\nlisten = \n", "line 3: "),
        ("[store]\nttl_maximum = 0\n", "store.ttl_maximum: 0 is not in 1..3162240000"),
    ] {
        put_file(&file, text);
        let (status, line) = refusal(&data, &["--config", config, "--check"]);
        assert!(status == Some(2) && line.starts_with(&format!("hustdb: {config}: {reason}")), "{line}");
    }
    assert!(!data.exists(), "nothing was made");
}

#[test]
fn a_check_of_a_good_configuration_says_nothing_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hustdb.toml");
    put_file(&file, "[server]\nlisten = \"127.0.0.1:1\"\n[store]\nttl_maximum = 5\n");
    let data = folder.path().join("data");
    let output = run(&data, &["--check", "--config", file.to_str().unwrap(), "--set", "store.ttl_maximum=9"]);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    assert!(!data.exists());
}

#[test]
fn flags() {
    let folder = tempfile::tempdir().unwrap();
    for flag in ["--nothing", "nothing", "-x"] {
        let output = run(folder.path(), &[flag]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{flag}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(flag));
    }
    for flag in ["-v", "--version"] {
        let shown = String::from_utf8(run(folder.path(), &[flag]).stdout).unwrap();
        assert_eq!(shown, format!("hustdb {}\n", env!("CARGO_PKG_VERSION")));
    }
    for flag in ["-h", "--help"] {
        let shown = String::from_utf8(run(folder.path(), &[flag]).stdout).unwrap();
        for option in ["--config", "--set", "--data", "--listen", "--check"] {
            assert!(shown.contains(option), "{flag}: {shown}");
        }
    }
}

#[test]
fn a_port_in_use_is_refused() {
    let node = node();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let listen = node.address().to_string();
    let (status, line) = refusal(&data, &["--listen", &listen]);
    assert_eq!(status, Some(1));
    assert!(line.starts_with(&format!("hustdb: server.listen: {listen}: ")), "{line}");
    assert_eq!(brief(&Client::of(&node).get("/status.html")), "200 - - ok");
}

#[test]
fn a_data_folder_in_use_is_refused() {
    let node = node();
    let mut client = Client::of(&node);
    client.put("/hustdb/put?key=k", "v");
    let (status, line) = refusal(node.data(), &["--listen", "127.0.0.1:0"]);
    assert!(status == Some(1) && line.starts_with("hustdb: "), "{status:?} {line}");
    assert!(line.contains("in use") || line.contains("lock"), "{line}");
    assert_eq!(brief(&client.put("/hustdb/put?key=k", "w")), "200 2 false", "the first goes on");
}

#[test]
fn a_data_folder_of_another_shape_is_refused() {
    let mut node = node();
    Client::of(&node).put("/hustdb/put?key=k", "v");
    node.stop().unwrap();
    let (status, line) = refusal(node.data(), &["--listen", "127.0.0.1:0", "--set", "engine.partitions=4"]);
    assert!(status == Some(1) && line.contains("partition"), "{status:?} {line}");
    put_file(&node.data().join("VERSION"), "huststore 2\n");
    let (status, line) = refusal(node.data(), &["--listen", "127.0.0.1:0"]);
    assert!(status == Some(1) && line.contains("huststore 2"), "{status:?} {line}");
    put_file(&node.data().join("VERSION"), "huststore 1\n");
    node.restart().unwrap();
    assert_eq!(brief(&Client::of(&node).get("/hustdb/get?key=k")), "200 1 - v", "nothing was touched");
}

/// What a line about damage ends with.
const WHAT_TO_DO: &str = "; put a copy of the folder in its place, or an empty one to be filled from the pair's other \
                          master (doc/store.md)";

/// The newest file in a folder, by its name from the folder above.
#[expect(clippy::disallowed_methods, reason = "looks at the files of a node")]
fn newest_in(folder: &Path) -> String {
    let name = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).max().unwrap();
    format!("{}/{}", folder.file_name().unwrap().display(), name.display())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "reads what it damages")]
fn damaged_data_is_refused() {
    let mut node = node();
    Client::of(&node).put("/hustdb/put?key=k", "v");
    node.stop().unwrap();
    let manifest = std::fs::read_to_string(node.data().join("VERSION"));
    assert_eq!(manifest.unwrap(), "huststore 1\n");
    for (name, text) in [
        ("MANIFEST", "no manifest at all, and long enough to have a header"),
        (&*newest_in(&node.data().join("table")), "no table"),
    ] {
        let whole = std::fs::read(node.data().join(name)).unwrap();
        put_file(&node.data().join(name), text);
        let (status, line) = refusal(node.data(), &["--listen", "127.0.0.1:0"]);
        let place = format!("{}: damaged at byte ", node.data().join(name).display());
        assert!(status == Some(1) && line.contains(&place), "{status:?} {line}");
        assert!(line.ends_with(WHAT_TO_DO), "{line}");
        put_file(&node.data().join(name), whole);
    }
    node.restart().unwrap();
    assert_eq!(brief(&Client::of(&node).get("/hustdb/get?key=k")), "200 1 - v", "nothing was touched");
    node.stop().unwrap();
    // Older segments may be waiting for their removal, and nobody misses what was in them.
    let log = node.data().join(newest_in(&node.data().join("log")));
    put_file(&log, "");
    let (status, line) = refusal(node.data(), &["--listen", "127.0.0.1:0"]);
    assert!(status == Some(1) && line.ends_with(WHAT_TO_DO), "{status:?} {line}");
}

#[expect(clippy::disallowed_methods, reason = "files that an operator or an accident wrote")]
fn put_file(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::write(path, text).unwrap();
}

/// A value whose bytes changed on the disk.
#[test]
fn a_damaged_value_is_never_served() {
    let mut node = builder().set("engine.segment_size=1MiB").start().unwrap();
    let mut client = Client::of(&node);
    let value: Vec<u8> = (0..5000u32).map(|at| ((at * 7919) >> 3) as u8).collect();
    client.put("/hustdb/put?key=damaged", &value);
    client.put("/hustdb/put?key=whole", "v");
    assert!(node.stop().unwrap().success());
    let damaged = flip_in(&node.data().join("log"), &value);
    assert_eq!(damaged, 1, "the value lies in one place");
    node.restart().unwrap();
    let mut client = Client::of(&node);
    let reply = client.get("/hustdb/get?key=damaged");
    assert!(brief(&reply).starts_with("500 - - "), "{}", brief(&reply));
    assert_eq!(brief(&client.get("/hustdb/get?key=whole")), "200 1 - v");
}

/// Flips a bit in the middle of these bytes wherever the files of a folder have them; returns in how many places.
#[expect(clippy::disallowed_methods, reason = "an accident on the disk")]
fn flip_in(folder: &Path, bytes: &[u8]) -> usize {
    let mut places = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut content = std::fs::read(&path).unwrap();
        let found: Vec<usize> = content
            .windows(bytes.len())
            .enumerate()
            .filter(|(_, part)| *part == bytes)
            .map(|(at, _)| at)
            .collect();
        for at in &found {
            content[at + bytes.len() / 2] ^= 1;
        }
        if !found.is_empty() {
            std::fs::write(&path, content).unwrap();
        }
        places += found.len();
    }
    places
}
