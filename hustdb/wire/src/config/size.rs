//! Sizes with a unit: `"512GiB"`, `"32MiB"`, `"0"`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

const UNITS: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];

/// A number of bytes, written with the largest unit that divides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Size(u64);

impl Size {
    /// So many bytes.
    pub const fn new(bytes: u64) -> Size {
        Size(bytes)
    }

    /// So many MiB.
    pub const fn mib(count: u64) -> Size {
        Size(count << 20)
    }

    /// In bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |shift: &u32| self.0 > 0 && self.0.trailing_zeros() >= *shift;
        let (unit, shift) = UNITS.iter().find(|(_, shift)| divides(shift)).unwrap_or(&("", 0));
        write!(f, "{}{unit}", self.0 >> shift)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let wrong = || format!("{text:?} is no size such as \"256MiB\"");
        let text = text.trim();
        let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let (number, unit) = text.split_at(digits.len());
        let unit = unit.trim_start();
        let (_, shift) = UNITS
            .iter()
            .find(|(name, _)| *name == unit || (unit == "B" && name.is_empty()))
            .ok_or_else(wrong)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(1 << shift).map(Size).ok_or_else(wrong)
    }
}

impl From<Size> for String {
    fn from(size: Size) -> String {
        size.to_string()
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Size, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for (text, bytes) in
            [("0", 0), ("1", 1), ("1KiB", 1024), ("1025", 1025), ("256MiB", 256 << 20), ("3TiB", 3 << 40)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)));
            assert_eq!(Size(bytes).to_string(), text);
        }
        assert_eq!("33554432".parse(), Ok(Size::mib(32)));
        assert_eq!("12 MiB".parse(), Ok(Size::mib(12)));
        assert_eq!("7B".parse(), Ok(Size(7)));
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "MiB", "1MB", "1mib", "-1", "+1", "1.5GiB", "1 2", "99999999999TiB", "0x10", "1 MiB x"]
        {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
