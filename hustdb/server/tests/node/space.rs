//! A file system that is full: 507, and what goes on; a small one of our own in a namespace, where that is permitted.

use std::{process::Command, time::Duration};

use hust_testkit::{Program, wait_until};

use crate::support::{Client, brief};

/// Mounts a file system at $1, puts something large on it, becomes the node $2.
const SCRIPT: &str = r#"mount -t tmpfs -o size=200m tmpfs "$1" && head -c 80m /dev/zero > "$1/ballast" &&
exec "$2" --data "$1/data" --listen 127.0.0.1:0 --set store.disk_reserve=0 --set engine.sync=os \
  --set engine.segment_size=4MiB --set engine.memtable=1MiB --set server.log_level=error"#;

fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    tried.is_ok_and(|out| out.status.success())
}

#[test]
fn a_full_file_system_is_507_until_there_is_room() {
    if !may_mount() {
        println!("no file system can be mounted here; the simulated ones of the engine's tests must do");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let args = ["-rm", "sh", "-c", SCRIPT, "sh", place, env!("CARGO_BIN_EXE_hustdb")];
    let mut node = Program::start("unshare", args).unwrap();
    let mut client = Client::to(node.address());
    let value = "v".repeat(10_000);
    assert_eq!(client.put("/hustmq/put?queue=old", &value).header("index"), Some("1"));
    let stored = (0..20_000).find_map(|number| {
        let mut reply = None;
        // A machine that is slow to flush makes the node refuse for a while.
        let accepted = wait_until(Duration::from_secs(60), || {
            let answer = client.put(&format!("/hustdb/put?key={number}"), &value);
            reply.insert(answer).status != 503
        });
        assert!(accepted, "{number}");
        reply.filter(|reply| reply.status != 200).map(|reply| (number, reply))
    });
    let (stored, refused) = stored.expect("it gets full");
    assert!(brief(&refused).starts_with("507 - - disk: "), "{}", brief(&refused));
    for target in
        ["/hustdb/hset?tb=h&key=f", "/hustmq/put?queue=q", "/hustmq/put?queue=old", "/hustmq/pub?queue=p"]
    {
        let refused = client.put(target, &value);
        assert!(brief(&refused).starts_with("507 - - disk: "), "{target}: {}", brief(&refused));
    }
    client.check(&[
        ("GET", "/hustdb/get?key=0", "", &format!("200 1 - {value}")),
        ("GET", &format!("/hustdb/exist?key={stored}"), "", "404 0 -"),
        ("GET", "/hustdb/hexist?tb=h&key=f", "", "412 0 - tb: no such table"),
        ("GET", "/hustmq/stat?queue=q", "", "412 - - queue: unknown"),
        ("GET", "/status.html", "", "200 - - ok"),
    ]);
    let ballast = format!("/proc/{}/root{place}/ballast", node.id());
    #[expect(clippy::disallowed_methods, reason = "a file that is in the way")]
    std::fs::remove_file(ballast).unwrap();
    let put = |client: &mut Client| brief(&client.put("/hustdb/put?key=after", &value));
    assert!(wait_until(Duration::from_secs(30), || put(&mut client).starts_with("200 ")), "by itself");
    assert_eq!(client.put("/hustmq/put?queue=q", &value).status, 200);
    assert_eq!(
        client.put("/hustmq/put?queue=old", &value).header("index"),
        Some("2"),
        "none was stored meanwhile"
    );
    assert!(node.stop().unwrap().success());
}
