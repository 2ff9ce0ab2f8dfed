//! Bodies and headers of nodes' answers. Pure; whatever is not as the contract says is `None`.

use std::collections::HashMap;

use hust_wire::Host;
use serde::Deserialize;

const DIGEST_DIGITS: usize = 16;

/// A digest of so many slots.
pub fn digests(body: &[u8], slots: usize) -> Option<Vec<u64>> {
    let texts: Vec<&str> = serde_json::from_slice(body).ok()?;
    if texts.len() != slots {
        return None;
    }
    texts.into_iter().map(digest).collect()
}

fn digest(text: &str) -> Option<u64> {
    let is_legal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != DIGEST_DIGITS || !text.bytes().all(is_legal) {
        return None;
    }
    u64::from_str_radix(text, 16).ok()
}

/// Whether a cursor can be sent back as it is.
pub fn is_cursor(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && text.len() <= 4096 && text.bytes().all(is_legal)
}

/// The debts in the first object of a `stat_all`. Hosts that are none are left out.
pub fn debts(body: &[u8]) -> Option<Vec<(Host, u64)>> {
    #[derive(Deserialize)]
    struct First {
        #[serde(rename = "BINLOG", default)]
        binlog: HashMap<String, u64>,
    }
    // What follows are the tables: of no interest here, and many.
    let inside = body.trim_ascii_start().strip_prefix(b"[")?;
    let first: First = serde_json::Deserializer::from_slice(inside).into_iter().next()?.ok()?;
    let of = |(host, count): (String, u64)| Some((host.parse().ok()?, count));
    Some(first.binlog.into_iter().filter_map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_digests() {
        let body = br#"["0000000000000000","00000000000000ff"]"#;
        assert_eq!(digests(body, 2), Some(vec![0, 255]));
        assert_eq!(digests(b"[]", 0), Some(vec![]));
        for (wrong, slots) in [
            (&br#"["0000000000000000"]"#[..], 2),
            (br#"["000000000000000"]"#, 1),
            (br#"["00000000000000FF"]"#, 1),
            (br#"["+000000000000000"]"#, 1),
            (b"[0]", 1),
            (b"", 1),
            (br#"["0000000000000000"]x"#, 1),
        ] {
            assert_eq!(digests(wrong, slots), None, "{}", String::from_utf8_lossy(wrong));
        }
    }

    #[test]
    fn reads_debts() {
        let stat = |binlog: &str| format!(r#"[{{"TOTALIZE":{{"KVPAIR":{{}}}}{binlog}}},{{"table":"t"}}]"#);
        assert_eq!(debts(stat("").as_bytes()), Some(vec![]));
        let found = debts(stat(r#","BINLOG":{"10.0.0.2:8085":17,"nohost":1}"#).as_bytes()).unwrap();
        assert_eq!(found, [("10.0.0.2:8085".parse().unwrap(), 17)]);
        for wrong in ["", "{}", "[]", "[", r#"[{"BINLOG":{"a:1":-1}}]"#, r#"[{"BINLOG":3}]"#] {
            assert_eq!(debts(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_cursor_is_fit_for_a_query() {
        assert!(is_cursor("AbC_9.-"));
        for wrong in ["", "a b", "a&b", "%41", "é", &"a".repeat(5000)] {
            assert!(!is_cursor(wrong));
        }
    }
}
