use std::fs;

use hust_testkit::{check_reference, in_tree};
use hust_wire::config::load;

use super::ProxyConfig;

#[test]
fn the_reference_is_generated() {
    check_reference::<ProxyConfig>("hustha");
}

#[test]
fn hosts_are_checked() {
    let config = |line: &str| load::<ProxyConfig>(line, &[]).unwrap();
    assert_eq!(config("backends = [\"a:1\", \"b:2\"]").backend_hosts().unwrap().len(), 2);
    for wrong in ["backends = [\"a\"]", "backends = [\"a:1\", \"A:1\"]"] {
        assert!(config(wrong).backend_hosts().is_err(), "{wrong}");
    }
    assert_eq!(config("").sync_host().unwrap().0.as_str(), "127.0.0.1:8089");
    assert_eq!(config("sync.url = \"http://a:1/\"").sync_host().unwrap().0.as_str(), "a:1");
    for (line, wrong) in [
        ("sync.url = \"https://a:1\"", "sync.url: https:// needs backend.tls_ca"),
        ("sync.url = \"a:1\"", "sync.url: neither http://host:port nor https://host:port"),
        (
            "sync.url = \"https://a:1\"\nbackend.tls_ca = \"/dev/null\"",
            "backend.tls_ca: /dev/null: no certificate",
        ),
    ] {
        assert_eq!(config(line).sync_host().unwrap_err().to_string(), wrong);
    }
}

#[test]
fn the_example_of_a_table_is_one() {
    let file = fs::read_to_string(in_tree("conf/hustdbtable.json")).unwrap();
    let table = hust_wire::table::Table::parse(file.as_bytes()).unwrap();
    assert_eq!(table.to_json(), file);
}
