//! The reads of a batch. The answer is bounded: once it is full, items are told to be asked for again.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hust_store::{Error, Fetch, Kind, Record, Result, Store, score_of};
use hust_wire::Refusal;

use super::{Budget, Item, Place, Progress, SLICE_BYTES, Work, push_number, push_refusal};
use crate::refuse::refuse;

/// An answer with a value in it never grows beyond this, bytes.
const ANSWER_MAX: usize = 32 << 20;
/// Most that a line has beside its value.
const LINE_BYTES: usize = 128;

/// Items being read.
pub struct Reads {
    items: Vec<Item>,
    at: usize,
    stamps: bool,
    /// Whether a value did not fit.
    full: bool,
    /// Whether there is a value in the answer: the first is always told, whatever its size.
    has_value: bool,
    lines: String,
}

impl Reads {
    pub fn new(items: Vec<Item>, stamps: bool) -> Reads {
        Reads { items, at: 0, stamps, full: false, has_value: false, lines: String::new() }
    }

    pub fn into_answer(self) -> String {
        self.lines
    }

    fn push(&mut self, kind: Kind, found: Result<Option<Record>>) {
        self.at += 1;
        let value_bytes = match &found {
            Ok(Some(record)) => record.value.len().div_ceil(3) * 4,
            _ => 0,
        };
        self.full |= self.has_value && self.lines.len() + value_bytes + LINE_BYTES > ANSWER_MAX;
        self.lines.push_str(r#"{"status":"#);
        if self.full {
            let refusal = Refusal::unavailable("answer", "full, ask again");
            return push_refusal(&mut self.lines, &refusal);
        }
        match found {
            Ok(Some(record)) => {
                self.has_value = true;
                self.push_record(kind, &record);
            }
            Ok(None) => self.lines.push_str("404}\n"),
            Err(error) => push_refusal(&mut self.lines, &refuse(error)),
        }
    }

    fn push_record(&mut self, kind: Kind, record: &Record) {
        let lines = &mut self.lines;
        let score =
            (kind == Kind::Zset).then(|| score_of(&record.value).ok_or(Error::Damaged("a stored score")));
        let score = match score.transpose() {
            Ok(score) => score,
            Err(damaged) => return push_refusal(lines, &refuse(damaged)),
        };
        push_number(lines, r#"200,"ver":"#, record.shown.version);
        match (kind, score) {
            (_, Some(score)) => push_number(lines, r#","score":"#, score),
            (Kind::Set, None) => {}
            _ => {
                lines.push_str(r#","val":""#);
                BASE64_STANDARD.encode_string(&*record.value, lines);
                lines.push('"');
            }
        }
        if self.stamps {
            push_number(lines, r#","stamp":""#, record.shown.stamp);
            lines.push('"');
            if record.shown.expire_ms != 0 {
                push_number(lines, r#","expire":"#, record.shown.expire_ms);
            }
        }
        lines.push_str("}\n");
    }
}

impl Work for Reads {
    fn slice(&mut self, store: &Store, place: Place) -> Progress {
        let mut budget = Budget::new();
        while let Some(item) = self.items.get(self.at) {
            let found = if self.full { Ok(Fetch::Ready(None)) } else { read(store, item, place) };
            let found = match found {
                Ok(Fetch::Cold) => return Progress::Cold,
                Ok(Fetch::Ready(found)) => Ok(found),
                Err(error) => Err(error),
            };
            let bytes =
                found.as_ref().map_or(0, |found| found.as_ref().map_or(0, |record| record.value.len()));
            if place == Place::Loop && bytes > SLICE_BYTES {
                return Progress::Cold;
            }
            self.push(item.kind, found);
            if !budget.take(bytes) {
                return Progress::More;
            }
        }
        Progress::Done
    }
}

fn read(store: &Store, item: &Item, place: Place) -> Result<Fetch<Option<Record>>> {
    match (item.kind, place) {
        (Kind::Kv, Place::Loop) => store.kv().try_get(&item.key),
        (Kind::Kv, Place::Pool) => store.kv().get(&item.key).map(Fetch::Ready),
        (_, Place::Loop) => store.members().try_get(&item.member()),
        (_, Place::Pool) => store.members().get(&item.member()).map(Fetch::Ready),
    }
}
