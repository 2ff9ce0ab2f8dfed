//! The cache: never replicated. Reads ask one master after the other, writes both at once.

use std::sync::Arc;

use hust_wire::{
    Answer,
    client::{Call, Pool, Reply},
    health::State,
};
use hyper::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use crate::{
    health::{self, Node},
    plan::{CacheLeg, CacheVerdict, Seat, cache_verdict},
    proxy::Proxy,
    show::{no_master, show, status, why},
};

static FAIL: HeaderName = HeaderName::from_static("fail");

struct Asked {
    leg: CacheLeg,
    reply: Option<Reply>,
    why: String,
}

/// Does a command of the cache.
pub async fn run(proxy: &Proxy, pool: &Pool, slot: u16, call: &Call, writes: bool) -> Answer {
    let acting = proxy.tables.load().seats(slot).acting.clone();
    // As last resort those that may only have restarted.
    let states = [acting[0].view().state, acting[1].view().state];
    let wanted = if states.contains(&State::Up) { State::Up } else { State::Suspect };
    let fit = states.map(|state| state == wanted);
    let [one, two] = if writes {
        let both = tokio::join!(ask(pool, &acting[0], call, fit[0]), ask(pool, &acting[1], call, fit[1]));
        [both.0, both.1]
    } else {
        let first = ask(pool, &acting[0], call, fit[0]).await;
        if first.leg == CacheLeg::Done {
            [first, Asked::not_up()]
        } else {
            [first, ask(pool, &acting[1], call, fit[1]).await]
        }
    };
    tell(&acting, &one, &two, writes)
}

impl Asked {
    fn not_up() -> Asked {
        Asked { leg: CacheLeg::Failed, reply: None, why: "is not up".into() }
    }
}

async fn ask(pool: &Pool, node: &Node, call: &Call, fit: bool) -> Asked {
    if !fit {
        return Asked::not_up();
    }
    match pool.call(&node.host, call).await {
        Ok(reply) => {
            let refuses_us = reply.status == StatusCode::UNAUTHORIZED;
            let leg = match reply.status {
                StatusCode::OK => CacheLeg::Done,
                status if status.is_client_error() && !refuses_us => CacheLeg::Refused,
                _ => CacheLeg::Failed,
            };
            if leg == CacheLeg::Failed {
                node.count(health::Leg::Refused);
            }
            Asked { leg, why: status(&reply), reply: Some(reply) }
        }
        Err(failure) => {
            node.failed(&failure);
            Asked { leg: CacheLeg::Failed, reply: None, why: why(&failure) }
        }
    }
}

fn tell(acting: &[Arc<Node>; 2], one: &Asked, two: &Asked, writes: bool) -> Answer {
    let shown = |seat: Seat| match seat {
        Seat::One => one.reply.as_ref().map(show),
        Seat::Two => two.reply.as_ref().map(show),
    };
    let answer = match cache_verdict(one.leg, two.leg) {
        CacheVerdict::Show(seat) => shown(seat),
        CacheVerdict::ShowFailing(seat) => shown(seat).map(|answer| {
            let host = HeaderValue::from_str(seat.other().of(acting).host.as_str());
            match host {
                Ok(host) if writes => answer.with_header(FAIL.clone(), host),
                _ => answer,
            }
        }),
        CacheVerdict::Unavailable => None,
    };
    answer.unwrap_or_else(|| no_master([(&acting[0], &one.why), (&acting[1], &two.why)]))
}
