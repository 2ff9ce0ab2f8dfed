//! The filter: says of most absent keys that they are absent, from memory alone.
//!
//! A binary fuse filter with 8-bit fingerprints (9 bits a key, 0.4 % false answers), see xorf. It is built from the
//! distinct hashes; should construction fail all the same, the table has none and every key counts as maybe there.

use xorf::{BinaryFuse8, Descriptor, Filter as _};

use super::layout::{FILTER_HEAD_BYTES, crc_leads, lead_with_crc, u32_at, u64_at};

const NONE: u32 = 0;
const BINARY_FUSE_8: u32 = 1;

/// A filter in memory.
#[derive(Debug)]
pub(super) struct Filter(Option<BinaryFuse8>);

impl Filter {
    /// A filter that holds all of `hashes`, which it sorts and thins out.
    pub fn build(hashes: &mut Vec<u64>) -> Filter {
        hashes.sort_unstable();
        hashes.dedup();
        let built = BinaryFuse8::try_from(&*hashes).ok();
        // A filter that forgets a key loses a row, so what was built is proven. Hashes may have been chosen to break
        // the construction.
        Filter(built.filter(|filter| hashes.iter().all(|hash| filter.contains(hash))))
    }

    /// Whether the key with this hash may be in the table.
    #[inline]
    pub fn may_contain(&self, hash: u64) -> bool {
        self.0.as_ref().is_none_or(|filter| filter.contains(&hash))
    }

    /// Bytes on the heap.
    pub fn memory_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |filter| filter.fingerprints.len())
    }

    /// The filter section.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; 4];
        match &self.0 {
            None => {
                out.extend_from_slice(&NONE.to_le_bytes());
                out.resize(FILTER_HEAD_BYTES, 0);
            }
            Some(BinaryFuse8 { descriptor, fingerprints }) => {
                out.extend_from_slice(&BINARY_FUSE_8.to_le_bytes());
                out.extend_from_slice(&descriptor.seed.to_le_bytes());
                out.extend_from_slice(&descriptor.segment_length.to_le_bytes());
                out.extend_from_slice(&descriptor.segment_count_length.to_le_bytes());
                out.extend_from_slice(fingerprints);
            }
        }
        lead_with_crc(&mut out);
        out
    }

    /// Reads what [`Filter::encode`] wrote; `None` if it is not whole.
    pub fn decode(section: &[u8]) -> Option<Filter> {
        let fingerprints = section.get(FILTER_HEAD_BYTES..)?;
        if !crc_leads(section) {
            return None;
        }
        let (seed, segment_length, segment_count_length) =
            (u64_at(section, 8), u32_at(section, 16), u32_at(section, 20));
        match u32_at(section, 4) {
            NONE if fingerprints.is_empty() => Some(Filter(None)),
            BINARY_FUSE_8 => {
                // With these the three places of any hash lie within the fingerprints.
                let sound = segment_length.is_power_of_two()
                    && segment_count_length != 0
                    && segment_count_length.is_multiple_of(segment_length)
                    && u64::from(segment_count_length) + 2 * u64::from(segment_length)
                        == fingerprints.len() as u64
                    && fingerprints.len() <= u32::MAX as usize;
                let descriptor = Descriptor {
                    seed,
                    segment_length,
                    segment_length_mask: segment_length.wrapping_sub(1),
                    segment_count_length,
                };
                sound.then(|| Filter(Some(BinaryFuse8 { descriptor, fingerprints: fingerprints.into() })))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_and_neighbouring_hashes_are_kept() {
        for count in [1u64, 2, 3, 5, 100, 5000] {
            let mut hashes: Vec<u64> = (0..count).flat_map(|n| [n, n, n << 40]).collect();
            let all = hashes.clone();
            let filter = Filter::build(&mut hashes);
            assert!(filter.0.is_some(), "{count}");
            let back = Filter::decode(&filter.encode()).unwrap();
            assert_eq!(back.memory_bytes(), filter.memory_bytes());
            assert!(all.iter().all(|hash| filter.may_contain(*hash) && back.may_contain(*hash)));
        }
    }

    #[test]
    fn absent_keys_are_mostly_rejected() {
        let filter = Filter::build(&mut (0..10_000).collect());
        let maybe = (10_000..110_000).filter(|hash| filter.may_contain(*hash)).count();
        assert!(maybe < 600, "{maybe} of 100000");
    }

    #[test]
    fn no_filter_says_maybe() {
        let back = Filter::decode(&Filter(None).encode()).unwrap();
        assert!(back.may_contain(7) && back.memory_bytes() == 0);
    }

    #[test]
    fn every_flipped_bit_and_hostile_shape_is_refused() {
        let good = Filter::build(&mut (0..50).collect()).encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Filter::decode(&bad).is_none());
        }
        for len in 0..good.len() {
            assert!(Filter::decode(&good[..len]).is_none());
        }
        for at in 16..24 {
            for value in 0..=255 {
                let mut crafted = good.clone();
                crafted[at] = value;
                lead_with_crc(&mut crafted);
                if let Some(filter) = Filter::decode(&crafted) {
                    (0..100u64)
                        .for_each(|hash| _ = filter.may_contain(hash.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
                }
            }
        }
    }
}
