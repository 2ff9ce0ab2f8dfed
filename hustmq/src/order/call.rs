//! What the nodes are told.

use hust_wire::{
    Query, Refusal, Request,
    client::{Call, Target},
    queue::{Wanted, name, on_off, purged, size, timeout_s},
};

use crate::routes::Order;

/// A command as the nodes get it.
pub struct Told {
    /// The queue.
    pub queue: String,
    /// Whether it may make a queue: then it is for one node.
    pub creates: bool,
    /// The request.
    pub call: Call,
}

/// Checks what a client orders.
pub fn read(order: Order, request: &Request) -> Result<Told, Refusal> {
    let query = request.query();
    let queue = name(query)?.into_owned();
    let creates = order == Order::Settings && query.boolean("create")?.unwrap_or(false);
    check(order, query)?;
    let (path, names): (&str, &[&'static str]) = match order {
        Order::Timeout => ("/hustmq/timeout", &["minute", "second"]),
        Order::Lock => ("/hustmq/lock", &["on"]),
        Order::Max => ("/hustmq/max", &["num"]),
        Order::Purge => ("/hustmq/purge", &["priori", "upto"]),
        Order::Delete => ("/hustmq/delete", &[]),
        Order::Settings => ("/hustmq/settings", &Wanted::NAMES),
    };
    let target = Target::new(path).plain("queue", &queue).some("create", creates.then_some("true"));
    let call = target.of(query, names)?.post()?;
    Ok(Told { queue, creates, call })
}

fn check(order: Order, query: Query<'_>) -> Result<(), Refusal> {
    match order {
        Order::Timeout => timeout_s(query).map(drop),
        Order::Lock => on_off(query).map(drop),
        Order::Max => size(query).map(drop),
        Order::Purge => purged(query).map(drop),
        Order::Delete => Ok(()),
        Order::Settings => Wanted::read(query).map(drop),
    }
}
