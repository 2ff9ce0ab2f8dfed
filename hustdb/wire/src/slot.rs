//! Slots and files: which of the 1024 parts of the key space some bytes belong to, and which partition holds a slot.
//!
//! Proxy, node and tools all route by these functions; a slot is the first 10 bits of the md5, most significant
//! first, and a file is a range of slots, so both follow the order of md5s.

use md5::{Digest, Md5};

/// Number of slots.
pub const SLOTS: u16 = 1024;

/// The md5 of `bytes`.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// The slot of routing bytes, `0..SLOTS`.
pub fn slot(bytes: &[u8]) -> u16 {
    slot_of(md5(bytes))
}

/// The slot of routing bytes whose md5 is known.
pub fn slot_of(md5: [u8; 16]) -> u16 {
    let [first, second, ..] = md5;
    u16::from(first) << 2 | u16::from(second) >> 6
}

/// The file of a slot among `files`.
pub fn file(slot: u16, files: u32) -> u32 {
    (u64::from(slot) * u64::from(files) / u64::from(SLOTS)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_contract() {
        let long = [b'x'; 65_536];
        let table: [(&[u8], [u8; 2], u16, u32); 16] = [
            (b"a", [0x0c, 0xc1], 51, 0),
            (b"b", [0x92, 0xeb], 587, 4),
            (b"hello", [0x5d, 0x41], 373, 2),
            (b"test_key", [0x8c, 0x32], 560, 4),
            (b"key_1", [0xbc, 0xc0], 755, 5),
            (b"key_2", [0x24, 0xfd], 147, 1),
            (b"test_table", [0xe1, 0xaa], 902, 7),
            (b"user:42", [0x56, 0xda], 347, 2),
            (b"a b", [0x0c, 0xc9], 51, 0),
            (b"a+b", [0x65, 0xc8], 407, 3),
            (b"\0", [0x93, 0xb8], 590, 4),
            (b"a\0b", [0x70, 0x35], 448, 3),
            (b"\x80", [0x8d, 0x39], 564, 4),
            (b"\xff", [0x00, 0x59], 1, 0),
            ("中文".as_bytes(), [0xa7, 0xba], 670, 5),
            (&long, [0x59, 0x8b], 358, 2),
        ];
        for (bytes, begins, expected, of_8) in table {
            let name = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]);
            assert_eq!(md5(bytes)[..2], begins, "{name}");
            assert_eq!(slot(bytes), expected, "{name}");
            assert_eq!(file(slot(bytes), 8), of_8, "{name}");
        }
        assert_eq!(file(1023, 1), 0);
        assert_eq!(file(1023, 1024), 1023);
    }
}
