//! Exact decimal numbers: `-?[0-9]+(.[0-9]+)?`, of which the significant digits fit an `i128` (any 38, zeros at the end
//! of the fraction not counted).
//!
//! Sums are exact or refused, so 0.1 added ten times is 1. There is no exponent, no rounding, no infinity.

use std::fmt;

/// More digits after the point than this do not fit anyway.
const MAX_SCALE: u32 = 38;

/// `digits / 10^scale`; the last digit of a fraction is never zero, so equal numbers are equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// The number in `text`; `None` if it is none, or one with too many digits.
    pub fn parse(text: &[u8]) -> Option<Decimal> {
        let negative = text.first() == Some(&b'-');
        let unsigned = text.strip_prefix(b"-").unwrap_or(text);
        let point = unsigned.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = match point.map(|at| unsigned.split_at(at)) {
            None => (unsigned, None),
            Some((whole, rest)) => (whole, Some(rest.get(1..)?)),
        };
        let numeric = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        if !numeric(whole) || !fraction.is_none_or(numeric) {
            return None;
        }
        let fraction = trim_zeros(fraction.unwrap_or_default());
        let scale = u32::try_from(fraction.len()).ok().filter(|scale| *scale <= MAX_SCALE)?;
        let add = |sum: i128, byte: &u8| {
            let digit = i128::from(byte - b'0');
            sum.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
        };
        let digits = whole.iter().chain(fraction).try_fold(0, add)?;
        Some(Decimal { digits, scale })
    }

    /// The sum; `None` if it has too many digits.
    pub fn checked_add(self, other: Decimal) -> Option<Decimal> {
        let scale = self.scale.max(other.scale);
        let digits = self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?;
        Some(Decimal { digits, scale }.shortest())
    }

    fn at_scale(self, scale: u32) -> Option<i128> {
        self.digits.checked_mul(10i128.checked_pow(scale - self.scale)?)
    }

    fn shortest(mut self) -> Decimal {
        while self.scale > 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }
}

fn trim_zeros(fraction: &[u8]) -> &[u8] {
    let kept = fraction.iter().rposition(|byte| *byte != b'0').map_or(0, |last| last + 1);
    fraction.get(..kept).unwrap_or_default()
}

impl fmt::Display for Decimal {
    /// The shortest text of this number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = self.digits.unsigned_abs();
        let unit = 10u128.pow(self.scale);
        match self.scale as usize {
            0 => write!(f, "{sign}{digits}"),
            scale => write!(f, "{sign}{}.{:0scale$}", digits / unit, digits % unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn reads_decimals_and_writes_the_shortest() {
        let max = i128::MAX.to_string();
        let small = format!("0.{}1", "0".repeat(37));
        for (text, shortest) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.00", "0"),
            ("7", "7"),
            ("007.50", "7.5"),
            ("1.0", "1"),
            ("100", "100"),
            ("-1.05", "-1.05"),
            ("-0.5", "-0.5"),
            (&format!("3.{}", "0".repeat(100)), "3"),
            (&max, &max),
            (&i128::MIN.to_string(), &i128::MIN.to_string()),
            (&small, &small),
        ] {
            assert_eq!(parse(text).to_string(), shortest);
        }
        let over = u128::MAX.to_string();
        let long = format!("0.{}1", "0".repeat(38));
        for wrong in [
            "", "-", ".", "1.", ".5", "+1", " 1", "1 ", "1e3", "0x1", "1,5", "1.2.3", "--1", "inf", "NaN",
            "1.-5", &over, &long,
        ] {
            assert_eq!(Decimal::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn sums_are_exact_or_refused() {
        for (one, other, sum) in [
            ("1.7", "5.8", "7.5"),
            ("0.1", "0.2", "0.3"),
            ("0.5", "0.5", "1"),
            ("-0.3", "0.3", "0"),
            ("99.95", "0.05", "100"),
            ("-1", "0.99", "-0.01"),
            ("9007199254740993", "0.5", "9007199254740993.5"),
        ] {
            assert_eq!(parse(one).checked_add(parse(other)), Some(parse(sum)), "{one} + {other}");
        }
        let max = parse(&i128::MAX.to_string());
        for more in ["1", "0.1"] {
            assert_eq!(max.checked_add(parse(more)), None);
        }
        let small = parse(&format!("0.{}1", "0".repeat(37)));
        assert_eq!(small.checked_add(parse("2")), None, "39 digits");
    }

    proptest! {
        #[test]
        fn texts_come_back_and_sums_can_be_undone(
            one in -(1i128 << 80)..1 << 80, other in -(1i128 << 80)..1 << 80, scales in (0u32..12, 0u32..12),
        ) {
            let one = Decimal { digits: one, scale: scales.0 }.shortest();
            let other = Decimal { digits: other, scale: scales.1 }.shortest();
            let less = Decimal { digits: -other.digits, ..other };
            prop_assert_eq!(parse(&one.to_string()), one);
            let sum = one.checked_add(other).unwrap();
            prop_assert_eq!(other.checked_add(one), Some(sum));
            prop_assert_eq!(sum.checked_add(less), Some(one));
        }
    }
}
