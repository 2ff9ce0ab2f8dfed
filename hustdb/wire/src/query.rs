//! The query of a request target: pairs split at `&`, names from values at the first `=`, names compared as sent.
//!
//! Nothing is decoded before a command reads it, and then exactly once; a value without `%` is borrowed from the
//! target. Of a repeated parameter the last counts. `param.rs` reads typed values out of this.

use std::borrow::Cow;

use crate::refusal::Refusal;

/// An undecoded query.
#[derive(Debug, Clone, Copy, Default)]
pub struct Query<'a>(&'a [u8]);

impl<'a> Query<'a> {
    /// The query `raw`: what follows the first `?` of a target.
    pub fn new(raw: &'a [u8]) -> Query<'a> {
        Query(raw)
    }

    /// The query as sent.
    pub fn raw(self) -> &'a [u8] {
        self.0
    }

    /// The pairs as sent, undecoded. A name without `=` has an empty value.
    pub fn pairs(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.0.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(pair)
    }

    /// The query as sent, but without what it says of these names.
    pub fn without(self, names: &[&str]) -> Vec<u8> {
        let is_kept = |raw: &&[u8]| names.iter().all(|name| value_in(raw, name).is_none());
        let kept: Vec<&[u8]> = self.0.split(|byte| *byte == b'&').filter(is_kept).collect();
        kept.join(&b'&')
    }

    /// The undecoded value of `name`: the last, if it is repeated.
    pub fn find(self, name: &str) -> Option<&'a [u8]> {
        // Most queries are one pair.
        if !has(self.0, b'&') {
            return value_in(self.0, name);
        }
        self.0.rsplit(|byte| *byte == b'&').find_map(|raw| value_in(raw, name))
    }

    /// The decoded value of `name`.
    pub fn bytes(self, name: &'static str) -> Result<Option<Cow<'a, [u8]>>, Refusal> {
        let Some(raw) = self.find(name) else { return Ok(None) };
        decode(raw).map(Some).ok_or_else(|| Refusal::bad(name, "bad escape"))
    }
}

/// The value in a pair of this name.
fn value_in<'a>(raw: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let rest = raw.strip_prefix(name.as_bytes())?;
    match rest.split_first() {
        Some((b'=', value)) => Some(value),
        Some(_) => None,
        None if raw.is_empty() => None,
        None => Some(rest),
    }
}

fn pair(raw: &[u8]) -> (&[u8], &[u8]) {
    match raw.iter().position(|byte| *byte == b'=') {
        Some(at) => (&raw[..at], &raw[at + 1..]),
        None => (raw, &[]),
    }
}

/// Whether a byte is in there. Without an early end many bytes are looked at in one step, also of short texts.
fn has(bytes: &[u8], wanted: u8) -> bool {
    bytes.iter().fold(false, |found, byte| found | (*byte == wanted))
}

/// Percent-decodes once; `None` for an invalid escape. `+` stays a plus.
pub fn decode(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !has(raw, b'%') {
        return Some(Cow::Borrowed(raw));
    }
    let first = raw.iter().position(|byte| *byte == b'%').unwrap_or(raw.len());
    let (plain, mut rest) = raw.split_at(first);
    let mut decoded = Vec::with_capacity(raw.len());
    decoded.extend_from_slice(plain);
    loop {
        rest = match rest {
            [] => return Some(Cow::Owned(decoded)),
            [b'%', high, low, tail @ ..] => {
                decoded.push(digit(*high)? << 4 | digit(*low)?);
                tail
            }
            [b'%', ..] => return None,
            [byte, tail @ ..] => {
                decoded.push(*byte);
                tail
            }
        };
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_once_and_keeps_plus() {
        let table: [(&[u8], Option<&[u8]>); 12] = [
            (b"", Some(b"")),
            (b"abc", Some(b"abc")),
            (b"a+b", Some(b"a+b")),
            (b"a%20b", Some(b"a b")),
            (b"%2B%2b", Some(b"++")),
            (b"%2541", Some(b"%41")),
            (b"%00%ff%E4", Some(b"\0\xff\xe4")),
            (b"%", None),
            (b"%a", None),
            (b"%zz", None),
            (b"ok%4", None),
            (b"%%41", None),
        ];
        for (raw, expected) in table {
            assert_eq!(decode(raw).as_deref(), expected, "{}", String::from_utf8_lossy(raw));
        }
        assert!(matches!(decode(b"plain"), Some(Cow::Borrowed(_))), "no copy without an escape");
    }

    #[test]
    fn finds_the_last_of_a_name() {
        let query = Query::new(b"&&key=1&k=2&keys=3&key=4=5&ver&&key2=6&");
        assert_eq!(query.find("key"), Some(&b"4=5"[..]));
        assert_eq!(query.find("k"), Some(&b"2"[..]));
        assert_eq!(query.find("ver"), Some(&b""[..]));
        assert_eq!(query.find("Key"), None);
        assert_eq!(query.find("ke"), None);
        assert_eq!(query.find(""), None);
        assert_eq!(query.pairs().count(), 6);
        assert_eq!(query.pairs().nth(4), Some((&b"ver"[..], &b""[..])));
        assert_eq!(Query::new(b"").find("key"), None);
        assert_eq!(Query::new(b"a=1&a").find("a"), Some(&b""[..]));
    }

    #[test]
    fn what_is_left_out_is_left_out_wherever_it_stands() {
        let table = [
            ("", ""),
            ("a=1&&b=%2F&", "a=1&&b=%2F&"),
            ("t=1&a=1&t&tt=1&t=%zz", "a=1&tt=1"),
            ("a=t&p=1&b", "a=t&b"),
            ("t=1", ""),
        ];
        for (query, expected) in table {
            let without = Query::new(query.as_bytes()).without(&["t", "p"]);
            assert_eq!(String::from_utf8(without).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn only_what_is_read_is_decoded() {
        let query = Query::new(b"key=%41&other=%zz");
        assert_eq!(query.bytes("key").unwrap().as_deref(), Some(&b"A"[..]));
        assert_eq!(query.bytes("other").unwrap_err().line(), "other: bad escape\n");
        assert_eq!(query.bytes("none").unwrap(), None);
        assert_eq!(Query::new(b"%6bey=1").bytes("key").unwrap(), None, "names are compared as sent");
    }
}
