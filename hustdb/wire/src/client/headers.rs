//! The headers of an answer: the head as it came, and where in it names and values lie.
//!
//! An answer has a handful of headers and most are looked for once, so a look goes through all of them; no map is
//! built, and names and values are not copied.

use bytes::Bytes;
use hyper::{HeaderMap, header::HeaderValue};
use smallvec::SmallVec;

/// Most answers to a read have no more headers.
const USUAL: usize = 5;

/// The places of all headers.
pub type Fields = SmallVec<[Field; USUAL]>;

/// The headers of an answer.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    head: Bytes,
    fields: Fields,
}

/// Where a header lies in the head.
#[derive(Debug, Clone)]
pub struct Field {
    name: Place,
    value: Place,
}

/// A part of a head: where it begins, and its length. Heads are far shorter than 4 GiB.
#[derive(Debug, Clone, Copy)]
struct Place(u32, u32);

impl Place {
    /// Where `part` lies in `head`, a slice of which it is.
    fn of(head: &[u8], part: &[u8]) -> Place {
        let start = part.as_ptr().addr().saturating_sub(head.as_ptr().addr());
        Place(start as u32, part.len() as u32)
    }
}

impl Field {
    /// The header with this name and value, slices of `head`.
    pub(super) fn of(head: &[u8], name: &[u8], value: &[u8]) -> Field {
        Field { name: Place::of(head, name), value: Place::of(head, value) }
    }
}

/// Whether a header has this name, which is in lower case, as it comes from most hosts.
pub fn is_named<const N: usize>(name: &[u8], lower: &[u8; N]) -> bool {
    name == lower || name.eq_ignore_ascii_case(lower)
}

impl Headers {
    /// Headers at these places of a head.
    pub(super) fn new(head: Bytes, fields: Fields) -> Headers {
        Headers { head, fields }
    }

    /// The value of the first header of this name.
    pub fn bytes(&self, name: impl AsRef<str>) -> Option<&[u8]> {
        self.field(name.as_ref()).map(|field| self.at(field.value))
    }

    /// The same, as a header to be handed on.
    pub fn get(&self, name: impl AsRef<str>) -> Option<HeaderValue> {
        let field = self.field(name.as_ref())?;
        HeaderValue::from_maybe_shared(self.head.slice_ref(self.at(field.value))).ok()
    }

    /// Whether there is a header of this name.
    pub fn contains_key(&self, name: impl AsRef<str>) -> bool {
        self.field(name.as_ref()).is_some()
    }

    /// All of them, names as they came.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.at(field.name), self.at(field.value)))
    }

    fn field(&self, name: &str) -> Option<&Field> {
        // Lengths first: most names that differ differ in length.
        let mut fields = self.fields.iter().filter(|field| field.name.1 as usize == name.len());
        fields.find(|field| self.at(field.name).eq_ignore_ascii_case(name.as_bytes()))
    }

    fn at(&self, Place(start, length): Place) -> &[u8] {
        let start = start as usize;
        self.head.get(start..start + length as usize).unwrap_or_default()
    }
}

impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Headers {
        let (mut head, mut fields) = (Vec::new(), Fields::new());
        let mut put = |bytes: &[u8]| {
            let start = head.len();
            head.extend_from_slice(bytes);
            Place(start as u32, bytes.len() as u32)
        };
        for (name, value) in map {
            fields.push(Field { name: put(name.as_str().as_bytes()), value: put(value.as_bytes()) });
        }
        Headers { head: head.into(), fields }
    }
}
