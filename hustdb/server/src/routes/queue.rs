//! The paths of the queues.

use hust_wire::{
    message::LINE_MAX_BYTES,
    route::{BodyRule, Methods, Route},
};

use super::{CacheCommand, Command};

/// The commands on queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum QueueCommand {
    Put,
    Get,
    Ack,
    Nack,
    Touch,
    Timeout,
    Lock,
    Max,
    Purge,
    Delete,
    Settings,
    Worker,
    Stat,
    StatAll,
    Pub,
    Sub,
    Runs,
    Merge,
    Watch,
}

/// The ids of their routes follow those of the cache.
const FIRST_ID: u16 = (Command::ALL.len() + CacheCommand::ALL.len()) as u16;

impl QueueCommand {
    /// All commands, in the order of their ids.
    pub const ALL: [QueueCommand; 19] = [
        QueueCommand::Put,
        QueueCommand::Get,
        QueueCommand::Ack,
        QueueCommand::Nack,
        QueueCommand::Touch,
        QueueCommand::Timeout,
        QueueCommand::Lock,
        QueueCommand::Max,
        QueueCommand::Purge,
        QueueCommand::Delete,
        QueueCommand::Settings,
        QueueCommand::Worker,
        QueueCommand::Stat,
        QueueCommand::StatAll,
        QueueCommand::Pub,
        QueueCommand::Sub,
        QueueCommand::Runs,
        QueueCommand::Merge,
        QueueCommand::Watch,
    ];

    /// The command of a route, if that is one on queues.
    pub fn of(route: u16) -> Option<QueueCommand> {
        QueueCommand::ALL.get(usize::from(route.checked_sub(FIRST_ID)?)).copied()
    }

    pub(super) const fn id(self) -> u16 {
        FIRST_ID + self as u16
    }
}

/// A write whose message or tokens come in the body.
pub(super) const fn carry(path: &'static str, command: QueueCommand) -> Route {
    Route { path, methods: Methods::WRITE, id: command.id(), body: BodyRule::Collected }
}

/// A write of parameters alone.
pub(super) const fn order(path: &'static str, command: QueueCommand) -> Route {
    plain(path, Methods::WRITE, command)
}

pub(super) const fn read(path: &'static str, command: QueueCommand) -> Route {
    plain(path, Methods::READ, command)
}

/// A read that consumes: HEAD would lose what it takes.
pub(super) const fn consume(path: &'static str, command: QueueCommand) -> Route {
    plain(path, Methods::GET.and(Methods::POST), command)
}

/// A read of a push queue, by which nothing is lost.
pub(super) const fn subscribe(path: &'static str, command: QueueCommand) -> Route {
    plain(path, Methods::READ.and(Methods::POST), command)
}

/// Read or write, as the parameters say.
pub(super) const fn both(path: &'static str, command: QueueCommand) -> Route {
    plain(path, Methods::READ.and(Methods::WRITE), command)
}

/// A write that has a body or is none; the largest item comes with its frame.
pub(super) const fn merge(path: &'static str, command: QueueCommand) -> Route {
    let methods = Methods::POST.and(Methods::PUT);
    Route { path, methods, id: command.id(), body: BodyRule::CollectedOver(LINE_MAX_BYTES + 2) }
}

const fn plain(path: &'static str, methods: Methods, command: QueueCommand) -> Route {
    Route { path, methods, id: command.id(), body: BodyRule::Ignored }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn every_command_has_one_route() {
        for command in QueueCommand::ALL {
            let paths: Vec<&str> =
                ROUTES.iter().filter(|route| route.id == command.id()).map(|route| route.path).collect();
            let name = format!("{command:?}").to_lowercase().replace("statall", "stat_all");
            assert_eq!(paths, [format!("/hustmq/{name}")]);
            assert_eq!(QueueCommand::of(command.id()), Some(command));
        }
        assert_eq!((QueueCommand::of(FIRST_ID - 1), QueueCommand::of(u16::MAX)), (None, None));
    }
}
