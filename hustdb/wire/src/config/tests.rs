//! A configuration with the shared sections, read in every way.

use serde::{Deserialize, Serialize};

use super::*;

#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Whole {
    server: ServerConfig,
    security: SecurityConfig,
    backend: BackendConfig,
}

impl Config for Whole {
    fn keys() -> Vec<Key> {
        [SERVER_KEYS, SECURITY_KEYS, BACKEND_KEYS].concat()
    }
}

fn read(text: &str, overrides: &[&str]) -> Result<Whole, String> {
    let overrides: Vec<String> = overrides.iter().map(|line| (*line).to_owned()).collect();
    load(text, &overrides).map_err(|invalid| invalid.to_string())
}

#[test]
fn the_generated_file_is_the_default() {
    assert_eq!(mismatches::<Whole>(), Ok(vec![]));
    let conf = conf::<Whole>().unwrap();
    assert_eq!(read(&conf, &[]), Ok(Whole::default()));
    assert_eq!(read("", &[]), Ok(Whole::default()));
    assert!(conf.contains("[server]\n# Address and port"), "{conf}");
    assert!(conf.contains("(1KiB..63MiB)\nmax_body_size = \"32MiB\"\n"), "{conf}");
    assert_eq!(conf.matches("\n[security]\n").count(), 1);
    let doc = doc::<Whole>().unwrap();
    assert!(doc.contains("| `server.request_timeout_ms` | `60000` | 1..86400000 | "), "{doc}");
}

#[test]
fn overrides_win_over_the_file() {
    let file = "[server]\nlisten = \"[::1]:1\"\nworkers = 3\nmax_body_size = 4096\n";
    let sets = [
        "server.listen=0.0.0.0:80",
        "server.max_body_size=1MiB",
        "security.password=1234",
        "security.user=\"a b\"",
        "security.access_allow=[\"::1\"]",
    ];
    let whole = read(file, &sets).unwrap();
    assert_eq!((whole.server.listen.as_str(), whole.server.workers), ("0.0.0.0:80", 3));
    assert_eq!(whole.server.max_body_size, Size::mib(1));
    assert_eq!((whole.security.user.as_str(), whole.security.password.as_str()), ("a b", "1234"));
    assert_eq!(whole.security.access_allow, ["::1"]);
    assert_eq!(read(file, &[]).unwrap().server.max_body_size, Size::new(4096));
}

#[test]
fn passwords_are_not_shown() {
    let sets = ["security.password=geheim", "backend.password=geheim", "backend.pool=3"];
    let shown = format!("{:?}", read("", &sets).unwrap());
    assert!(!shown.contains("geheim") && shown.contains("pool: 3"), "{shown}");
    assert!(read("", &["backend.pool=0"]).is_err());
}

#[test]
fn what_is_wrong_is_one_line_that_names_the_key() {
    let table: [(&str, &[&str], &str); 13] = [
        ("[server]\nworker = 1", &[], "server.worker: unknown key"),
        ("servr = 1", &[], "servr: unknown key"),
        ("", &["server.nothing=1"], "server.nothing: unknown key"),
        ("", &["server.listen.port=1"], "server.listen.port: unknown key"),
        ("", &["workers"], "--set workers: no section.key=value"),
        ("[server]\nworkers = -1", &[], "server.workers: -1 is not in 0..1024"),
        ("", &["server.workers=2000"], "server.workers: 2000 is not in 0..1024"),
        ("", &["server.workers=many"], "server.workers: expected a whole number, found a string"),
        ("", &["server.max_body_size=1MB"], "server.max_body_size: \"1MB\" is no size such as \"256MiB\""),
        ("", &["server.max_body_size=1"], "server.max_body_size: 1 is not in 1KiB..63MiB"),
        (
            "",
            &["server.log_level=loud"],
            "server.log_level: \"loud\" is none of error, warn, info, debug, trace",
        ),
        ("", &["server=1"], "server: expected a section, found a whole number"),
        ("[server]\nlisten = [1]", &[], "server.listen: expected a string, found a list"),
    ];
    for (text, sets, expected) in table {
        assert_eq!(read(text, sets).unwrap_err(), expected);
    }
    let syntax = read("[server]\nlisten = \n", &[]).unwrap_err();
    assert!(syntax.starts_with("line 2: ") && !syntax.contains('\n'), "{syntax}");
    let inner = read("[security]\naccess_allow = [1]", &[]).unwrap_err();
    assert!(!inner.contains('\n') && inner.contains("access_allow"), "{inner}");
}
