//! Listing cursors: the key where the next page begins, as a token a client may carry about.
//!
//! Base64 (URL alphabet, no padding) of a format byte, the 24 bytes of the key and a CRC-32 of both. Nothing in it
//! belongs to one process, so tokens survive restarts; the checksum and the caller's range refuse made-up ones.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hust_engine::{Key, key::KEY_BYTES};

/// First byte of a token.
const FORMAT: u8 = 1;
/// Format byte and key.
const BODY_BYTES: usize = 1 + KEY_BYTES;

/// The token for `key`.
pub(crate) fn encode(key: Key) -> String {
    let mut bytes = vec![FORMAT];
    bytes.extend(key.to_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The key in `token`, or `None` where no node made this token.
pub(crate) fn decode(token: &[u8]) -> Option<Key> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let (body, check) = bytes.split_first_chunk::<BODY_BYTES>()?;
    if check != crc32fast::hash(body).to_be_bytes() {
        return None;
    }
    let (format, key) = body.split_first_chunk::<1>()?;
    (*format == [FORMAT]).then_some(Key::from_bytes(key.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_in_the_alphabet_of_the_contract() {
        for key in [Key::MIN, Key::MAX, Key::hashed(3, [0x5a; 16])] {
            let token = encode(key);
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)));
            assert_eq!(decode(token.as_bytes()), Some(key));
        }
    }

    #[test]
    fn every_other_token_is_refused() {
        let token = encode(Key::hashed(0, [7; 16])).into_bytes();
        for len in 0..token.len() {
            assert_eq!(decode(&token[..len]), None, "cut at {len}");
        }
        for at in 0..token.len() {
            for byte in (0..=255).filter(|byte| *byte != token[at]) {
                let mut other = token.clone();
                other[at] = byte;
                assert_eq!(decode(&other), None, "{byte:#x} at {at}");
            }
        }
        assert_eq!(decode(&[&token[..], b"A"].concat()), None);
    }
}
