//! Bytes that readers share with the cache: a read hands out a counted reference, not a copy.

use std::sync::Arc;

/// A value as it was when it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value(Arc<Vec<u8>>);

impl Value {
    /// A copy, so that nothing of the caller's buffer stays alive.
    pub(super) fn copy(bytes: &[u8]) -> Value {
        Value(Arc::new(bytes.to_vec()))
    }

    /// Its allocated bytes.
    pub(super) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Appends; the memory has or gets `capacity` bytes. A reader that still holds the old bytes keeps them.
    pub(super) fn append(&mut self, more: &[u8], capacity: usize) {
        match Arc::get_mut(&mut self.0) {
            Some(own) => {
                own.reserve_exact(capacity.saturating_sub(own.len()));
                own.extend_from_slice(more);
            }
            None => {
                let mut own = Vec::with_capacity(capacity);
                own.extend_from_slice(&self.0);
                own.extend_from_slice(more);
                self.0 = Arc::new(own);
            }
        }
    }
}

impl AsRef<[u8]> for Value {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_in_place_unless_a_reader_holds_it() {
        let mut value = Value::copy(b"ab");
        assert_eq!(value.capacity(), 2);
        value.append(b"c", 100);
        let place = value.as_ref().as_ptr();
        value.append(b"d", 100);
        assert_eq!((value.as_ref().as_ptr(), value.capacity()), (place, 100));
        let read = value.clone();
        value.append(b"e", 100);
        assert_eq!((read.as_ref(), value.as_ref()), (&b"abcd"[..], &b"abcde"[..]));
        assert_eq!(value.capacity(), 100);
    }
}
