//! Foreign text as it is told on: one short line.

/// What is told of a failure is cut to so many bytes.
pub const SHORT_MAX_BYTES: usize = 200;

/// A text as one line of at most [`SHORT_MAX_BYTES`]: control characters become blanks.
pub fn short(text: &str) -> String {
    let begin = text.get(..text.floor_char_boundary(SHORT_MAX_BYTES)).unwrap_or(text);
    begin.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The first line of bytes that should be text, in short.
pub fn first(bytes: &[u8]) -> String {
    // A value may be long; what is cut off anyway is not looked at.
    let begin = bytes.get(..SHORT_MAX_BYTES).unwrap_or(bytes);
    short(String::from_utf8_lossy(begin).lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_one_short_line() {
        assert_eq!(short("a\tb\nc\u{85}d"), "a b c d");
        assert_eq!(short(&"é".repeat(1000)), "é".repeat(SHORT_MAX_BYTES / 2));
        assert_eq!(short(&format!("a{}", "é".repeat(1000))).len(), SHORT_MAX_BYTES - 1);
        assert_eq!(first(b"disk: full\r\nmore"), "disk: full");
        assert_eq!(first(b"\xff\x00"), "\u{fffd} ");
        assert_eq!(first(b""), "");
        assert_eq!(first(&[b'x'; 5000]).len(), SHORT_MAX_BYTES);
    }
}
