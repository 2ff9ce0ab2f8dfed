//! How readers ask for what may not be in memory.

/// What to do when the bytes are not in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cold {
    /// Read them, however long it takes.
    Read,
    /// Say so; the caller must not block.
    Refuse,
}

/// The outcome of a read that may not block.
#[derive(Debug)]
pub enum Fetch<T> {
    /// Here it is.
    Ready(T),
    /// It would have to come from the disk: ask again where blocking is allowed.
    Cold,
}

impl<T> Fetch<T> {
    /// Changes what is there.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fetch<U> {
        match self {
            Fetch::Ready(value) => Fetch::Ready(f(value)),
            Fetch::Cold => Fetch::Cold,
        }
    }
}
