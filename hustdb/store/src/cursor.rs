//! Cursors: the key where the next page begins, as a token a client may carry about.
//!
//! Base64 (URL alphabet, no padding) of a format byte, the 24 bytes of the key, with format 2 an md5 too, and a CRC-32 of
//! all that. Nothing in it belongs to one process, so tokens survive restarts; the checksum and the caller's range refuse
//! made-up ones.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hust_engine::{Key, key::KEY_BYTES};

/// First byte of a token of a key.
const KEY_FORMAT: u8 = 1;
/// First byte of a token of a key and an md5.
const PAIR_FORMAT: u8 = 2;
const MD5_BYTES: usize = 16;

/// The token for `key`.
pub(crate) fn encode(key: Key) -> String {
    sealed(KEY_FORMAT, &key.to_bytes())
}

/// The token for `key` in what has this md5.
pub(crate) fn encode_in(key: Key, md5: &[u8; MD5_BYTES]) -> String {
    sealed(PAIR_FORMAT, &[&key.to_bytes()[..], md5].concat())
}

/// The key in `token`, or `None` where no node made this token.
pub(crate) fn decode(token: &[u8]) -> Option<Key> {
    opened::<KEY_BYTES>(KEY_FORMAT, token).map(|key| Key::from_bytes(&key))
}

/// The key and the md5 in `token`, or `None` where no node made this token.
pub(crate) fn decode_in(token: &[u8]) -> Option<(Key, [u8; MD5_BYTES])> {
    let body = opened::<{ KEY_BYTES + MD5_BYTES }>(PAIR_FORMAT, token)?;
    Some((Key::from_bytes(body.first_chunk()?), *body.last_chunk()?))
}

fn sealed(format: u8, body: &[u8]) -> String {
    let mut bytes = vec![format];
    bytes.extend(body);
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn opened<const BODY_BYTES: usize>(format: u8, token: &[u8]) -> Option<[u8; BODY_BYTES]> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let (sealed, check) = bytes.split_at_checked(1 + BODY_BYTES)?;
    if check != crc32fast::hash(sealed).to_be_bytes() {
        return None;
    }
    let (found, body) = sealed.split_first()?;
    (*found == format).then_some(*body.first_chunk()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: [u8; 16] = [0xe1; 16];

    #[test]
    fn tokens_round_trip_in_the_alphabet_of_the_contract() {
        for key in [Key::MIN, Key::MAX, Key::hashed(3, [0x5a; 16])] {
            for token in [encode(key), encode_in(key, &MD5)] {
                assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)));
            }
            assert_eq!(decode(encode(key).as_bytes()), Some(key));
            assert_eq!(decode_in(encode_in(key, &MD5).as_bytes()), Some((key, MD5)));
            assert_eq!(decode(encode_in(key, &MD5).as_bytes()), None);
            assert_eq!(decode_in(encode(key).as_bytes()), None);
        }
    }

    #[test]
    fn every_other_token_is_refused() {
        let key = Key::hashed(0, [7; 16]);
        for token in [encode(key).into_bytes(), encode_in(key, &MD5).into_bytes()] {
            let legal = |token: &[u8]| decode(token).is_some() || decode_in(token).is_some();
            assert!(legal(&token));
            for len in 0..token.len() {
                assert!(!legal(&token[..len]), "cut at {len}");
            }
            for at in 0..token.len() {
                for byte in (0..=255).filter(|byte| *byte != token[at]) {
                    let mut other = token.clone();
                    other[at] = byte;
                    assert!(!legal(&other), "{byte:#x} at {at}");
                }
            }
            assert!(!legal(&[&token[..], b"A"].concat()));
        }
    }
}
