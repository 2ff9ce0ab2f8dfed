//! Scores as bytes that sort as the numbers do: big-endian with the sign bit flipped.

/// Bytes of a score.
pub const SCORE_BYTES: usize = 8;

const SIGN: u64 = 1 << 63;

/// The bytes of a score.
pub const fn score_to_bytes(score: i64) -> [u8; SCORE_BYTES] {
    (score as u64 ^ SIGN).to_be_bytes()
}

/// The score of its bytes.
pub const fn score_of_bytes(bytes: [u8; SCORE_BYTES]) -> i64 {
    (u64::from_be_bytes(bytes) ^ SIGN) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_sort_as_scores() {
        let scores = [i64::MIN, i64::MIN + 1, -256, -1, 0, 1, 255, 256, i64::MAX - 1, i64::MAX];
        assert!(scores.map(score_to_bytes).is_sorted());
        assert_eq!(scores.map(|score| score_of_bytes(score_to_bytes(score))), scores);
        assert_eq!(score_to_bytes(0), [0x80, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(score_to_bytes(-1), [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    }
}
