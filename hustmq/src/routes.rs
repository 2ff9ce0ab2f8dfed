//! The paths of the front and the commands behind them.

use hust_wire::route::{self, BodyRule, Methods, Route, Row, read};

/// What a path does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Put,
    Get,
    /// What becomes of a delivery; asked of the node that made it.
    Settle(Settle),
    /// Told to all nodes.
    Order(Order),
    Worker,
    Stat,
    StatAll,
    Autost,
    Pub,
    Sub,
    Evget,
    Evsub,
    DoGet,
    DoPost,
    DoGetStatus,
    DoPostStatus,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    Ack,
    Nack,
    Touch,
}

/// What all nodes are told of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Timeout,
    Lock,
    Max,
    Purge,
    Delete,
    Settings,
}

/// A read that consumes: HEAD would lose what it takes.
const CONSUME: Methods = Methods::GET.and(Methods::POST);

/// Paths, commands, methods and bodies; the id of a route is its place in here.
const TABLE: [(&str, Command, Methods, BodyRule); 23] = [
    carry("/put", Command::Put),
    ("/get", Command::Get, CONSUME, BodyRule::Ignored),
    carry("/ack", Command::Settle(Settle::Ack)),
    carry("/nack", Command::Settle(Settle::Nack)),
    carry("/touch", Command::Settle(Settle::Touch)),
    order("/timeout", Order::Timeout),
    order("/lock", Order::Lock),
    order("/max", Order::Max),
    order("/purge", Order::Purge),
    order("/delete", Order::Delete),
    ("/settings", Command::Order(Order::Settings), Methods::READ.and(Methods::WRITE), BodyRule::Ignored),
    read("/worker", Command::Worker),
    read("/stat", Command::Stat),
    read("/stat_all", Command::StatAll),
    read("/autost", Command::Autost),
    carry("/pub", Command::Pub),
    ("/sub", Command::Sub, Methods::READ_MEMBER, BodyRule::Ignored),
    ("/evget", Command::Evget, Methods::GET, BodyRule::Ignored),
    ("/evsub", Command::Evsub, Methods::GET, BodyRule::Ignored),
    call("/do_get", Command::DoGet),
    call("/do_post", Command::DoPost),
    read("/do_get_status", Command::DoGetStatus),
    read("/do_post_status", Command::DoPostStatus),
];

/// The routes.
pub const ROUTES: &[Route] = &route::routes(&TABLE);

/// The command of a route.
pub fn command(id: u16) -> Option<Command> {
    route::command(&TABLE, id)
}

/// A write whose message or tokens come in the body.
const fn carry(path: &'static str, command: Command) -> Row<Command> {
    (path, command, Methods::WRITE, BodyRule::Collected)
}

/// A write of parameters alone.
const fn order(path: &'static str, order: Order) -> Row<Command> {
    (path, Command::Order(order), Methods::WRITE, BodyRule::Ignored)
}

/// A side of a call from one client to another.
const fn call(path: &'static str, command: Command) -> Row<Command> {
    (path, command, Methods::POST, BodyRule::Collected)
}
