//! The paths of the proxy and the commands behind them.

use hust_wire::route::{self, BodyRule, Methods, Route, Row, member, read};

use crate::canon::{Listing, Lookup, Verb};

/// What a path does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// A write of a record.
    Write(Verb),
    /// A read of a record.
    Read(Lookup),
    /// Both masters compared.
    Both(Lookup),
    /// A range of a sorted set.
    Range(Listing),
    /// Asked of one node.
    Peer(Listing),
    /// Of the cache: reads from one master, writes to both.
    Cache(CacheCommand),
    PeerCount,
    GetTable,
    SetTable,
    Backends,
    SyncStatus,
    SyncAlive,
}

/// A command of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheCommand {
    /// The node's path.
    pub path: &'static str,
    /// Whether it has a table.
    pub tabled: bool,
    /// Whether it writes.
    pub writes: bool,
    /// Whether it takes a value.
    pub valued: bool,
}

/// Paths, commands, methods and bodies; the id of a route is its place in here.
const TABLE: [Row<Command>; 48] = [
    write("/put", Verb::Put),
    read("/get", Command::Read(Lookup::Get)),
    read("/exist", Command::Read(Lookup::Exist)),
    write("/del", Verb::Del),
    write("/hset", Verb::Hset),
    write("/hincrby", Verb::Hincrby),
    read("/hget", Command::Read(Lookup::Hget)),
    read("/hexist", Command::Read(Lookup::Hexist)),
    write("/hdel", Verb::Hdel),
    write("/sadd", Verb::Sadd),
    write("/srem", Verb::Srem),
    member("/sismember", Command::Read(Lookup::Sismember)),
    write("/zadd", Verb::Zadd),
    write("/zrem", Verb::Zrem),
    member("/zismember", Command::Read(Lookup::Zismember)),
    member("/zscore", Command::Read(Lookup::Zscore)),
    read("/zrangebyrank", Command::Range(Listing::Zrangebyrank)),
    read("/zrangebyscore", Command::Range(Listing::Zrangebyscore)),
    read("/get2", Command::Both(Lookup::Get)),
    read("/hget2", Command::Both(Lookup::Hget)),
    member("/sismember2", Command::Both(Lookup::Sismember)),
    member("/zscore2", Command::Both(Lookup::Zscore)),
    read("/keys", Command::Peer(Listing::Keys)),
    read("/hkeys", Command::Peer(Listing::Hkeys)),
    read("/smembers", Command::Peer(Listing::Smembers)),
    read("/stat", Command::Peer(Listing::Stat)),
    read("/stat_all", Command::Peer(Listing::StatAll)),
    read("/file_count", Command::Peer(Listing::FileCount)),
    cache("/cache/exist", "/hustcache/exist", "r"),
    cache("/cache/get", "/hustcache/get", "r"),
    cache("/cache/ttl", "/hustcache/ttl", "r"),
    cache("/cache/put", "/hustcache/put", "wv"),
    cache("/cache/append", "/hustcache/append", "wv"),
    cache("/cache/del", "/hustcache/del", "w"),
    cache("/cache/expire", "/hustcache/expire", "w"),
    cache("/cache/persist", "/hustcache/persist", "w"),
    cache("/cache/hexist", "/hustcache/hexist", "rt"),
    cache("/cache/hget", "/hustcache/hget", "rt"),
    cache("/cache/hset", "/hustcache/hset", "wvt"),
    cache("/cache/hdel", "/hustcache/hdel", "wt"),
    cache("/cache/hincrby", "/hustcache/hincrby", "wvt"),
    cache("/cache/hincrbyfloat", "/hustcache/hincrbyfloat", "wvt"),
    read("/peer_count", Command::PeerCount),
    read("/get_table", Command::GetTable),
    read("/backends", Command::Backends),
    read("/sync_status", Command::SyncStatus),
    read("/sync_alive", Command::SyncAlive),
    ("/set_table", Command::SetTable, Methods::POST, BodyRule::Collected),
];

/// The routes.
pub const ROUTES: &[Route] = &route::routes(&TABLE);

/// The command of a route.
pub fn command(id: u16) -> Option<Command> {
    route::command(&TABLE, id)
}

const fn write(path: &'static str, verb: Verb) -> Row<Command> {
    let body = match verb {
        Verb::Del | Verb::Hdel => BodyRule::Ignored,
        _ => BodyRule::Collected,
    };
    (path, Command::Write(verb), Methods::WRITE, body)
}

/// `form`: `r` reads or `w` writes, `v` takes a value, `t` has a table.
const fn cache(path: &'static str, node_path: &'static str, form: &str) -> Row<Command> {
    let (mut writes, mut valued, mut tabled) = (false, false, false);
    let form = form.as_bytes();
    let mut at = 0;
    while at < form.len() {
        match form[at] {
            b'w' => writes = true,
            b'v' => valued = true,
            b't' => tabled = true,
            _ => {}
        }
        at += 1;
    }
    let methods = if writes { Methods::WRITE } else { Methods::READ };
    let body = if valued { BodyRule::Collected } else { BodyRule::Ignored };
    (path, Command::Cache(CacheCommand { path: node_path, tabled, writes, valued }), methods, body)
}
