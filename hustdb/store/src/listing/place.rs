//! Where a listing goes on: the first row not shown, and what else is needed to find it again.
//!
//! The kind in the row key says which section it lies in. Rows by score do not lie in the order in which a file lists its
//! sorted sets, so there the md5 of the set's name goes along: the walk finds its way also when the set has gone.

use hust_engine::Key;

use crate::cursor;

/// A place in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The row to go on with.
    pub key: Key,
    /// In files, for rows by score: md5 of the sorted set's name.
    pub name_md5: Option<[u8; 16]>,
}

impl Place {
    pub(crate) fn encode(&self) -> String {
        match &self.name_md5 {
            None => cursor::encode(self.key),
            Some(md5) => cursor::encode_in(self.key, md5),
        }
    }

    /// `None`: no node made this token.
    pub(crate) fn decode(token: &[u8]) -> Option<Place> {
        match cursor::decode(token) {
            Some(key) => Some(Place { key, name_md5: None }),
            None => cursor::decode_in(token).map(|(key, md5)| Place { key, name_md5: Some(md5) }),
        }
    }
}
