//! What the tests of tables share: hosts, and three small tables.

mod layout;
mod roles;
mod rules;

use super::*;

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

fn hosts(count: usize) -> Vec<Host> {
    (0..count).map(|number| host(&format!("node{number}:8085"))).collect()
}

fn parse(text: &str) -> Result<Table, String> {
    Table::parse(text.as_bytes()).map_err(|error| error.to_string())
}

const REST: &str = r#"{"item":{"key":[0,1024],"val":["a:1","b:1"]}}"#;
const GROWS: &str = r#"{"item":{"key":[0,512],"val":["a:1","b:1"]},
    "increase":{"low":{"key":[0,256],"val":["a:1","c:1"]},"high":{"key":[256,512],"val":["c:1","b:1"]},"phase":"hold"}},
    {"item":{"key":[512,1024],"val":["b:1","a:1"]}}"#;
const SHRINKS: &str = r#"{"item":{"key":[0,512],"val":["a:1","r:1"]},"decrease":{"remove":"r:1","replace_by":"b:1","phase":"switch"}},
    {"item":{"key":[512,1024],"val":["r:1","b:1"]},"decrease":{"remove":"r:1","replace_by":"a:1"}}"#;

fn file(elements: &str) -> String {
    format!("{{\"table\":[{elements}]}}")
}
