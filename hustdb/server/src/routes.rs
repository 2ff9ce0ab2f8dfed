//! The paths of a node: method classes and bodies as the contract has them.

mod cache;
mod queue;

use hust_wire::route::{BodyRule, Methods, Route};

use crate::handlers::replica::MERGE_OVER_BYTES;

pub use cache::CacheCommand;
pub use queue::QueueCommand;

/// The commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Command {
    Get,
    Exist,
    Put,
    Del,
    Hget,
    Hexist,
    Hset,
    Hincrby,
    Hdel,
    Sismember,
    Sadd,
    Srem,
    Zismember,
    Zscore,
    Zadd,
    Zrem,
    Keys,
    Hkeys,
    Smembers,
    Zrangebyrank,
    Zrangebyscore,
    Export,
    TaskStatus,
    TaskInfo,
    Stat,
    StatAll,
    FileCount,
    Scan,
    Merge,
    Digest,
    Binlog,
    Forget,
    Mput,
    Mget,
    Mdel,
    Info,
    OpenApi,
}

impl Command {
    /// All commands; the id of a route is the index in here.
    pub const ALL: [Command; 37] = [
        Command::Get,
        Command::Exist,
        Command::Put,
        Command::Del,
        Command::Hget,
        Command::Hexist,
        Command::Hset,
        Command::Hincrby,
        Command::Hdel,
        Command::Sismember,
        Command::Sadd,
        Command::Srem,
        Command::Zismember,
        Command::Zscore,
        Command::Zadd,
        Command::Zrem,
        Command::Keys,
        Command::Hkeys,
        Command::Smembers,
        Command::Zrangebyrank,
        Command::Zrangebyscore,
        Command::Export,
        Command::TaskStatus,
        Command::TaskInfo,
        Command::Stat,
        Command::StatAll,
        Command::FileCount,
        Command::Scan,
        Command::Merge,
        Command::Digest,
        Command::Binlog,
        Command::Forget,
        Command::Mput,
        Command::Mget,
        Command::Mdel,
        Command::Info,
        Command::OpenApi,
    ];
}

/// The routes.
pub const ROUTES: &[Route] = &[
    read("/hustdb/get", Command::Get),
    read("/hustdb/exist", Command::Exist),
    write("/hustdb/put", Command::Put, BodyRule::Collected),
    write("/hustdb/del", Command::Del, BodyRule::Ignored),
    read("/hustdb/hget", Command::Hget),
    read("/hustdb/hexist", Command::Hexist),
    write("/hustdb/hset", Command::Hset, BodyRule::Collected),
    write("/hustdb/hincrby", Command::Hincrby, BodyRule::Collected),
    write("/hustdb/hdel", Command::Hdel, BodyRule::Ignored),
    member("/hustdb/sismember", Command::Sismember),
    write("/hustdb/sadd", Command::Sadd, BodyRule::Collected),
    write("/hustdb/srem", Command::Srem, BodyRule::Collected),
    member("/hustdb/zismember", Command::Zismember),
    member("/hustdb/zscore", Command::Zscore),
    write("/hustdb/zadd", Command::Zadd, BodyRule::Collected),
    write("/hustdb/zrem", Command::Zrem, BodyRule::Collected),
    read("/hustdb/keys", Command::Keys),
    read("/hustdb/hkeys", Command::Hkeys),
    read("/hustdb/smembers", Command::Smembers),
    read("/hustdb/zrangebyrank", Command::Zrangebyrank),
    read("/hustdb/zrangebyscore", Command::Zrangebyscore),
    act("/hustdb/export", Command::Export),
    read("/hustdb/task_status", Command::TaskStatus),
    read("/hustdb/task_info", Command::TaskInfo),
    read("/hustdb/stat", Command::Stat),
    read("/hustdb/stat_all", Command::StatAll),
    read("/hustdb/file_count", Command::FileCount),
    read("/hustdb/scan", Command::Scan),
    Route {
        path: "/hustdb/merge",
        methods: Methods::POST,
        id: Command::Merge as u16,
        body: BodyRule::CollectedOver(MERGE_OVER_BYTES),
    },
    read("/hustdb/digest", Command::Digest),
    Route {
        path: "/hustdb/binlog",
        methods: Methods::GET.and(Methods::POST),
        id: Command::Binlog as u16,
        body: BodyRule::Collected,
    },
    Route {
        path: "/hustdb/forget",
        methods: Methods::POST,
        id: Command::Forget as u16,
        body: BodyRule::Ignored,
    },
    batch("/hustdb/mput", Command::Mput),
    batch("/hustdb/mget", Command::Mget),
    batch("/hustdb/mdel", Command::Mdel),
    read("/hustdb/info", Command::Info),
    read("/openapi.json", Command::OpenApi),
    cache::read("/hustcache/exist", CacheCommand::Exist),
    cache::read("/hustcache/get", CacheCommand::Get),
    cache::read("/hustcache/ttl", CacheCommand::Ttl),
    cache::write("/hustcache/put", CacheCommand::Put, BodyRule::Collected),
    cache::write("/hustcache/append", CacheCommand::Append, BodyRule::Collected),
    cache::write("/hustcache/del", CacheCommand::Del, BodyRule::Ignored),
    cache::write("/hustcache/expire", CacheCommand::Expire, BodyRule::Ignored),
    cache::write("/hustcache/persist", CacheCommand::Persist, BodyRule::Ignored),
    cache::read("/hustcache/hexist", CacheCommand::Hexist),
    cache::read("/hustcache/hget", CacheCommand::Hget),
    cache::write("/hustcache/hset", CacheCommand::Hset, BodyRule::Collected),
    cache::write("/hustcache/hdel", CacheCommand::Hdel, BodyRule::Ignored),
    cache::write("/hustcache/hincrby", CacheCommand::Hincrby, BodyRule::Collected),
    cache::write("/hustcache/hincrbyfloat", CacheCommand::Hincrbyfloat, BodyRule::Collected),
    queue::carry("/hustmq/put", QueueCommand::Put),
    queue::consume("/hustmq/get", QueueCommand::Get),
    queue::carry("/hustmq/ack", QueueCommand::Ack),
    queue::carry("/hustmq/nack", QueueCommand::Nack),
    queue::carry("/hustmq/touch", QueueCommand::Touch),
    queue::order("/hustmq/timeout", QueueCommand::Timeout),
    queue::order("/hustmq/lock", QueueCommand::Lock),
    queue::order("/hustmq/max", QueueCommand::Max),
    queue::order("/hustmq/purge", QueueCommand::Purge),
    queue::order("/hustmq/delete", QueueCommand::Delete),
    queue::both("/hustmq/settings", QueueCommand::Settings),
    queue::read("/hustmq/worker", QueueCommand::Worker),
    queue::read("/hustmq/stat", QueueCommand::Stat),
    queue::read("/hustmq/stat_all", QueueCommand::StatAll),
    queue::carry("/hustmq/pub", QueueCommand::Pub),
    queue::subscribe("/hustmq/sub", QueueCommand::Sub),
    queue::read("/hustmq/runs", QueueCommand::Runs),
    queue::merge("/hustmq/merge", QueueCommand::Merge),
    queue::read("/hustmq/watch", QueueCommand::Watch),
];

const fn read(path: &'static str, command: Command) -> Route {
    Route { path, methods: Methods::READ, id: command as u16, body: BodyRule::Ignored }
}

/// What is done without a body.
const fn act(path: &'static str, command: Command) -> Route {
    Route { path, methods: Methods::GET.and(Methods::POST), id: command as u16, body: BodyRule::Ignored }
}

/// A read of a member, which may come in the body.
const fn member(path: &'static str, command: Command) -> Route {
    Route { path, methods: Methods::READ_MEMBER, id: command as u16, body: BodyRule::Collected }
}

/// Many records in one body.
const fn batch(path: &'static str, command: Command) -> Route {
    Route { path, methods: Methods::POST, id: command as u16, body: BodyRule::Collected }
}

const fn write(path: &'static str, command: Command, body: BodyRule) -> Route {
    Route { path, methods: Methods::WRITE, id: command as u16, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_places_in_the_list_of_commands() {
        for (at, command) in Command::ALL.into_iter().enumerate() {
            assert_eq!(command as usize, at);
            assert_eq!(ROUTES.iter().filter(|route| usize::from(route.id) == at).count(), 1);
        }
        let others = CacheCommand::ALL.len() + QueueCommand::ALL.len();
        assert_eq!(ROUTES.len(), Command::ALL.len() + others);
    }
}
