//! The list of a key pool's changes on SQLite and PostgreSQL.
//!
//! A turn is one transaction on a connection that nobody else uses, so that the pool and the rest of a service do not
//! wait for each other's connections.

mod append;
mod boot_clock;
mod heard;
mod listener;
mod postgres;
mod seat;
mod sqlite;
mod wake;

use std::sync::Arc;

use sea_orm::sqlx::sqlite::SqliteSynchronous;
use sea_orm::sqlx::{self, Row};
use sea_orm::{DbErr, RuntimeErr};

use self::postgres::PgKeyPool;
use self::sqlite::SqliteKeyPool;
use super::SqlStore;
use super::fault::Fault;
use super::home::Home;
use crate::key_pool::{Entry, KeyPoolStore};
use crate::store::StoreError;

impl SqlStore {
    /// The list that the key pools of all processes on this database share, for
    /// [`KeyPool::shared`](crate::key_pool::KeyPool::shared). It has connections of its own and stays open until it is
    /// dropped. To be used in one Tokio runtime.
    ///
    /// On SQLite a crash of the machine may lose the last leases (`synchronous = NORMAL`), which nobody holds any more
    /// then; a crash of a process loses nothing. The clock of the list is that of the machine since its start, so that
    /// nobody can set it; on PostgreSQL it is the server's.
    pub fn key_pool(&self) -> Arc<dyn KeyPoolStore> {
        self.list(SqliteSynchronous::Normal)
    }

    /// As [`key_pool`](Self::key_pool); on SQLite a crash of the machine loses nothing either (`synchronous = FULL`), so
    /// that no generation of a lease is ever used twice. PostgreSQL keeps that promise in any case.
    pub fn durable_key_pool(&self) -> Arc<dyn KeyPoolStore> {
        self.list(SqliteSynchronous::Full)
    }

    fn list(&self, synchronous: SqliteSynchronous) -> Arc<dyn KeyPoolStore> {
        match &self.db.home {
            Home::File(path) => Arc::new(SqliteKeyPool::new(path, synchronous)),
            Home::Memory(list) => Arc::new(list.clone()),
            Home::Server(options) => Arc::new(PgKeyPool::new(options)),
        }
    }
}

fn unavailable(fault: sqlx::Error) -> StoreError {
    Fault::Db(DbErr::Exec(RuntimeErr::SqlxError(fault.into()))).into()
}

/// A version as the tables keep it.
fn column(version: u64) -> i64 {
    // A list that a turn appends to every nanosecond gets there in 292 years.
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn version(column: i64) -> Result<u64, StoreError> {
    u64::try_from(column).map_err(|source| StoreError::Corrupt { what: "key pool", source: source.into() })
}

/// Reads `version, whole, data`.
fn entry<R: Row>(row: &R) -> Result<Entry, StoreError>
where
    usize: sqlx::ColumnIndex<R>,
    for<'r> i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    for<'r> String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let unreadable = |source: sqlx::Error| StoreError::Corrupt { what: "key pool", source: source.into() };
    let whole: i64 = row.try_get(1).map_err(unreadable)?;
    let data = row.try_get(2).map_err(unreadable)?;
    Ok(Entry { version: version(row.try_get(0).map_err(unreadable)?)?, whole: whole != 0, data })
}
