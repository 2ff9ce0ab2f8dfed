//! The owner of a queue, and who stands in for it.

use hust_wire::slot::md5;

/// The number of the backend that owns a queue: the first 8 bytes of its md5 as a fraction of the list.
pub fn owner(queue: &str, backends: usize) -> usize {
    let [a, b, c, d, e, f, g, h, ..] = md5(queue.as_bytes());
    let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    ((u128::from(hash) * backends as u128) >> 64) as usize
}

/// All backends, from `first` on round the list.
pub fn ring(first: usize, backends: usize) -> impl Iterator<Item = usize> {
    (first..backends).chain(0..first.min(backends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_follow_the_md5() {
        // md5("a") begins 0cc1, md5("b") 92eb, md5("hello") 5d41, md5("key_1") bcc0, md5("\xff...") is not a name.
        let table = [
            ("a", [0, 0, 0, 0]),
            ("hello", [0, 0, 1, 1]),
            ("b", [0, 1, 1, 2]),
            ("key_1", [0, 1, 2, 2]),
            ("test_table", [0, 1, 2, 3]),
        ];
        for (queue, owners) in table {
            assert_eq!([1, 2, 3, 4].map(|backends| owner(queue, backends)), owners, "{queue}");
        }
    }

    #[test]
    fn owners_are_spread() {
        let mut counts = [0; 7];
        for number in 0..7000 {
            counts[owner(&format!("queue_{number}"), 7)] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_ring_goes_round() {
        let around = |first, backends| ring(first, backends).collect::<Vec<_>>();
        assert_eq!(around(0, 1), [0]);
        assert_eq!(around(0, 3), [0, 1, 2]);
        assert_eq!(around(1, 3), [1, 2, 0]);
        assert_eq!(around(2, 3), [2, 0, 1]);
        assert_eq!(around(0, 0), [0; 0]);
    }
}
