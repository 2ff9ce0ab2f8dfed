//! Cursors of scans: where the next page begins, as a token that survives restarts.
//!
//! Base64 (URL alphabet, no padding) of a format byte, a position and a CRC-32 of both. The position of a kv pair, a
//! field or a set member is its row key. A member of a sorted set is found by the md5 of the table's name, since names
//! are walked in that order, and by its own.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hust_engine::{Key, key::KEY_BYTES};

use super::walk::Position;

/// Format bytes: a row key; a name's md5 and the end of a row key.
const ROW: u8 = 0x11;
const MEMBER: u8 = 0x12;
/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 128;

/// The token for a position.
pub(super) fn encode(position: &Position) -> String {
    let mut bytes = Vec::with_capacity(48);
    match position {
        Position::Row(key) => {
            bytes.push(ROW);
            bytes.extend(key.to_bytes());
        }
        Position::Member { name, member } => {
            bytes.push(MEMBER);
            bytes.extend(name);
            bytes.extend(member);
        }
    }
    cursor_of(&bytes)
}

/// The token that says these bytes. Public for fuzzing.
pub fn cursor_of(body: &[u8]) -> String {
    let check = crc32fast::hash(body).to_be_bytes();
    BASE64_URL_SAFE_NO_PAD.encode([body, &check].concat())
}

/// The position in a token; `None`: no node made it.
pub(super) fn decode(token: &[u8]) -> Option<Position> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let (body, check) = bytes.split_last_chunk::<4>()?;
    if *check != crc32fast::hash(body).to_be_bytes() {
        return None;
    }
    match body.split_first()? {
        (&ROW, key) => Some(Position::Row(Key::from_bytes(<&[u8; KEY_BYTES]>::try_from(key).ok()?))),
        (&MEMBER, rest) => {
            let (name, member) = rest.split_first_chunk()?;
            Some(Position::Member { name: *name, member: member.try_into().ok()? })
        }
        _ => None,
    }
}

/// Whether a scan could have given this token: what is read is what is written. Public for fuzzing.
pub fn is_cursor(token: &[u8]) -> bool {
    decode(token).is_some_and(|position| encode(&position).as_bytes() == token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_and_damage_is_found() {
        for position in [Position::Row(Key([1, 2, 3])), Position::Member { name: [7; 16], member: [9; 20] }] {
            let token = encode(&position);
            assert_eq!(decode(token.as_bytes()), Some(position));
            assert!(is_cursor(token.as_bytes()));
            for at in 0..token.len() {
                let mut damaged = token.clone().into_bytes();
                damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
                assert_eq!(decode(&damaged), None, "{at}");
                assert_eq!(decode(&token.as_bytes()[..at]), None, "{at}");
            }
        }
        for token in [&b"\xff"[..], b"====", b"EQ", &[b'A'; 200]] {
            assert_eq!(decode(token), None);
        }
    }
}
