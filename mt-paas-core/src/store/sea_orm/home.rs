//! Where a database is, for those who need connections of their own.

use std::fmt;
use std::path::PathBuf;

use sea_orm::sqlx::postgres::PgConnectOptions;

use crate::store::memory::MemoryKeyPool;

/// Where a database is.
#[derive(Clone)]
pub(super) enum Home {
    /// A file of SQLite.
    File(PathBuf),
    /// SQLite in memory, which a second connection could not reach; so the key pool's list is kept beside it.
    Memory(MemoryKeyPool),
    /// A PostgreSQL server, with all that this crate sets.
    Server(Box<PgConnectOptions>),
}

/// Without the address of a server, which may hold a password.
impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Memory(_) => f.write_str("Memory"),
            Self::Server(_) => f.write_str("Server"),
        }
    }
}
