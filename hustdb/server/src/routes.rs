//! The paths of a node: method classes and bodies as the contract has them.
//!
//! One table has them all; a route's id is its place in there.

mod command;

use hust_wire::{
    message::LINE_MAX_BYTES,
    route::{self, BodyRule, Methods, Route, Row, member, read},
};

use crate::handlers::replica::MERGE_OVER_BYTES;

pub use command::{CacheCommand, Command, QueueCommand};

const TABLE: [Row<Command>; 70] = [
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
    ("/hustdb/merge", Command::Merge, Methods::POST, BodyRule::CollectedOver(MERGE_OVER_BYTES)),
    read("/hustdb/digest", Command::Digest),
    ("/hustdb/binlog", Command::Binlog, Methods::GET.and(Methods::POST), BodyRule::Collected),
    ("/hustdb/forget", Command::Forget, Methods::POST, BodyRule::Ignored),
    batch("/hustdb/mput", Command::Mput),
    batch("/hustdb/mget", Command::Mget),
    batch("/hustdb/mdel", Command::Mdel),
    read("/hustdb/info", Command::Info),
    read("/openapi.json", Command::OpenApi),
    read("/hustcache/exist", Command::Cache(CacheCommand::Exist)),
    read("/hustcache/get", Command::Cache(CacheCommand::Get)),
    read("/hustcache/ttl", Command::Cache(CacheCommand::Ttl)),
    write("/hustcache/put", Command::Cache(CacheCommand::Put), BodyRule::Collected),
    write("/hustcache/append", Command::Cache(CacheCommand::Append), BodyRule::Collected),
    write("/hustcache/del", Command::Cache(CacheCommand::Del), BodyRule::Ignored),
    write("/hustcache/expire", Command::Cache(CacheCommand::Expire), BodyRule::Ignored),
    write("/hustcache/persist", Command::Cache(CacheCommand::Persist), BodyRule::Ignored),
    read("/hustcache/hexist", Command::Cache(CacheCommand::Hexist)),
    read("/hustcache/hget", Command::Cache(CacheCommand::Hget)),
    write("/hustcache/hset", Command::Cache(CacheCommand::Hset), BodyRule::Collected),
    write("/hustcache/hdel", Command::Cache(CacheCommand::Hdel), BodyRule::Ignored),
    write("/hustcache/hincrby", Command::Cache(CacheCommand::Hincrby), BodyRule::Collected),
    write("/hustcache/hincrbyfloat", Command::Cache(CacheCommand::Hincrbyfloat), BodyRule::Collected),
    write("/hustmq/put", Command::Queue(QueueCommand::Put), BodyRule::Collected),
    act("/hustmq/get", Command::Queue(QueueCommand::Get)),
    write("/hustmq/ack", Command::Queue(QueueCommand::Ack), BodyRule::Collected),
    write("/hustmq/nack", Command::Queue(QueueCommand::Nack), BodyRule::Collected),
    write("/hustmq/touch", Command::Queue(QueueCommand::Touch), BodyRule::Collected),
    write("/hustmq/timeout", Command::Queue(QueueCommand::Timeout), BodyRule::Ignored),
    write("/hustmq/lock", Command::Queue(QueueCommand::Lock), BodyRule::Ignored),
    write("/hustmq/max", Command::Queue(QueueCommand::Max), BodyRule::Ignored),
    write("/hustmq/purge", Command::Queue(QueueCommand::Purge), BodyRule::Ignored),
    write("/hustmq/delete", Command::Queue(QueueCommand::Delete), BodyRule::Ignored),
    (
        "/hustmq/settings",
        Command::Queue(QueueCommand::Settings),
        Methods::READ.and(Methods::WRITE),
        BodyRule::Ignored,
    ),
    read("/hustmq/worker", Command::Queue(QueueCommand::Worker)),
    read("/hustmq/stat", Command::Queue(QueueCommand::Stat)),
    read("/hustmq/stat_all", Command::Queue(QueueCommand::StatAll)),
    write("/hustmq/pub", Command::Queue(QueueCommand::Pub), BodyRule::Collected),
    ("/hustmq/sub", Command::Queue(QueueCommand::Sub), Methods::READ_MEMBER, BodyRule::Ignored),
    read("/hustmq/runs", Command::Queue(QueueCommand::Runs)),
    (
        "/hustmq/merge",
        Command::Queue(QueueCommand::Merge),
        Methods::POST.and(Methods::PUT),
        // The largest item comes with its frame.
        BodyRule::CollectedOver(LINE_MAX_BYTES + 2),
    ),
    read("/hustmq/watch", Command::Queue(QueueCommand::Watch)),
];

/// The routes.
pub const ROUTES: &[Route] = &route::routes(&TABLE);

/// The command of a route.
pub fn command(id: u16) -> Option<Command> {
    route::command(&TABLE, id)
}

const fn write(path: &'static str, command: Command, body: BodyRule) -> Row<Command> {
    (path, command, Methods::WRITE, body)
}

/// What is done without a body; HEAD would lose what it gives.
const fn act(path: &'static str, command: Command) -> Row<Command> {
    (path, command, Methods::GET.and(Methods::POST), BodyRule::Ignored)
}

/// Many records in one body.
const fn batch(path: &'static str, command: Command) -> Row<Command> {
    (path, command, Methods::POST, BodyRule::Collected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_there_once() {
        let mut commands: Vec<_> = TABLE.iter().map(|(_, command, ..)| format!("{command:?}")).collect();
        commands.sort_unstable();
        commands.dedup();
        assert_eq!(commands.len(), TABLE.len());
    }

    #[test]
    fn commands_are_called_as_their_paths() {
        for route in ROUTES {
            let (_, name) = route.path.rsplit_once('/').unwrap();
            let name = name.trim_end_matches(".json").replace('_', "");
            let command = format!("{:?}", command(route.id).unwrap()).to_lowercase();
            let command = command.trim_end_matches(')');
            let command = command.rsplit_once('(').map_or(command, |(_, inner)| inner);
            assert_eq!(command, name, "{}", route.path);
        }
    }
}
