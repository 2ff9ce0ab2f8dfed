//! Tokens of deliveries, one or a list joined by commas.

use std::borrow::Cow;

use super::BATCH_MAX;
use crate::{param::required, refusal::Refusal, request::Request};

/// Longest token, bytes.
pub const TOKEN_MAX_BYTES: usize = 64;
/// Shortest token, bytes.
pub const TOKEN_MIN_BYTES: usize = 3;

/// The tokens of a request as it shows them: in its body, else in its query.
pub fn shown(request: &Request) -> Result<Cow<'_, [u8]>, Refusal> {
    if !request.body.is_empty() {
        return Ok(Cow::Borrowed(&request.body));
    }
    required("token", request.query().bytes("token")?)
}

/// The tokens of a list; one without a comma is no list. None is checked yet.
pub fn split(text: &[u8]) -> Result<Vec<&str>, Refusal> {
    if text.len() > BATCH_MAX * (TOKEN_MAX_BYTES + 1) {
        return Err(Refusal::bad("token", "too long"));
    }
    let text = std::str::from_utf8(text).map_err(|_| Refusal::bad("token", "illegal"))?;
    let texts: Vec<&str> = text.split(',').take(BATCH_MAX + 1).collect();
    if texts.len() > BATCH_MAX {
        return Err(Refusal::bad("token", format!("over {BATCH_MAX} of them")));
    }
    Ok(texts)
}

/// A token has 3 to 64 of `0-9 : .`.
pub fn check_token(text: &str) -> Result<(), Refusal> {
    if !(TOKEN_MIN_BYTES..=TOKEN_MAX_BYTES).contains(&text.len()) {
        let reason = format!("not of {TOKEN_MIN_BYTES} to {TOKEN_MAX_BYTES} bytes");
        return Err(Refusal::bad("token", reason));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')) {
        return Err(Refusal::bad("token", "illegal"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        let checked = split(text.as_bytes()).and_then(|texts| {
            texts.iter().try_for_each(|text| check_token(text))?;
            Ok(texts.len())
        });
        checked.map_or_else(|refusal| refusal.line().trim_end().to_owned(), |count| count.to_string())
    }

    #[test]
    fn lists_are_strict_and_bounded() {
        let many = |count: usize| ["1:2:3"].repeat(count).join(",");
        let table = [
            ("1:2:3".into(), "1"),
            ("1:2:3,4:5:6".into(), "2"),
            (many(1000), "1000"),
            (many(1001), "token: over 1000 of them"),
            ("1:2:3,".into(), "token: not of 3 to 64 bytes"),
            (",1:2:3".into(), "token: not of 3 to 64 bytes"),
            ("".into(), "token: not of 3 to 64 bytes"),
            ("1:2:3\n".into(), "token: illegal"),
            ("1:2:3 ,1:2:4".into(), "token: illegal"),
            ("1".repeat(65), "token: not of 3 to 64 bytes"),
            (",".repeat(70_000), "token: too long"),
        ];
        for (text, expected) in table {
            assert_eq!(line(&text), expected, "{}", &text[..text.len().min(20)]);
        }
        assert_eq!(split(b"\xff\xff\xff").unwrap_err().line(), "token: illegal\n");
    }
}
