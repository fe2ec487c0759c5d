//! Stores on SQLite and PostgreSQL.
//!
//! Every operation is one transaction, and one `BEGIN IMMEDIATE` on SQLite. Times are microseconds since 1970 in UTC,
//! days are counted from 1970-01-01, money is nano-dollars: whole numbers on both databases, because neither keeps
//! decimals and times the same way as the other.

mod address;
mod audit;
mod auth;
mod connect;
mod error;
mod fault;
mod home;
mod idempotency;
mod key_pool;
mod migrations;
mod outbox;
mod scope;
mod seal_keys;
mod sql;
mod tenants;
mod usage;
mod users;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr};

pub use error::ConnectError;
pub use migrations::{MigrationState, Migrations};
pub use scope::{TenantOwned, TenantScope};

use self::address::Address;
use self::connect::Database;
use self::fault::Fault;
use super::{Store, StoreError};
use crate::ids::TenantId;

/// A store on SQLite or PostgreSQL. Cloning is cheap; clones share their connections.
///
/// A SQLite file is in WAL mode with `synchronous = NORMAL`: a crash of the process loses nothing, a crash of the
/// machine may lose the last transactions but never the file. One connection writes, four read.
#[derive(Debug, Clone)]
pub struct SqlStore {
    db: Database,
}

impl SqlStore {
    /// Opens the database at `url` and brings its tables up to date. Any number of processes may do so at once.
    ///
    /// `sqlite:data/x.db` and `sqlite:///x.db` (a bare name after three slashes) are in the working directory,
    /// `sqlite:///dir/x.db` and `sqlite:////dir/x.db` are absolute; folder and file are made if they are missing, with
    /// or without `?mode=rwc`. `sqlite::memory:` is gone with the store. `postgres://user:password@host:port/database`
    /// is a server.
    ///
    /// # Errors
    ///
    /// Any [`ConnectError`] but [`ConnectError::MissingMigrations`].
    pub async fn open(url: &str) -> Result<Self, ConnectError> {
        let address: Address = url.parse()?;
        let db = Database::open(&address).await?;
        Migrations::of(&db).up().await?;
        Ok(Self { db })
    }

    /// Opens the database at `url`, whose tables must be up to date, and changes nothing in it.
    ///
    /// # Errors
    ///
    /// Any [`ConnectError`]; a file that is not there has [`ConnectError::MissingMigrations`] and is not made.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let address: Address = url.parse()?;
        if matches!(&address, Address::File(path) if !path.exists()) {
            return Err(migrations::all_missing());
        }
        let db = Database::open(&address).await?;
        Migrations::of(&db).expect_current().await?;
        Ok(Self { db })
    }

    /// The connection that writes, for a service's own tables. On SQLite there is one: whoever holds a transaction
    /// keeps every other writer waiting, so nothing but the database is awaited inside one.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.db.writer
    }

    /// Connections that read, for a service's own tables. On SQLite they refuse to write.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.db.reader
    }

    /// Begins a transaction that writes, in the mode that never fails half-way for want of the lock.
    ///
    /// # Errors
    ///
    /// The database's, if it cannot be reached or stays locked for five seconds.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.db.write().await
    }

    /// A handle for a service's own tables that sees one tenant's rows only.
    pub fn of(&self, tenant: &TenantId) -> TenantScope {
        TenantScope::new(tenant.clone())
    }

    /// Closes all connections; operations fail from then on.
    ///
    /// # Errors
    ///
    /// The database's.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.db.reader.close_by_ref().await?;
        self.db.writer.close_by_ref().await?;
        // Only now can nothing follow any more.
        self.db.audit.end().await;
        Ok(())
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn ping(&self) -> Result<(), StoreError> {
        let answer = self.db.reader.execute_unprepared("SELECT 1").await;
        answer.map(drop).map_err(|error| Fault::Db(error).into())
    }

    async fn close(&self) -> Result<(), StoreError> {
        Self::close(self).await.map_err(|error| Fault::Db(error).into())
    }
}
