//! The package index: stanzas of lines, divided by empty lines. The record's key is
//! `Package_Version_Architecture`, its value the stanza.

use std::{collections::HashSet, path::PathBuf, process::Command};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::store::Failure;

/// Where the index comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// `apt-cache dumpavail`.
    AptCache,
    /// A file of that shape.
    File(PathBuf),
}

/// A record to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key, percent-encoded for a query.
    pub query_key: String,
    /// The stanza, with the end of its last line.
    pub value: Vec<u8>,
}

/// All records of the index, each key once: the first stanza counts.
pub fn read(source: &Source) -> Result<Vec<Record>, Failure> {
    let bytes = match source {
        Source::File(path) => std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?,
        Source::AptCache => {
            let output = Command::new("apt-cache")
                .arg("dumpavail")
                .output()
                .map_err(|error| format!("apt-cache: {error}; give an index with --file"))?;
            if !output.status.success() {
                return Err(format!("apt-cache dumpavail: {}", output.status).into());
            }
            output.stdout
        }
    };
    let records = parse(&bytes);
    if records.is_empty() { Err("the index holds no package".into()) } else { Ok(records) }
}

fn parse(index: &[u8]) -> Vec<Record> {
    let mut seen = HashSet::new();
    let mut records = Vec::new();
    let mut stanza: Vec<&[u8]> = Vec::new();
    for line in index.split_inclusive(|byte| *byte == b'\n').chain([b"\n".as_slice()]) {
        if line.trim_ascii().is_empty() {
            if let Some(key) = key(&stanza)
                && seen.insert(key.clone())
            {
                let query_key = utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string();
                records.push(Record { query_key, value: stanza.concat() });
            }
            stanza.clear();
        } else {
            stanza.push(line);
        }
    }
    records
}

/// `Package_Version_Architecture`; `None` for a stanza without a package.
fn key(stanza: &[&[u8]]) -> Option<String> {
    let field = |name: &str| {
        let value = stanza.iter().find_map(|line| line.strip_prefix(name.as_bytes()))?;
        Some(String::from_utf8_lossy(value.trim_ascii()).into_owned())
    };
    let (version, architecture) =
        (field("Version:").unwrap_or_default(), field("Architecture:").unwrap_or_default());
    Some(format!("{}_{version}_{architecture}", field("Package:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_become_records() {
        let index = b"Package: a\nVersion: 1:2+b~c\nArchitecture: amd64\nDescription: x\n more Package: no\n\n\n\
                      Package: b\nVersion: 1\nArchitecture: all\n\nPackage: b\nVersion: 1\nArchitecture: all\nX: y\n\n\
                      Nothing: here\n\nPackage: c\nVersion: 3";
        let records = parse(index);
        let keys: Vec<&str> = records.iter().map(|record| record.query_key.as_str()).collect();
        assert_eq!(keys, ["a%5F1%3A2%2Bb%7Ec%5Famd64", "b%5F1%5Fall", "c%5F3%5F"]);
        assert_eq!(records[0].value, index[..records[0].value.len()]);
        assert!(records[0].value.ends_with(b"no\n"));
        assert_eq!(records[2].value, b"Package: c\nVersion: 3");
        assert_eq!(parse(b""), []);
    }
}
