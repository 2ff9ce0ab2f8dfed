//! Reading numbers and lengths out of bytes from the disk: everything is checked, nothing is allocated.

/// Appends a LEB128 number.
pub(super) fn put_varint(to: &mut Vec<u8>, mut word: u64) {
    while word >= 0x80 {
        to.push(word as u8 | 0x80);
        word >>= 7;
    }
    to.push(word as u8);
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest<'a>(pub &'a [u8]);

impl<'a> Rest<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        self.take(LEN)?.first_chunk().copied()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut word = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            word |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
            if byte & 0x80 == 0 {
                return Some(word);
            }
        }
        None
    }

    /// Bytes with their length before them.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.varint()?;
        self.take(usize::try_from(len).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip_and_never_overflow() {
        for word in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, word);
            assert_eq!(Rest(&bytes).varint(), Some(word));
            for cut in 0..bytes.len() {
                assert_eq!(Rest(&bytes[..cut]).varint(), None);
            }
        }
        assert_eq!(Rest(&[0xff; 11]).varint(), None);
        assert_eq!(Rest(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f").varint(), None, "over 64 bits");
        assert_eq!(Rest(b"\xff\xff\xff\xff\x0fx").bytes(), None, "longer than what there is");
    }
}
