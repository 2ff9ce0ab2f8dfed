//! One client: random commands, one after another, and what it learns from their answers.
//!
//! Records of its own it reads back at once: a miss or a value that cannot be is found there and then. What it shares
//! with others, counters, a counter kept by compare-and-set, and keys that all overwrite, is compared after a round.
//! Relative and conditional writes to one record go through one proxy, as proxies may disagree for a moment.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use hust_testkit::{Random, Reply};

use super::{
    link::{Link, Said},
    oracle::{Contest, Count, State},
    record::{Record, Request},
};
use crate::support::now_ms;

/// Keys that all clients overwrite.
const CONTESTED: u64 = 4;
/// Requests that are told of when something is wrong.
const PAST: usize = 60;

/// What a client has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub writes: u64,
    pub reads: u64,
    pub unavailable: u64,
    pub doubtful: u64,
}

impl Tally {
    pub fn join(&mut self, other: Tally) {
        self.writes += other.writes;
        self.reads += other.reads;
        self.unavailable += other.unavailable;
        self.doubtful += other.doubtful;
    }
}

/// What clients know of records that they share, by the request that reads it from both masters.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    pub counts: BTreeMap<String, Count>,
    pub contests: BTreeMap<String, Contest>,
    /// Conditional writes that were answered 200: the key and the version they expected.
    pub won: Vec<(String, u64)>,
}

impl Shared {
    /// Takes in what another client knows, and leaves it nothing.
    pub fn join(&mut self, other: &mut Shared) {
        for (name, count) in std::mem::take(&mut other.counts) {
            self.counts.entry(name).or_default().join(count);
        }
        for (name, contest) in std::mem::take(&mut other.contests) {
            self.contests.entry(name).or_default().join(contest);
        }
        self.won.append(&mut other.won);
    }
}

/// A client.
#[derive(Debug)]
pub struct Client {
    number: u64,
    random: Random,
    link: Link,
    serial: u64,
    /// Whether reads are held to the promises for one failure.
    strict: bool,
    pub records: Vec<Record>,
    pub shared: Shared,
    pub tally: Tally,
    /// Until when a write whose answer was lost may take effect, unix ms.
    pub late_until_ms: u64,
    /// What it asked for last, and what it was told.
    past: VecDeque<String>,
}

impl Client {
    pub fn new(seed: u64, number: u64, proxies: Vec<SocketAddr>, strict: bool) -> Client {
        let home = number as usize % proxies.len();
        Client {
            number,
            random: Random(seed ^ (number + 1).wrapping_mul(0x1234_5678_9abc_def1)),
            link: Link::new(proxies, home),
            serial: 0,
            strict,
            records: Record::of(number),
            shared: Shared::default(),
            tally: Tally::default(),
            late_until_ms: 0,
            past: VecDeque::new(),
        }
    }

    /// Works until it is told to stop.
    pub fn work(&mut self, stop: &AtomicBool, done: &AtomicUsize) {
        while !stop.load(SeqCst) {
            match self.random.below(10) {
                // Nobody listens.
                _ if !self.link.is_ready() => {}
                0 => self.count(format!("/hincrby?tb=counters&key=own{}&val=1", self.number), "hget2"),
                1 => self.count(format!("/zadd?tb=scores&key=own{}&score=1&opt=1", self.number), "zscore2"),
                2 => self.count(format!("/hincrby?tb=counters&key=proxy{}&val=1", self.link.at), "hget2"),
                3 => self.compare_and_set(),
                4 => self.contest(),
                _ => self.own(),
            }
            done.fetch_add(1, SeqCst);
        }
    }

    fn remember(&mut self, request: &Request, said: &Said) {
        if self.past.len() == PAST {
            self.past.pop_front();
        }
        let (_, target, body) = request;
        let body = String::from_utf8_lossy(body.get(..body.len().min(40)).unwrap_or_default());
        let said = match said {
            Said::Reply(reply) => format!("{} {:?}", reply.status, reply.headers),
            other => format!("{other:?}"),
        };
        self.past.push_back(format!("{} {target} {body}: {said}", now_ms()));
    }

    fn write(&mut self, request: &Request) -> Said {
        self.tally.writes += 1;
        let said = self.link.write(request);
        self.remember(request, &said);
        match &said {
            Said::Reply(_) => {}
            Said::Nothing => self.tally.unavailable += 1,
            Said::Doubt(late_until_ms) => {
                self.tally.doubtful += 1;
                self.late_until_ms = self.late_until_ms.max(*late_until_ms);
            }
        }
        said
    }

    /// `None` if nobody can tell; else the answer, 200 or that there is nothing.
    fn read(&mut self, request: &Request) -> Option<Reply> {
        self.tally.reads += 1;
        let said = self.link.ask(request);
        self.remember(request, &said);
        match said {
            Said::Reply(reply) if matches!(reply.status, 200 | 404 | 412) => Some(reply),
            Said::Reply(reply) if reply.status != 503 => {
                panic!("{request:?}: {} {}", reply.status, reply.text())
            }
            _ => {
                self.tally.unavailable += 1;
                None
            }
        }
    }

    /// Writes and reads a record of its own.
    fn own(&mut self) {
        let at = self.random.place(self.records.len());
        if self.random.chance(25) {
            self.delete(at);
        } else {
            self.set(at);
        }
        let (record, request) = (self.records[at].clone(), self.records[at].read());
        let asked_ms = now_ms();
        let Some(reply) = self.read(&request) else { return };
        let found = (reply.status == 200).then(|| reply.text());
        let fits = record.belief.allows(found.as_deref(), asked_ms, now_ms());
        if !fits && self.strict {
            let after = ["/backends", &record.read_both().1].map(|target| {
                let said = self.link.ask(&("GET", target.to_owned(), Vec::new()));
                if let Said::Reply(reply) = &said {
                    format!("{reply:?} {}", reply.text())
                } else {
                    format!("{said:?}")
                }
            });
            panic!(
                "read {found:?} {:?}, proxy {}, of {record:?}; afterwards {after:#?}; before {:#?}",
                reply.headers, self.link.at, self.past
            );
        }
    }

    fn set(&mut self, at: usize) {
        self.serial += 1;
        let length = if self.random.chance(10) { 20_000 } else { 10 };
        let ttl_s = match self.random.below(10) {
            0 => 1 + self.random.below(3),
            1 => 3600,
            _ => 0,
        };
        let record = &self.records[at];
        let value = record.value(self.serial, length);
        let request = record.set(&value, ttl_s);
        let begun_ms = now_ms();
        let said = self.write(&request);
        let belief = &mut self.records[at].belief;
        let state = |expires_ms| State { value: Some(value.clone()), expires_ms };
        match said {
            Said::Reply(reply) if reply.status == 200 => {
                let expires_ms = reply.number("expire").map(|expire_ms| (expire_ms, expire_ms));
                assert_eq!(expires_ms.is_some(), ttl_s > 0, "{request:?}");
                belief.acknowledge(state(expires_ms), begun_ms);
            }
            Said::Reply(reply) => panic!("{request:?}: {} {}", reply.status, reply.text()),
            Said::Nothing => {}
            Said::Doubt(late_until_ms) => {
                let last_ms = now_ms().max(late_until_ms);
                let expires_ms = (ttl_s > 0).then_some((begun_ms + ttl_s * 1000, last_ms + ttl_s * 1000));
                belief.doubt(state(expires_ms), late_until_ms);
            }
        }
    }

    fn delete(&mut self, at: usize) {
        let request = self.records[at].delete();
        let begun_ms = now_ms();
        let said = self.write(&request);
        let record = &mut self.records[at];
        match said {
            Said::Reply(reply) if reply.status == 200 => record.belief.acknowledge(State::absent(), begun_ms),
            Said::Reply(reply) if matches!(reply.status, 404 | 412) => {
                let fits = record.belief.allows(None, begun_ms, now_ms());
                assert!(fits || !self.strict, "{request:?} found nothing of {record:?}");
            }
            Said::Reply(reply) => panic!("{request:?}: {} {}", reply.status, reply.text()),
            Said::Nothing => {}
            Said::Doubt(late_until_ms) => record.belief.doubt(State::absent(), late_until_ms),
        }
    }

    /// Adds one to a counter.
    fn count(&mut self, target: String, reader: &str) {
        let names: Vec<&str> = target
            .split(['?', '&'])
            .filter(|part| part.starts_with("tb=") || part.starts_with("key="))
            .collect();
        let name = format!("/{reader}?{}", names.join("&"));
        let said = self.write(&("GET", target, Vec::new()));
        let count = self.shared.counts.entry(name.clone()).or_default();
        match said {
            Said::Reply(reply) if reply.status == 200 => count.acknowledged += 1,
            Said::Reply(reply) => panic!("{name}: {} {}", reply.status, reply.text()),
            Said::Nothing => {}
            Said::Doubt(_) => count.doubtful += 1,
        }
    }

    /// Adds one to a number kept by conditional writes.
    fn compare_and_set(&mut self) {
        let key = format!("key=swapped{}", self.link.at);
        let Some(found) = self.read(&("GET", format!("/get?{key}"), Vec::new())) else { return };
        let (Some(version), Ok(number)) = (found.number("version"), found.text().parse::<u64>()) else {
            assert!(!self.strict, "a wrong miss: {} {:?}", found.status, found.headers);
            return;
        };
        let target = format!("/put?{key}&val={}&ver={version}", number + 1);
        let said = self.write(&("GET", target, Vec::new()));
        let count = self.shared.counts.entry(format!("/get2?{key}")).or_default();
        match said {
            Said::Reply(reply) if reply.status == 200 => {
                count.acknowledged += 1;
                self.shared.won.push((key, version));
            }
            Said::Reply(reply) => assert_eq!(reply.status, 401, "{}", reply.text()),
            Said::Nothing => {}
            Said::Doubt(_) => count.doubtful += 1,
        }
    }

    /// Overwrites or deletes what others write too.
    fn contest(&mut self) {
        let key = format!("key=contested{}", self.random.below(CONTESTED));
        self.serial += 1;
        let value = self.random.chance(70).then(|| format!("{}.{}", self.number, self.serial));
        let target = match &value {
            Some(value) => format!("/put?{key}&val={value}"),
            None => format!("/del?{key}"),
        };
        let said = self.write(&("GET", target, Vec::new()));
        let contest = self.shared.contests.entry(format!("/get2?{key}")).or_default();
        match said {
            Said::Reply(reply) if reply.status == 200 => {
                let stamp = reply.number("stamp");
                contest.acknowledge(stamp.unwrap_or_else(|| panic!("{key}: no stamp: {reply:?}")), value);
            }
            Said::Reply(reply) => {
                assert!(reply.status == 404 && value.is_none(), "{} {}", reply.status, reply.text())
            }
            Said::Nothing => {}
            Said::Doubt(_) => contest.doubt(value),
        }
    }
}
