//! Commands on hash tables. A table begins with its first field, ends with its last, and keeps its expiry between.

use super::{Cache, Decimal, Result, Value, error::Error};

impl Cache {
    /// Whether the table has the field.
    pub fn hexist(&self, table: &[u8], field: &[u8]) -> Result<bool> {
        self.hget(table, field).map(|found| found.is_some())
    }

    /// The value of a field.
    pub fn hget(&self, table: &[u8], field: &[u8]) -> Result<Option<Value>> {
        self.shards.with(table, |held| {
            let found = held.table()?.and_then(|table| table.get(field).cloned());
            Ok(held.count(found))
        })
    }

    /// Sets a field.
    pub fn hset(&self, table: &[u8], field: &[u8], value: &[u8]) -> Result<()> {
        let value = Value::copy(value);
        self.shards.with(table, |held| held.set_field(field, value.clone()))
    }

    /// Takes a field away, and with the last one the table; `false` if it is absent.
    pub fn hdel(&self, table: &[u8], field: &[u8]) -> Result<bool> {
        self.shards.with(table, |held| {
            let Some(weight) = held.table()?.map(|table| table.weight_of(field)).filter(|weight| *weight > 0)
            else {
                return Ok(false);
            };
            held.resize(weight, 0)?;
            if let Some(table) = held.table()? {
                table.remove(field);
                if table.is_empty() {
                    held.remove();
                }
            }
            Ok(true)
        })
    }

    /// Adds to an integer, 0 if it is absent, and returns the sum.
    pub fn hincrby(&self, table: &[u8], field: &[u8], by: i64) -> Result<i64> {
        self.increment(table, field, |stored| match stored {
            None => Ok(by),
            Some(stored) => {
                integer(stored).ok_or(Error::NotAnInteger)?.checked_add(by).ok_or(Error::Overflow)
            }
        })
    }

    /// Adds to a decimal number, 0 if it is absent, and returns the sum.
    pub fn hincrbyfloat(&self, table: &[u8], field: &[u8], by: Decimal) -> Result<Decimal> {
        self.increment(table, field, |stored| match stored {
            None => Ok(by),
            Some(stored) => {
                Decimal::parse(stored).ok_or(Error::NotANumber)?.checked_add(by).ok_or(Error::Overflow)
            }
        })
    }

    fn increment<N: ToString>(
        &self,
        table: &[u8],
        field: &[u8],
        add: impl Fn(Option<&[u8]>) -> Result<N>,
    ) -> Result<N> {
        self.shards.with(table, |held| {
            let sum = add(held.table()?.and_then(|table| table.get(field)).map(Value::as_ref))?;
            held.set_field(field, Value::copy(sum.to_string().as_bytes()))?;
            Ok(sum)
        })
    }
}

/// The integer in `text`: decimal digits, after a minus if it is negative.
fn integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok().filter(|text| !text.starts_with('+'))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn integers() {
        for (text, number) in [
            ("0", 0),
            ("-7", -7),
            ("007", 7),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(integer(text.as_bytes()), Some(number), "{text}");
        }
        for wrong in ["", "-", "+1", "1.0", " 1", "1\n", "9223372036854775808", "1e3", "--1"] {
            assert_eq!(integer(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(integer(b"\xff"), None);
    }
}
