//! Cursors of scans: a token that is accepted is one that a node makes, to the byte.

use hust_store::{cursor_of, is_cursor};

/// Reads a token. With the mode bit set, the input is what a token says, and the token is made of it.
pub fn cursor(input: &[u8]) {
    let Some((mode, rest)) = input.split_first() else { return };
    if mode & crate::MEND == 0 {
        // Only a checksum that fits lets anything through.
        is_cursor(rest);
        return;
    }
    let token = cursor_of(rest);
    let accepted = is_cursor(token.as_bytes());
    let legal = matches!((rest.first(), rest.len()), (Some(0x11), 25) | (Some(0x12), 37));
    assert_eq!(accepted, legal, "{token}");
}

/// Both kinds of positions.
pub fn seeds() -> Vec<Vec<u8>> {
    let row = [&[1, 0x11][..], &[7; 24]].concat();
    let member = [&[1, 0x12][..], &[7; 36]].concat();
    let token = [&[0][..], cursor_of(&row[1..]).as_bytes()].concat();
    vec![row, member, token]
}
