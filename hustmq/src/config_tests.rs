use hust_testkit::check_reference;
use hust_wire::config::load;

use super::FrontConfig;

#[test]
fn the_reference_is_generated() {
    check_reference::<FrontConfig>("hustmq");
}

#[test]
fn hosts_are_checked() {
    let hosts = |line: &str| load::<FrontConfig>(line, &[]).unwrap().backend_hosts();
    assert_eq!(hosts("backends = [\"a:1\", \"b:2\"]").unwrap().len(), 2);
    assert_eq!(hosts("").unwrap()[0].as_str(), "127.0.0.1:8085");
    for wrong in ["backends = []", "backends = [\"a\"]", "backends = [\"a:1\", \"A:1\"]"] {
        assert!(hosts(wrong).is_err(), "{wrong}");
    }
}
