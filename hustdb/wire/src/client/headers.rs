//! The headers of an answer: the head as it came, and where in it names and values lie.
//!
//! An answer has a handful of headers and most are looked for once, so a look goes through all of them; no map is
//! built, and names and values are not copied.

use std::ops::Range;

use bytes::Bytes;
use hyper::{HeaderMap, header::HeaderValue};

/// The headers of an answer.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    head: Bytes,
    fields: Vec<Field>,
}

/// Where a header lies in the head.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: Range<usize>,
    pub value: Range<usize>,
}

impl Headers {
    /// Headers at these places of a head.
    pub(super) fn new(head: Bytes, fields: Vec<Field>) -> Headers {
        Headers { head, fields }
    }

    /// The value of the first header of this name.
    pub fn bytes(&self, name: impl AsRef<str>) -> Option<&[u8]> {
        self.field(name.as_ref()).map(|field| self.at(&field.value))
    }

    /// The same, as a header to be handed on.
    pub fn get(&self, name: impl AsRef<str>) -> Option<HeaderValue> {
        let field = self.field(name.as_ref())?;
        HeaderValue::from_maybe_shared(self.head.slice(field.value.clone())).ok()
    }

    /// Whether there is a header of this name.
    pub fn contains_key(&self, name: impl AsRef<str>) -> bool {
        self.field(name.as_ref()).is_some()
    }

    /// All of them, names as they came.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.at(&field.name), self.at(&field.value)))
    }

    fn field(&self, name: &str) -> Option<&Field> {
        // Lengths first: most names that differ differ in length.
        let mut fields = self.fields.iter().filter(|field| field.name.len() == name.len());
        fields.find(|field| self.at(&field.name).eq_ignore_ascii_case(name.as_bytes()))
    }

    fn at(&self, place: &Range<usize>) -> &[u8] {
        self.head.get(place.clone()).unwrap_or_default()
    }
}

impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Headers {
        let (mut head, mut fields) = (Vec::new(), Vec::new());
        let mut put = |bytes: &[u8]| {
            let start = head.len();
            head.extend_from_slice(bytes);
            start..head.len()
        };
        for (name, value) in map {
            fields.push(Field { name: put(name.as_str().as_bytes()), value: put(value.as_bytes()) });
        }
        Headers { head: head.into(), fields }
    }
}
