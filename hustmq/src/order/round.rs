//! One request to many nodes at once, and what each said.

use hust_wire::{
    Answer,
    client::{Call, Pool, Reply},
};
use hyper::StatusCode;

use super::verdict::Said;
use crate::{
    backend::{self, Outcome},
    front::Front,
    show::{none_took, unknown},
};

/// What came of one node.
#[derive(Debug)]
pub enum Leg {
    /// It was not asked.
    NotAsked,
    /// It was.
    Asked(Outcome),
}

impl Leg {
    /// Its answer, if it gave one that says something.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Leg::Asked(Outcome::Answer(reply)) if reply.status != StatusCode::SERVICE_UNAVAILABLE => {
                Some(reply)
            }
            _ => None,
        }
    }

    /// The status of its answer.
    pub fn status(&self) -> Option<StatusCode> {
        self.reply().map(|reply| reply.status)
    }
}

impl Said {
    /// What a leg counts as.
    pub fn of(leg: &Leg) -> Said {
        match (leg.status(), leg) {
            (Some(status), _) => Said::Status(status.as_u16()),
            (None, Leg::Asked(Outcome::NoAnswer(_))) => Said::Lost,
            (None, _) => Said::Down,
        }
    }
}

/// Asks the live nodes that are wanted, in parallel; what came of every backend, in list order.
pub async fn ask_all(front: &Front, pool: &Pool, call: &Call, wanted: impl Fn(usize) -> bool) -> Vec<Leg> {
    let asking: Vec<_> = (0..)
        .zip(&front.backends)
        .map(|(at, backend)| {
            let (pool, backend, call) = (pool.clone(), backend.clone(), call.clone());
            let asked = backend.is_live() && wanted(at);
            asked.then(|| tokio::spawn(async move { backend::ask(&pool, &backend, &call).await }))
        })
        .collect();
    let mut legs = Vec::with_capacity(asking.len());
    for task in asking {
        legs.push(match task {
            None => Leg::NotAsked,
            Some(task) => match task.await {
                Ok(outcome) => Leg::Asked(outcome),
                Err(error) => Leg::Asked(Outcome::NoAnswer(error.to_string())),
            },
        });
    }
    legs
}

/// 503: nobody gave an answer that says something.
pub fn none_answered(front: &Front, legs: &[Leg]) -> Answer {
    let mut told = Vec::new();
    for (leg, backend) in legs.iter().zip(&front.backends) {
        let host = backend.host.as_str();
        match leg {
            Leg::NotAsked => {}
            Leg::Asked(Outcome::NoAnswer(why)) => return unknown(host, why),
            Leg::Asked(Outcome::NotConnected(why) | Outcome::Busy(why)) => told.push(format!("{host} {why}")),
            Leg::Asked(Outcome::Answer(_)) => told.push(format!("{host} takes nothing")),
        }
    }
    none_took(&told)
}
