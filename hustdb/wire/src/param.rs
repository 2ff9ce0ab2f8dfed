//! Typed parameters: the accepted grammar of each type, and the reason line for everything else.
//!
//! Readers return `None` for an absent parameter and [`Refusal`] 400 for an illegal one; [`required`] turns absence
//! into a refusal. The checks of keys and table names also serve what arrives in a body or a configuration.

use std::borrow::Cow;

use crate::{query::Query, refusal::Refusal};

/// The longest key or member in bytes.
pub const KEY_MAX_BYTES: usize = 65_536;
/// The longest table name in bytes.
pub const TABLE_MAX_BYTES: usize = 64;

impl<'a> Query<'a> {
    /// An unsigned number of at most `max`.
    pub fn unsigned(self, name: &'static str, max: u64) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.bytes(name)? else { return Ok(None) };
        match unsigned(name, &text)? {
            Number::Value(value) if value <= max => Ok(Some(value)),
            Number::Negative => Err(Refusal::bad(name, "negative")),
            _ => Err(Refusal::bad(name, format!("over {max}"))),
        }
    }

    /// An unsigned number within `min..=max`.
    pub fn unsigned_in(self, name: &'static str, min: u64, max: u64) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.bytes(name)? else { return Ok(None) };
        match unsigned(name, &text)? {
            Number::Value(value) if (min..=max).contains(&value) => Ok(Some(value)),
            _ => Err(Refusal::bad(name, format!("not in {min}..{max}"))),
        }
    }

    /// A signed 64-bit number.
    pub fn signed(self, name: &'static str) -> Result<Option<i64>, Refusal> {
        self.bytes(name)?.map(|text| signed(name, &text)).transpose()
    }

    /// A boolean.
    pub fn boolean(self, name: &'static str) -> Result<Option<bool>, Refusal> {
        match self.bytes(name)?.as_deref() {
            None => Ok(None),
            Some(b"true" | b"1") => Ok(Some(true)),
            Some(b"false" | b"0") => Ok(Some(false)),
            Some(_) => Err(Refusal::bad(name, "not true, false, 1 or 0")),
        }
    }

    /// A key or member.
    pub fn key(self, name: &'static str) -> Result<Option<Cow<'a, [u8]>>, Refusal> {
        let key = self.bytes(name)?;
        if let Some(key) = &key {
            check_key(name, key)?;
        }
        Ok(key)
    }

    /// A table name.
    pub fn table(self, name: &'static str) -> Result<Option<Cow<'a, str>>, Refusal> {
        match self.bytes(name)? {
            None => Ok(None),
            Some(Cow::Borrowed(bytes)) => Ok(Some(Cow::Borrowed(check_table(name, bytes)?))),
            Some(Cow::Owned(bytes)) => Ok(Some(Cow::Owned(check_table(name, &bytes)?.to_owned()))),
        }
    }
}

/// The value, or 400 `name: missing`.
pub fn required<T>(name: &'static str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::bad(name, "missing"))
}

/// A key or member has 1 to [`KEY_MAX_BYTES`] bytes.
pub fn check_key(name: &'static str, key: &[u8]) -> Result<(), Refusal> {
    match key.len() {
        0 => Err(Refusal::bad(name, "empty")),
        1..=KEY_MAX_BYTES => Ok(()),
        _ => Err(Refusal::bad(name, format!("over {KEY_MAX_BYTES} bytes"))),
    }
}

/// A table name has 1 to [`TABLE_MAX_BYTES`] of `0-9 A-Z a-z _ : .`.
pub fn check_table<'a>(name: &'static str, table: &'a [u8]) -> Result<&'a str, Refusal> {
    if table.is_empty() {
        return Err(Refusal::bad(name, "empty"));
    }
    if table.len() > TABLE_MAX_BYTES {
        return Err(Refusal::bad(name, format!("over {TABLE_MAX_BYTES} bytes")));
    }
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.');
    match std::str::from_utf8(table) {
        Ok(text) if table.iter().all(legal) => Ok(text),
        _ => Err(Refusal::bad(name, "illegal name")),
    }
}

/// A signed number in strict decimal, `-?[0-9]+` within 64 bits.
pub fn signed(name: &'static str, text: &[u8]) -> Result<i64, Refusal> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    check_digits(name, digits)?;
    let parsed = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| Refusal::bad(name, "not in -9223372036854775808..9223372036854775807"))
}

enum Number {
    Value(u64),
    TooBig,
    Negative,
}

fn unsigned(name: &'static str, text: &[u8]) -> Result<Number, Refusal> {
    if let Some(digits) = text.strip_prefix(b"-") {
        check_digits(name, digits)?;
        return Ok(Number::Negative);
    }
    check_digits(name, text)?;
    Ok(decimal(text).map_or(Number::TooBig, Number::Value))
}

/// The number that these digits are; `None` if there are none, or other bytes, or more than 64 bits hold.
pub fn decimal(digits: &[u8]) -> Option<u64> {
    let add = |sum: u64, byte: &u8| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    };
    digits.iter().try_fold(0, add).filter(|_| !digits.is_empty())
}

fn check_digits(name: &'static str, digits: &[u8]) -> Result<(), Refusal> {
    match digits {
        [] => Err(Refusal::bad(name, "empty")),
        _ if digits.iter().all(u8::is_ascii_digit) => Ok(()),
        _ => Err(Refusal::bad(name, "not a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.unwrap_err().line().trim_end().to_owned()
    }

    #[test]
    fn unsigned_numbers() {
        let read = |value: &str| Query::new(format!("ttl={value}").as_bytes()).unsigned("ttl", 2_592_000);
        assert_eq!(read("0"), Ok(Some(0)));
        assert_eq!(read("2592000"), Ok(Some(2_592_000)));
        assert_eq!(read("%31%30"), Ok(Some(10)));
        assert_eq!(line(read("2592001")), "ttl: over 2592000");
        assert_eq!(line(read("99999999999999999999999")), "ttl: over 2592000");
        assert_eq!(line(read("-1")), "ttl: negative");
        assert_eq!(line(read("")), "ttl: empty");
        for wrong in ["+1", "%201", "1%20", "0x1", "1.0", "1e3", "ten", "--1", "%2B1"] {
            assert_eq!(line(read(wrong)), "ttl: not a number", "{wrong}");
        }
        assert_eq!(line(read("%1")), "ttl: bad escape");
        assert_eq!(Query::new(b"").unsigned("ttl", 1), Ok(None));
        assert_eq!(Query::new(b"v=18446744073709551615").unsigned("v", u64::MAX), Ok(Some(u64::MAX)));
        assert!(Query::new(b"v=18446744073709551616").unsigned("v", u64::MAX).is_err());
    }

    #[test]
    fn numbers_in_a_range_name_the_range() {
        let read = |value: &str| {
            Query::new(format!("offset={value}").as_bytes()).unsigned_in("offset", 0, 1_000_000)
        };
        assert_eq!(read("1000000"), Ok(Some(1_000_000)));
        assert_eq!(line(read("-1")), "offset: not in 0..1000000");
        assert_eq!(line(read("1000001")), "offset: not in 0..1000000");
        assert_eq!(line(read("x")), "offset: not a number");
        assert_eq!(line(Query::new(b"n=0").unsigned_in("n", 1, 9)), "n: not in 1..9");
    }

    #[test]
    fn signed_numbers() {
        let read = |value: &str| Query::new(format!("val={value}").as_bytes()).signed("val");
        assert_eq!(read("-8"), Ok(Some(-8)));
        assert_eq!(read("-9223372036854775808"), Ok(Some(i64::MIN)));
        assert_eq!(read("9223372036854775807"), Ok(Some(i64::MAX)));
        for wrong in ["9223372036854775808", "-9223372036854775809", "", "-", "+1", "1.5", " 1", "0x1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn digits_alone_are_a_number() {
        assert_eq!(
            [&b"0"[..], b"007", b"18446744073709551615"].map(decimal),
            [Some(0), Some(7), Some(u64::MAX)]
        );
        for wrong in [&b""[..], b"-1", b"+1", b" 1", b"1 ", b"1a", b"/", b":", b"18446744073709551616"] {
            assert_eq!(decimal(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
    }

    #[test]
    fn booleans() {
        let read = |value: &str| Query::new(format!("b={value}").as_bytes()).boolean("b");
        assert_eq!((read("true"), read("1")), (Ok(Some(true)), Ok(Some(true))));
        assert_eq!((read("false"), read("0")), (Ok(Some(false)), Ok(Some(false))));
        for wrong in ["", "True", "yes", "2", "01"] {
            assert_eq!(line(read(wrong)), "b: not true, false, 1 or 0", "{wrong}");
        }
    }

    #[test]
    fn keys_and_tables() {
        let query = Query::new(b"key=%00%ff&empty=&tb=a_B:9.&enc=a%3Ab&bad=a-b&nul=%00");
        assert_eq!(query.key("key").unwrap().as_deref(), Some(&b"\0\xff"[..]));
        assert_eq!(line(query.key("empty")), "empty: empty");
        assert_eq!(line(required("key", query.key("none").unwrap())), "key: missing");
        assert_eq!(check_key("key", &[1; KEY_MAX_BYTES]), Ok(()));
        assert_eq!(line(check_key("key", &[1; KEY_MAX_BYTES + 1])), "key: over 65536 bytes");
        assert_eq!(query.table("tb").unwrap().as_deref(), Some("a_B:9."));
        assert_eq!(query.table("enc").unwrap().as_deref(), Some("a:b"));
        assert_eq!(line(query.table("bad")), "bad: illegal name");
        assert_eq!(line(query.table("nul")), "nul: illegal name");
        assert_eq!(line(query.table("empty")), "empty: empty");
        assert_eq!(check_table("tb", &[b'x'; 64]).map(str::len), Ok(64));
        assert_eq!(line(check_table("tb", &[b'x'; 65])), "tb: over 64 bytes");
    }
}
