//! The token of a task: 128 random bits, 32 hex digits. Who has it may answer the call, so it cannot be guessed.

use std::fmt;

/// A token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(u128);

/// Hex digits of a token.
const DIGITS: usize = 32;

impl Token {
    /// The token of these bits.
    pub const fn new(bits: u128) -> Token {
        Token(bits)
    }

    /// Reads 32 hex digits as they are written here, in lower case.
    pub fn parse(text: &[u8]) -> Option<Token> {
        let legal = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != DIGITS || !text.iter().all(legal) {
            return None;
        }
        u128::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok().map(Token)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Not shown: a log that holds tokens would let its readers answer calls.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        for bits in [0, 1, 0x0123_4567_89ab_cdef, u128::MAX] {
            let text = Token::new(bits).to_string();
            assert_eq!(text.len(), DIGITS);
            assert_eq!(Token::parse(text.as_bytes()), Some(Token::new(bits)));
        }
        let text = "0123456789abcdef0123456789abcdef";
        assert!(Token::parse(text.as_bytes()).is_some());
        let long = format!("{text}0");
        for wrong in ["", "0", &text[1..], &long, &text.to_uppercase(), "+123456789abcdef0123456789abcdef"] {
            assert_eq!(Token::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
