//! `conf/hustmq.toml` and `doc/config.md` say what the structs say. `HUST_WRITE_REFERENCE=1` writes them anew.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hust_wire::config::{conf, doc, load, mismatches};

use super::FrontConfig;

const BEGIN: &str = "<!-- hustmq.toml: begin -->\n";
const END: &str = "<!-- hustmq.toml: end -->\n";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The file `name`, which must be `expected`; written first where that is asked for.
#[expect(clippy::disallowed_methods, reason = "files of the source tree")]
fn check(name: &str, expected: &str) {
    let path = path(name);
    if std::env::var_os("HUST_WRITE_REFERENCE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} is not what the code says; run this test with HUST_WRITE_REFERENCE=1");
}

#[test]
fn every_key_is_described() {
    assert_eq!(mismatches::<FrontConfig>().unwrap(), Vec::<String>::new());
}

#[test]
fn the_file_of_defaults_is_generated() {
    let file = conf::<FrontConfig>().unwrap();
    assert_eq!(load::<FrontConfig>(&file, &[]).unwrap(), FrontConfig::default());
    check("conf/hustmq.toml", &file);
}

#[test]
fn the_reference_is_generated() {
    let text = fs::read_to_string(path("doc/config.md")).unwrap();
    let (head, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (_, tail) = rest.split_once(END).expect("where it ends");
    check("doc/config.md", &format!("{head}{BEGIN}\n{}\n{END}{tail}", doc::<FrontConfig>().unwrap()));
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
