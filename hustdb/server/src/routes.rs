//! The paths of a node: method classes and bodies as the contract has them.

mod cache;

use hust_wire::route::{BodyRule, Methods, Route};

pub use cache::CacheCommand;

/// The commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Command {
    Get,
    Exist,
    Put,
    Del,
    Keys,
    Stat,
    FileCount,
}

impl Command {
    /// All commands; the id of a route is the index in here.
    pub const ALL: [Command; 7] = [
        Command::Get,
        Command::Exist,
        Command::Put,
        Command::Del,
        Command::Keys,
        Command::Stat,
        Command::FileCount,
    ];
}

/// The routes.
pub const ROUTES: &[Route] = &[
    read("/hustdb/get", Command::Get),
    read("/hustdb/exist", Command::Exist),
    write("/hustdb/put", Command::Put, BodyRule::Collected),
    write("/hustdb/del", Command::Del, BodyRule::Ignored),
    read("/hustdb/keys", Command::Keys),
    read("/hustdb/stat", Command::Stat),
    read("/hustdb/file_count", Command::FileCount),
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
];

const fn read(path: &'static str, command: Command) -> Route {
    Route { path, methods: Methods::READ, id: command as u16, body: BodyRule::Ignored }
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
        assert_eq!(ROUTES.len(), Command::ALL.len() + CacheCommand::ALL.len());
    }
}
