//! A table file on a file system that is full: set_table is 507, and the old table stays in force.

use std::{path::Path, process::Command};

use hust_testkit::{Program, wait_until};

use crate::cluster::{LONG, at_rest};

/// Mounts a file system at $1, puts the table $2 and as much else on it as there is room for, becomes the proxy $3.
const SCRIPT: &str = r#"mount -t tmpfs -o size=128k tmpfs "$1" && cp "$2" "$1/table.json" || exit 1
head -c 1m /dev/zero > "$1/ballast" 2> /dev/null
exec "$3" --listen 127.0.0.1:0 --set "table=$1/table.json" --set "hints.dir=$2.hints" \
  --set security.user=u --set security.password=p --set server.log_level=error"#;

fn may_mount() -> bool {
    let tried = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    tried.is_ok_and(|out| out.status.success())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files of the test")]
fn a_table_that_finds_no_room_is_507() {
    if !may_mount() {
        println!("no file system can be mounted here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (place, table) = (folder.path().join("full"), folder.path().join("table"));
    std::fs::create_dir(&place).unwrap();
    // Nobody listens there: dead hosts are no obstacle.
    let (old, new) = (at_rest("127.0.0.1:1", "127.0.0.1:2"), at_rest("127.0.0.1:2", "127.0.0.1:1"));
    std::fs::write(&table, &old).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let args = ["-rm", "sh", "-c", SCRIPT, "sh", &text(&place), &text(&table), env!("CARGO_BIN_EXE_hustha")];
    let mut proxy = Program::start("unshare", args).unwrap();
    let mut client = proxy.raw().unwrap();
    let mut ask = |method: &str, target: &str, body: &str| {
        let headers = [("Authorization", "Basic dTpw"), ("If-Match", "*")];
        client.ask(method, target, &headers, body.as_bytes()).unwrap()
    };
    let refused = ask("POST", "/set_table", &new);
    assert_eq!((refused.status, refused.header("errorcode")), (507, Some("2")), "{}", refused.text());
    assert!(refused.text().starts_with("table: "), "{}", refused.text());
    assert_eq!(ask("GET", "/get_table", "").text(), old, "the old one stays in force");
    let inside = format!("/proc/{}/root{}", proxy.id(), text(&place));
    assert_eq!(std::fs::read_to_string(format!("{inside}/table.json")).unwrap(), old);
    assert_eq!(std::fs::read_dir(&inside).unwrap().count(), 2, "nothing else is left");
    std::fs::remove_file(format!("{inside}/ballast")).unwrap();
    assert!(wait_until(LONG, || ask("POST", "/set_table", &new).status == 200));
    assert_eq!(ask("GET", "/get_table", "").text(), new);
    assert!(proxy.stop().unwrap().success());
}
