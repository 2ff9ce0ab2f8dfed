//! A write from its beginning to its answer. It ends whether its client waits or not.
//!
//! What goes wrong seldom is boxed: a write that goes well is small then, and made in no time.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use hust_wire::{Answer, Hint, Refusal, client::Pool};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};
use tokio::time::{Instant, timeout_at};

use super::{
    flights::{Entrance, Flight},
    legs::{Asked, Copied, plain, replicate},
    owe::{Evidence, Owed, owe, repair},
};
use crate::{
    canon::{Stored, Write},
    clock::now_ms,
    health::Node,
    plan::{self, After, Cast, Seat, Verdict, Word},
    proxy::Proxy,
    show::{not_written, show},
    table::{Seats, Token},
};

static SYNC: HeaderName = HeaderName::from_static("sync");

/// A write with its roles.
struct Task {
    proxy: Arc<Proxy>,
    pool: Pool,
    write: Arc<Write>,
    seats: Seats,
    cast: Cast,
    _token: Arc<Token>,
}

/// Does a write.
pub async fn run(proxy: Arc<Proxy>, pool: Pool, write: Write) -> Answer {
    let slot = write.identity.slot();
    let until = Instant::now() + proxy.timeout;
    loop {
        let (seats, token) = proxy.tables.begin(slot).await;
        let Some(cast) = plan::cast([seats.acting[0].view(), seats.acting[1].view()]) else {
            return refuse(&seats, ["is not up"; 2]);
        };
        if cast.alone_and_behind && write.demand.needs_truth() {
            return refuse(&seats, ["is behind or not up"; 2]);
        }
        match proxy.flights.enter(&write.identity, &cast.first.of(&seats.acting).host) {
            Entrance::Open(flight) => {
                let task = Task { proxy, pool, write: Arc::new(write), seats, cast, _token: token };
                return task.run(flight).await;
            }
            Entrance::Wait(mut ended) => {
                drop(token);
                if timeout_at(until, ended.changed()).await.is_err() {
                    return refuse(&seats, ["is deciding about this record"; 2]);
                }
            }
        }
    }
}

fn refuse(seats: &Seats, why: [&str; 2]) -> Answer {
    let [one, two] = &seats.acting;
    not_written([(one, why[0]), (two, why[1])], Word::None)
}

impl Task {
    async fn run(self, flight: Flight) -> Answer {
        let first = self.ask(self.cast.first).await;
        if first.is_busy {
            let busy = Refusal::unavailable("pair", first.why()).hinting(Hint::RetryAfterS(1));
            return Answer::from(busy).with_outcome(Word::None.as_str());
        }
        let other_fit = self.cast.has_other && !(self.cast.other_behind && self.write.demand.needs_truth());
        match plan::after_first(first.leg, self.write.demand, other_fit) {
            After::Replicate => self.spread(self.cast.first, first, true).await,
            After::Pass => self.pass_first(first),
            After::Unavailable(word) => self.unavailable(word, &first, &Asked::not_asked()),
            After::OtherMissing => {
                let other_behind = self.cast.other_behind;
                Box::pin(self.judge(first, Asked::not_asked(), other_behind)).await
            }
            After::AskOther => {
                // From here on the other master decides about this record.
                drop(flight);
                Box::pin(self.fail_over(first)).await
            }
        }
    }

    fn node(&self, seat: Seat) -> &Arc<Node> {
        seat.of(&self.seats.acting)
    }

    async fn ask(&self, seat: Seat) -> Asked {
        let timeout_ms = u64::try_from(self.proxy.timeout.as_millis()).unwrap_or(u64::MAX);
        let deadline_ms = now_ms().saturating_add(timeout_ms);
        plain(&self.pool, self.node(seat), &self.write, deadline_ms).await
    }

    async fn fail_over(&self, first: Asked) -> Answer {
        let flight = self.take_over().await;
        let seat = self.cast.first.other();
        // The writes it waited for may have left the other master behind.
        let behind = self.cast.other_behind || self.node(seat).view().behind;
        let fit = flight.is_some() && !(behind && self.write.demand.needs_truth());
        let other = if fit { self.ask(seat).await } else { Asked::not_asked() };
        self.judge(first, other, behind).await
    }

    /// Waits until no other write has the first master decide about the record.
    async fn take_over(&self) -> Option<Flight> {
        let until = Instant::now() + self.proxy.timeout.min(Duration::from_secs(5));
        loop {
            let host = &self.node(self.cast.first.other()).host;
            match self.proxy.flights.enter(&self.write.identity, host) {
                Entrance::Open(flight) => return Some(flight),
                // It ends by being dropped: the error says that it has.
                Entrance::Wait(mut ended) => {
                    let _ended = timeout_at(until, ended.changed()).await.ok()?;
                }
            }
        }
    }

    async fn judge(&self, first: Asked, other: Asked, other_behind: bool) -> Answer {
        let Cast { first: seat, first_behind, .. } = self.cast;
        match plan::after_both(first.leg, other.leg, first_behind, other_behind) {
            Verdict::PassFirst => self.pass_first(first),
            Verdict::PassOther => match &other.reply {
                Some(reply) => show(reply),
                None => self.unavailable(Word::Unknown, &first, &other),
            },
            Verdict::OtherDid { send } => self.spread(seat.other(), other, send).await,
            Verdict::Unavailable(word) => self.unavailable(word, &first, &other),
        }
    }

    fn pass_first(&self, first: Asked) -> Answer {
        // Who lacks records and is alone does not know that there is no such table.
        let is_miss = first.reply.as_ref().is_some_and(|reply| {
            self.write.verb.deletes() && reply.status == StatusCode::PRECONDITION_FAILED
        });
        match &first.reply {
            Some(_) if is_miss && self.cast.alone_and_behind => {
                self.unavailable(Word::None, &first, &Asked::not_asked())
            }
            Some(reply) => show(reply),
            None => self.unavailable(Word::Unknown, &first, &Asked::not_asked()),
        }
    }

    fn unavailable(&self, word: Word, first: &Asked, other: &Asked) -> Answer {
        let seat = self.cast.first;
        let (one, two) = (first.why(), other.why());
        not_written([(&**self.node(seat), &*one), (&**self.node(seat.other()), &*two)], word)
    }

    /// Gives the result to the others. `send`: the partner is fit to be sent it; else it is owed to it at once.
    async fn spread(&self, owner: Seat, asked: Asked, send: bool) -> Answer {
        let (Some(reply), Some(stored)) = (asked.reply, asked.stored) else {
            return refuse(&self.seats, ["answered in part"; 2]);
        };
        let stored = Arc::new(stored);
        let partner = self.node(owner.other());
        let third = async {
            match &self.seats.third {
                Some(third) => Box::pin(self.deliver(owner, third, &stored, true)).await,
                None => Delivery::Done,
            }
        };
        let (second, third) = tokio::join!(self.deliver(owner, partner, &stored, send), third);
        if second == Delivery::Failed || third == Delivery::Failed {
            let told =
                [(&**self.node(owner), "has it"), (&**partner, "may lack it, and no debt or hint was kept")];
            return not_written(told, Word::Unknown);
        }
        let answer = show(&reply);
        if second == Delivery::Owed {
            partner.counts.sync_answers.fetch_add(1, Relaxed);
            if let Ok(host) = HeaderValue::from_str(partner.host.as_str()) {
                return answer.with_header(SYNC.clone(), host);
            }
        }
        answer
    }

    async fn deliver(&self, owner: Seat, to: &Arc<Node>, stored: &Arc<Stored>, send: bool) -> Delivery {
        if send && to.is_up() {
            match replicate(&self.pool, to, &self.write, stored).await {
                Copied::Done => return Delivery::Done,
                Copied::Greater => {
                    let masters = [self.node(owner).clone(), to.clone()];
                    repair(&self.proxy, &self.write.identity, &masters, Evidence::Overtaken);
                    return Delivery::Done;
                }
                Copied::Failed => {}
            }
        }
        let (write, owner, to) = (self.write.clone(), self.node(owner).clone(), to.clone());
        let owed = Owed { write, stored: stored.clone(), owner, to };
        if Box::pin(owe(&self.proxy, &self.pool, owed)).await { Delivery::Owed } else { Delivery::Failed }
    }
}

/// What became of a result on its way to one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    /// It is there.
    Done,
    /// It is durably owed.
    Owed,
    /// Neither.
    Failed,
}
