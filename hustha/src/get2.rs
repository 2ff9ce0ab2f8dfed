//! Both masters side by side: get2, hget2, zscore2, sismember2.

use std::sync::Arc;

use bytes::Bytes;
use hust_wire::{
    Answer,
    answer::number,
    client::{Pool, Reply},
    health::State,
};
use hyper::{StatusCode, header::HeaderName};

use crate::{
    canon::{Lookup, Read},
    plan::{ReadLeg, Side, compare},
    proxy::Proxy,
    read::{Asked, ask},
    show::{no_master, show},
    write::{Evidence, repair},
};

static VERSION_1: HeaderName = HeaderName::from_static("version1");
static VERSION_2: HeaderName = HeaderName::from_static("version2");
static VAL_OFFSET: HeaderName = HeaderName::from_static("val-offset");

/// Asks both masters and tells what they have. Where they differ they are made equal, without waiting for it.
pub async fn get2(proxy: &Arc<Proxy>, pool: &Pool, lookup: Lookup, read: &Read) -> Answer {
    let acting = proxy.tables.load().seats(read.identity.slot()).acting.clone();
    let [one, two] = &acting;
    let both = [one, two].map(|node| node.view().state == State::Up);
    if both != [true, true] {
        let told = both.map(|up| if up { "is up" } else { "is not up" });
        return no_master([(one, told[0]), (two, told[1])]);
    }
    let (first, second) = tokio::join!(ask(pool, one, &read.call), ask(pool, two, &read.call));
    let (reply_1, reply_2) = match (usable(&first), usable(&second)) {
        (Some(reply_1), Some(reply_2)) => (reply_1, reply_2),
        _ => return no_master([(one, &first.why), (two, &second.why)]),
    };
    for (asked, reply) in [(&first, reply_1), (&second, reply_2)] {
        if asked.leg == ReadLeg::Passed {
            return show(reply);
        }
    }
    if first.leg == ReadLeg::Miss && second.leg == ReadLeg::Miss {
        let neither = StatusCode::NOT_FOUND;
        let both_412 = reply_1.status == reply_2.status && reply_1.status != neither;
        return if both_412 { show(reply_1) } else { Answer::empty(neither) }.with_version(0);
    }
    let (Some(side_1), Some(side_2)) = (side(&first, reply_1), side(&second, reply_2)) else {
        return no_master([(one, "answered in part"), (two, "answered in part")]);
    };
    let found = compare(side_1, side_2, lookup.is_valueless());
    if found.repair {
        repair(proxy, &read.identity, &acting, Evidence::Seen);
    }
    tell(lookup, side_1, side_2, reply_1)
}

fn usable(asked: &Asked) -> Option<&Reply> {
    asked.reply.as_ref().filter(|_| asked.leg != ReadLeg::Failed)
}

/// What a master has; `None` if its answer does not say all.
fn side<'a>(asked: &Asked, reply: &'a Reply) -> Option<Side<'a>> {
    if asked.leg == ReadLeg::Miss {
        return Some(Side { version: 0, stamp: None, value: &[] });
    }
    let read = |name: &str| reply.header(name)?.parse::<u64>().ok();
    Some(Side { version: read("version")?, stamp: Some(read("stamp")?), value: &reply.body })
}

fn tell(lookup: Lookup, one: Side<'_>, two: Side<'_>, reply: &Reply) -> Answer {
    let found = compare(one, two, lookup.is_valueless());
    let has_values = !lookup.is_valueless();
    let mut answer = if found.conflict { Answer::empty(StatusCode::CONFLICT) } else { show(reply) };
    (answer.stamp, answer.expire_ms, answer.version) = (None, None, None);
    if found.conflict && has_values {
        answer.body = Bytes::from([one.value, two.value].concat());
        answer = answer.with_header(VAL_OFFSET.clone(), number(one.value.len() as u64));
    }
    if found.versions_equal {
        return answer.with_version(one.version);
    }
    answer
        .with_header(VERSION_1.clone(), number(one.version))
        .with_header(VERSION_2.clone(), number(two.version))
}
