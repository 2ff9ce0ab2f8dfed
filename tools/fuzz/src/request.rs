//! The query of a request target: decoding and typed parameters.

use std::borrow::Cow;

use hust_wire::{
    param::{KEY_MAX_BYTES, TABLE_MAX_BYTES},
    query::{Query, decode},
};

const NAMES: [&str; 5] = ["key", "tb", "ttl", "val", ""];

/// Reads all of the input as a query, every parameter as every type, and compares with plainer ways to the same.
pub fn request(data: &[u8]) {
    let query = Query::new(data);
    assert_eq!(query.raw(), data);
    for encoded in [encode(data, false), encode(data, true)] {
        assert_eq!(decode(&encoded).as_deref(), Some(data), "decoding undoes encoding");
    }
    if let Some(decoded) = decode(data) {
        assert_eq!(decoded.len() + 2 * data.iter().filter(|byte| **byte == b'%').count(), data.len());
        assert_eq!(matches!(decoded, Cow::Borrowed(_)), !data.contains(&b'%'));
    }
    for name in NAMES {
        let found = query.find(name);
        let last = query.pairs().filter(|(other, _)| *other == name.as_bytes()).last();
        assert_eq!(found, last.map(|(_, value)| value), "the last of a name counts");
        check(query, name, found.and_then(decode));
    }
}

fn check(query: Query<'_>, name: &'static str, value: Option<Cow<'_, [u8]>>) {
    let text = value.as_deref().and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
    let absent = query.find(name).is_none();
    let strict = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());

    let unsigned = query.unsigned(name, u64::MAX);
    let expected = if strict { text.parse::<u64>().ok() } else { None };
    assert_eq!(unsigned.as_ref().ok().copied().flatten(), expected);
    assert_eq!(unsigned == Ok(None), absent);
    assert_eq!(query.unsigned_in(name, 3, 1000).ok().flatten(), expected.filter(|n| (3..=1000).contains(n)));

    let strict = strict
        || text
            .strip_prefix('-')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    let expected = if strict { text.parse::<i64>().ok() } else { None };
    assert_eq!(query.signed(name).ok().flatten(), expected);

    let boolean = query.boolean(name).ok().flatten();
    assert_eq!(
        boolean,
        match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    );
    let key = query.key(name).ok().flatten();
    assert_eq!(key, value.clone().filter(|key| (1..=KEY_MAX_BYTES).contains(&key.len())));
    if let Ok(Some(table)) = query.table(name) {
        assert_eq!(table.as_bytes(), value.as_deref().unwrap_or_default());
        assert!((1..=TABLE_MAX_BYTES).contains(&table.len()));
        assert!(!table.contains(['/', '\0', '-', '%', '&']), "{table}");
    }
    for refusal in [unsigned.err(), query.table(name).err(), query.bytes(name).err()].into_iter().flatten() {
        let line = refusal.line();
        assert!(line.ends_with('\n') && line.lines().count() == 1, "{line:?}");
    }
}

/// Percent-encodes everything, or all but letters and digits.
fn encode(bytes: &[u8], all: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        if !all && byte.is_ascii_alphanumeric() {
            out.push(*byte);
        } else if all {
            out.extend(format!("%{byte:02x}").bytes());
        } else {
            out.extend(format!("%{byte:02X}").bytes());
        }
    }
    out
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seeds: [&[u8]; 8] = [
        b"key=hello&tb=table.1&ttl=2592000&val=-8",
        b"key=%41%2f%00&key=again&tb=a%3Ab",
        b"ttl=18446744073709551615&val=-9223372036854775808",
        b"&&key==&tb&ttl=&val=true&=x",
        b"key=%&tb=%4&val=%zz&ttl=+1",
        b"val=9223372036854775807&val=0&ttl=-1&key=a+b",
        b"tb=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        b"",
    ];
    seeds.map(<[u8]>::to_vec).into()
}
