//! Tokens: what a delivery is acknowledged by.
//!
//! `slot:delivery:incarnation`, the slot with its priority in the low two bits. The delivery number begins with the
//! number of the node's start and is never used again in the queue; the incarnation is never used again on the node.
//! So a token can match the one delivery it was made for and nothing else.

use std::fmt;

use super::normal::SlotOf;
use crate::error::Error;

/// Longest token, bytes.
pub const TOKEN_MAX_BYTES: usize = 64;
/// Shortest token, bytes.
const TOKEN_MIN_BYTES: usize = 3;

/// A delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    pub(crate) slot: SlotOf,
    pub(crate) delivery: u64,
    pub(crate) incarnation: u64,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (priority, slot) = self.slot;
        write!(f, "{}:{}:{}", u64::from(slot) << 2 | u64::from(priority), self.delivery, self.incarnation)
    }
}

impl Token {
    /// Reads a token. `Ok(None)`: it looks like one, but no node made it.
    pub fn parse(text: &str) -> Result<Option<Token>, Error> {
        if !(TOKEN_MIN_BYTES..=TOKEN_MAX_BYTES).contains(&text.len()) {
            return Err(Error::invalid(
                "token",
                format!("not of {TOKEN_MIN_BYTES} to {TOKEN_MAX_BYTES} bytes"),
            ));
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.')) {
            return Err(Error::invalid("token", "illegal"));
        }
        Ok(read(text).filter(|token| token.to_string() == text))
    }
}

fn read(text: &str) -> Option<Token> {
    let mut parts = text.split(':').map(|part| part.parse::<u64>().ok());
    let (slot, delivery, incarnation) = (parts.next()??, parts.next()??, parts.next()??);
    let number = u32::try_from(slot >> 2).ok()?;
    parts.next().is_none().then_some(Token { slot: ((slot & 3) as u8, number), delivery, incarnation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_in_the_alphabet_of_the_contract() {
        for slot in [(0, 0), (2, u32::MAX), (1, 77)] {
            let token = Token { slot, delivery: u64::MAX, incarnation: 1 << 40 | 3 };
            let text = token.to_string();
            assert!((3..=64).contains(&text.len()));
            assert_eq!(Token::parse(&text).unwrap(), Some(token));
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_wrong_and_the_rest_is_unknown() {
        for text in ["", "1", "12", "1:2:x", "1:2:-3", "1 2:3", &"1".repeat(65)] {
            assert!(Token::parse(text).is_err(), "{text}");
        }
        for text in ["123", "1:2:3:4", "1:2", "01:2:3", "...", "1:2:99999999999999999999", "99999999999:1:1"]
        {
            assert_eq!(Token::parse(text).unwrap(), None, "{text}");
        }
    }
}
