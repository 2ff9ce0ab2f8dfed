//! The writes of a batch: issued one after another, waited for together.
//!
//! When one is refused for something that passes (overload, a full disk, the deadline), those after it are not tried:
//! what was done is then a first part of the batch, and the client sends the rest again.

use hust_store::{Answer as Done, Error, Fetch, Kind, Origin, Result, Store, Terms, Written};

use super::{Budget, Item, Place, Progress, Work, push_number, push_refusal};
use crate::refuse::refuse;

/// Lines of the answer between which others have their turn.
const LINES_A_TURN: usize = 256;

/// Items being written.
pub struct Writes {
    items: Vec<Item>,
    deadline_ms: Option<u64>,
    /// What became of the first items; only the last may end the batch.
    issued: Vec<Result<Written>>,
}

impl Writes {
    pub fn new(items: Vec<Item>, deadline_ms: Option<u64>) -> Writes {
        let issued = Vec::with_capacity(items.len());
        Writes { items, deadline_ms, issued }
    }

    /// Waits for all of them; a line for each.
    pub async fn answer(self) -> String {
        let not_tried = self.items.len() - self.issued.len();
        drop(self.items);
        let mut lines = String::with_capacity(self.issued.len() * 64);
        for (at, issued) in self.issued.into_iter().enumerate() {
            if at % LINES_A_TURN == LINES_A_TURN - 1 {
                tokio::task::yield_now().await;
            }
            let done = match issued {
                Ok(Written { answer, ticket, .. }) => ticket.await.map(|()| answer).map_err(Error::from),
                Err(error) => Err(error),
            };
            push_line(&mut lines, done);
        }
        if not_tried > 0 {
            let start = lines.trim_end().rfind('\n').map_or(0, |end| end + 1);
            let last = lines.get(start..).unwrap_or_default().repeat(not_tried);
            lines.push_str(&last);
        }
        lines
    }

    fn has_ended(&self) -> bool {
        matches!(self.issued.last(), Some(Err(Error::Busy(_) | Error::Full(_) | Error::Deadline)))
    }
}

impl Work for Writes {
    fn slice(&mut self, store: &Store, place: Place) -> Progress {
        let mut budget = Budget::new();
        while !self.has_ended()
            && let Some(item) = self.items.get(self.issued.len())
        {
            let terms = Terms {
                origin: Origin::Local { ver: item.ver },
                lifetime: item.lifetime,
                deadline_ms: self.deadline_ms,
            };
            match write(store, item, terms, place) {
                Ok(Fetch::Cold) => return Progress::Cold,
                Ok(Fetch::Ready(written)) => self.issued.push(Ok(written)),
                Err(error) => self.issued.push(Err(error)),
            }
            if !budget.take(item.size()) {
                return Progress::More;
            }
        }
        Progress::Done
    }
}

fn write(store: &Store, item: &Item, terms: Terms, place: Place) -> Result<Fetch<Written>> {
    let (change, member) = (item.change(), item.member());
    match (item.kind, place) {
        (Kind::Kv, Place::Loop) => store.kv().try_write(&item.key, change, terms),
        (Kind::Kv, Place::Pool) => store.kv().write(&item.key, change, terms).map(Fetch::Ready),
        (_, Place::Loop) => store.members().try_write(&member, change, terms),
        (_, Place::Pool) => store.members().write(&member, change, terms).map(Fetch::Ready),
    }
}

fn push_line(lines: &mut String, done: Result<Done>) {
    lines.push_str(r#"{"status":"#);
    match done {
        Ok(Done::Applied(shown) | Done::Unchanged(shown) | Done::Ignored { winner: shown, .. }) => {
            push_number(lines, r#"200,"ver":"#, shown.version);
            push_number(lines, r#","stamp":""#, shown.stamp);
            lines.push('"');
            if shown.expire_ms != 0 {
                push_number(lines, r#","expire":"#, shown.expire_ms);
            }
        }
        Ok(Done::Conflict { current }) => push_number(lines, r#"401,"ver":"#, current),
        Ok(Done::Absent) => lines.push_str("404"),
        Err(error) => return push_refusal(lines, &refuse(error)),
    }
    lines.push_str("}\n");
}
