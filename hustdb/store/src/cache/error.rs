//! Why the cache refused, by what the caller should do.

/// Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A hash table is there, and the command is for plain values.
    #[error("holds a hash table")]
    HoldsTable,
    /// A plain value is there, and the command is for hash tables.
    #[error("holds a plain value")]
    HoldsValue,
    /// The value would be longer than values may be.
    #[error("with what is there over {0} bytes")]
    TooLong(usize),
    /// The entry alone would weigh more than the cache may hold.
    #[error("the entry with its overhead is over the {0} bytes of the cache")]
    TooLarge(u64),
    /// The stored value is no integer within 64 bits.
    #[error("the stored value is not an integer")]
    NotAnInteger,
    /// The stored value is no decimal number within [`Decimal`](crate::cache::Decimal).
    #[error("the stored value is not a number")]
    NotANumber,
    /// The sum does not fit.
    #[error("the sum overflows")]
    Overflow,
}
