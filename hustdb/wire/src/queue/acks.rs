//! What is acknowledged, and how: alone, or on the way to the next message.

use std::borrow::Cow;

use hyper::header::{HeaderName, HeaderValue};

use super::{check_token, split};
use crate::{answer::Answer, query::Query, refusal::Refusal};

static UNKNOWN_TOKENS: HeaderName = HeaderName::from_static("unknown-tokens");

/// What a get acknowledges before it takes anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acks<'a> {
    /// One token, or a list; checked.
    pub tokens: Cow<'a, [u8]>,
    /// Whether the answer waits for the disk.
    pub synced: bool,
}

impl<'a> Acks<'a> {
    /// Reads what a get has to acknowledge.
    pub fn read(query: Query<'a>) -> Result<Option<Acks<'a>>, Refusal> {
        let said = query.boolean("sync")?;
        let Some(tokens) = query.bytes("token")? else {
            return match said {
                None => Ok(None),
                Some(_) => Err(Refusal::bad("sync", "not without token")),
            };
        };
        split(&tokens)?.into_iter().try_for_each(check_token)?;
        Ok(Some(Acks { tokens, synced: said.unwrap_or(true) }))
    }
}

/// Whether an acknowledgement waits for the disk.
pub fn synced(query: Query<'_>) -> Result<bool, Refusal> {
    Ok(query.boolean("sync")?.unwrap_or(true))
}

/// Tells which of the tokens that a get was to acknowledge were not current, joined by commas; nothing if all were.
pub fn unknown_tokens(answer: Answer, unknown: &str) -> Answer {
    match HeaderValue::try_from(unknown) {
        Ok(value) if !value.is_empty() => answer.with_header(UNKNOWN_TOKENS.clone(), value),
        _ => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_get_acknowledges() {
        let read = |query: &'static str| {
            let read = Acks::read(Query::new(query.as_bytes()));
            read.map_err(|refusal| refusal.line().trim_end().to_owned())
        };
        let acks = |tokens: &'static str, synced| {
            Ok(Some(Acks { tokens: Cow::Borrowed(tokens.as_bytes()), synced }))
        };
        let wrong = |reason: &str| Err(reason.to_owned());
        let table = [
            ("worker=w", Ok(None)),
            ("token=1:2:3", acks("1:2:3", true)),
            ("sync=false&token=1%3A2:3,4:5:6", acks("1:2:3,4:5:6", false)),
            ("token=1:2:3&sync=1", acks("1:2:3", true)),
            ("sync=true", wrong("sync: not without token")),
            ("sync=false", wrong("sync: not without token")),
            ("sync=no&token=1:2:3", wrong("sync: not true, false, 1 or 0")),
            ("token=", wrong("token: not of 3 to 64 bytes")),
            ("token=1:2:3,", wrong("token: not of 3 to 64 bytes")),
            ("token=1-2-3", wrong("token: illegal")),
            ("token=%ff%ff%ff", wrong("token: illegal")),
            ("token=%4", wrong("token: bad escape")),
        ];
        for (query, expected) in table {
            assert_eq!(read(query), expected, "{query}");
        }
        assert_eq!(synced(Query::new(b"sync=0")), Ok(false));
        assert_eq!(synced(Query::new(b"")), Ok(true));
    }

    #[test]
    fn all_current_needs_no_header() {
        let named = |unknown: &str| {
            let rare = unknown_tokens(Answer::empty(hyper::StatusCode::OK), unknown).rare;
            rare.map(|rare| format!("{:?}", rare.others))
        };
        assert_eq!(named(""), None);
        assert_eq!(named("1:2:3,4:5:6").unwrap(), r#"[("unknown-tokens", "1:2:3,4:5:6")]"#);
    }
}
