//! Seeded keys and values. Row `i` of a seed always has the same 16-byte user key, whose bytes look random, so that
//! writing rows 0, 1, 2 ... is a random insert and nothing has to remember keys. Values cannot be compressed and
//! begin with their row's number, so that every read proves it got the right row.

/// Bytes of a user key.
pub const KEY_BYTES: usize = 16;

/// Bytes of random data values are cut from.
const POOL_BYTES: usize = 1 << 20;

/// SplitMix64 (Steele, Lea, Flood 2014): a full-period generator whose output function is a bijection.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator; equal seeds give equal sequences.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number in `0..end`; `end` is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A number in `[0, 1)`.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The user key of row `row`.
pub fn key(seed: u64, row: u64) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    let low = mix(row ^ seed);
    key[..8].copy_from_slice(&mix(low ^ 0x5851_F42D_4C95_7F2D).to_be_bytes());
    key[8..].copy_from_slice(&low.to_be_bytes());
    key
}

/// The user key over HTTP and in Redis: 16 printable bytes, the shape redis-benchmark makes.
pub fn text_key(row: u64) -> String {
    format!("key:{row:012}")
}

/// A length as people say it.
pub fn size_name(bytes: usize) -> String {
    const UNITS: [(usize, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} B"),
    }
}

/// Makes values without copying more than the row's number.
pub struct Values {
    pool: Vec<u8>,
    rng: Rng,
}

impl Values {
    /// A source; equal seeds give equal values.
    pub fn new(seed: u64) -> Values {
        let mut rng = Rng::new(seed);
        let pool = (0..POOL_BYTES / 8).flat_map(|_| rng.next().to_le_bytes()).collect();
        Values { pool, rng }
    }

    /// A value of `len` bytes (none, or 8 to 1 MiB) for `row`.
    pub fn next(&mut self, row: u64, len: usize) -> &[u8] {
        if len == 0 {
            return &[];
        }
        let len = len.clamp(8, self.pool.len());
        let start = self.rng.below((self.pool.len() - len + 1) as u64) as usize;
        let value = &mut self.pool[start..start + len];
        value[..8].copy_from_slice(&row.to_le_bytes());
        value
    }
}

/// Whether `value` is one that [`Values`] made for `row` with this length.
pub fn is_value_of(row: u64, len: usize, value: &[u8]) -> bool {
    value.len() == len && value.first_chunk() == Some(&row.to_le_bytes())
}

/// Which rows are asked for.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Every row as likely as any other.
    Uniform(u64),
    /// Zipf with exponent 0.99, by the method of Gray et al. 1994 that YCSB uses; ranks are scattered over the rows.
    Zipf {
        /// Number of rows.
        rows: u64,
        /// Sum of the weights.
        zeta: f64,
        /// `1 + 0.5^theta`: below this, rank 1.
        second: f64,
        /// The method's eta.
        eta: f64,
    },
}

const THETA: f64 = 0.99;

impl Choice {
    /// A Zipf choice among `rows` rows.
    pub fn zipf(rows: u64) -> Choice {
        let zeta: f64 = (1..=rows).map(|rank| (rank as f64).powf(-THETA)).sum();
        let second = 1.0 + 0.5f64.powf(THETA);
        let eta = (1.0 - (2.0 / rows as f64).powf(1.0 - THETA)) / (1.0 - second / zeta);
        Choice::Zipf { rows, zeta, second, eta }
    }

    /// The next row.
    pub fn next(&self, rng: &mut Rng) -> u64 {
        match *self {
            Choice::Uniform(rows) => rng.below(rows),
            Choice::Zipf { rows, zeta, second, eta } => {
                let unit = rng.unit();
                let weight = unit * zeta;
                let rank = if weight < 1.0 {
                    0
                } else if weight < second {
                    1
                } else {
                    (rows as f64 * (eta * unit - eta + 1.0).powf(1.0 / (1.0 - THETA))) as u64
                };
                mix(rank) % rows
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_repeat() {
        let keys: std::collections::HashSet<_> = (0..10_000).map(|row| key(7, row)).collect();
        assert_eq!(keys.len(), 10_000);
        assert_eq!(key(7, 3), key(7, 3));
        assert_ne!(key(7, 3), key(8, 3));
        assert_eq!(text_key(12).len(), KEY_BYTES);
    }

    #[test]
    fn lengths_are_said_in_whole_units() {
        let names = [100, 1000, 1024, 1536, 64 << 10, 4 << 30].map(size_name);
        assert_eq!(names, ["100 B", "1000 B", "1 KiB", "1536 B", "64 KiB", "4 GiB"]);
    }

    #[test]
    fn values_prove_their_row() {
        let mut values = Values::new(1);
        let value = values.next(42, 100).to_vec();
        assert!(is_value_of(42, 100, &value));
        assert!(!is_value_of(43, 100, &value));
        assert!(!is_value_of(42, 99, &value));
        assert_eq!(values.next(1, 1 << 20).len(), 1 << 20);
    }

    #[test]
    fn zipf_prefers_few_rows_and_uniform_none() {
        let hits = |choice: Choice| {
            let mut rng = Rng::new(5);
            let mut hits = vec![0u32; 1000];
            for _ in 0..100_000 {
                hits[choice.next(&mut rng) as usize] += 1;
            }
            *hits.iter().max().unwrap()
        };
        assert!(hits(Choice::Uniform(1000)) < 200);
        let top = hits(Choice::zipf(1000));
        // The first rank has 1 / zeta(1000, 0.99), about 13 % of the draws.
        assert!((11_000..18_000).contains(&top), "{top}");
    }
}
