//! The paths of the cache.

use hust_wire::route::{BodyRule, Methods, Route};

use super::Command;

/// The commands on the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum CacheCommand {
    Exist,
    Get,
    Ttl,
    Put,
    Append,
    Del,
    Expire,
    Persist,
    Hexist,
    Hget,
    Hset,
    Hdel,
    Hincrby,
    Hincrbyfloat,
}

/// The ids of their routes follow those of the other commands.
const FIRST_ID: u16 = Command::ALL.len() as u16;

impl CacheCommand {
    /// All commands, in the order of their ids.
    pub const ALL: [CacheCommand; 14] = [
        CacheCommand::Exist,
        CacheCommand::Get,
        CacheCommand::Ttl,
        CacheCommand::Put,
        CacheCommand::Append,
        CacheCommand::Del,
        CacheCommand::Expire,
        CacheCommand::Persist,
        CacheCommand::Hexist,
        CacheCommand::Hget,
        CacheCommand::Hset,
        CacheCommand::Hdel,
        CacheCommand::Hincrby,
        CacheCommand::Hincrbyfloat,
    ];

    /// The command of a route, if that is one of the cache.
    pub fn of(route: u16) -> Option<CacheCommand> {
        CacheCommand::ALL.get(usize::from(route.checked_sub(FIRST_ID)?)).copied()
    }

    pub(super) const fn id(self) -> u16 {
        FIRST_ID + self as u16
    }
}

pub(super) const fn read(path: &'static str, command: CacheCommand) -> Route {
    Route { path, methods: Methods::READ, id: command.id(), body: BodyRule::Ignored }
}

pub(super) const fn write(path: &'static str, command: CacheCommand, body: BodyRule) -> Route {
    Route { path, methods: Methods::WRITE, id: command.id(), body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn every_command_has_one_route() {
        for command in CacheCommand::ALL {
            let paths: Vec<&str> =
                ROUTES.iter().filter(|route| route.id == command.id()).map(|route| route.path).collect();
            assert_eq!(paths, [format!("/hustcache/{command:?}").to_lowercase()]);
            assert_eq!(CacheCommand::of(command.id()), Some(command));
        }
        assert_eq!((CacheCommand::of(0), CacheCommand::of(u16::MAX)), (None, None));
    }
}
