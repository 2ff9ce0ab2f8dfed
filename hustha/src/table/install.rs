//! Installs tables, one at a time: checks, writes the file, gets to know new hosts, then exchanges the pointer.
//!
//! Runs on the keeper's thread, so an installation that has begun does not end with the client that asked for it.

use std::{fmt, io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use hust_wire::{
    Host,
    table::{Table, TableError},
};
use tokio::sync::Mutex;

use super::{
    Tables, disk,
    installed::{Installed, Parts, peers},
};
use crate::keeper::Keeper;

/// Why a table was not installed; the old one is in force.
#[derive(Debug)]
pub enum InstallError {
    /// It is not legal.
    Table(TableError),
    /// Another table is in force than the caller thought.
    Changed,
    /// The file could not be read or written.
    Disk(io::Error),
    /// It could not be put in force for a reason of ours.
    Internal,
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstallError::Table(error) => error.fmt(f),
            InstallError::Changed => f.write_str("another one is in force"),
            InstallError::Disk(cause) => cause.fmt(f),
            InstallError::Internal => f.write_str("an error of the proxy"),
        }
    }
}

/// Which table the caller thinks is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Any.
    None,
    /// The one with this ETag.
    Etag(String),
}

/// Installs tables.
#[derive(Debug)]
pub struct Installer {
    path: PathBuf,
    backends: Vec<Host>,
    keeper: Arc<Keeper>,
    turn: Mutex<()>,
}

impl Installer {
    pub fn new(path: PathBuf, backends: Vec<Host>, keeper: Arc<Keeper>) -> Installer {
        Installer { path, backends, keeper, turn: Mutex::default() }
    }

    /// The first table, from its file: all its hosts have been checked when this returns.
    pub async fn first(&self, table: Table, file: Bytes) -> Option<Tables> {
        let hosts = peers(&self.backends, &table);
        self.keeper.admit(&hosts).await;
        let nodes = self.keeper.fleet.nodes();
        let table = table.without_hold();
        let parts = Parts { table: &table, file, backends: &self.backends, nodes: &nodes };
        Tables::new(|token| Installed::new(parts, token))
    }

    /// Makes `file` the table file and installs it. The ETag of the new table.
    pub async fn install(
        &self,
        tables: &Tables,
        file: Bytes,
        condition: Condition,
    ) -> Result<String, InstallError> {
        let table = Table::parse(&file).map_err(InstallError::Table)?;
        let _turn = self.turn.lock().await;
        if let Condition::Etag(etag) = condition
            && etag != tables.load().etag
        {
            return Err(InstallError::Changed);
        }
        let (path, content) = (self.path.clone(), file.clone());
        let written = tokio::task::spawn_blocking(move || disk::replace(&path, &content)).await;
        written.map_err(|_| InstallError::Internal)?.map_err(InstallError::Disk)?;
        self.exchange(tables, &table, file).await
    }

    /// Installs what the file holds.
    pub async fn reload(&self, tables: &Tables) -> Result<String, InstallError> {
        let _turn = self.turn.lock().await;
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || disk::read(&path)).await;
        let file = Bytes::from(read.map_err(|_| InstallError::Internal)?.map_err(InstallError::Disk)?);
        let table = Table::parse(&file).map_err(InstallError::Table)?;
        if tables.load().file == file {
            return Ok(tables.load().etag.clone());
        }
        self.exchange(tables, &table, file).await
    }

    async fn exchange(&self, tables: &Tables, table: &Table, file: Bytes) -> Result<String, InstallError> {
        let hosts = peers(&self.backends, table);
        self.keeper.admit(&hosts).await;
        let nodes = self.keeper.fleet.nodes();
        let parts = Parts { table, file, backends: &self.backends, nodes: &nodes };
        if !tables.swap(|token| Installed::new(parts, token)) {
            return Err(InstallError::Internal);
        }
        self.keeper.fleet.keep(&hosts);
        Ok(tables.load().etag.clone())
    }
}
