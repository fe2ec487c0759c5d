//! The names of the keys that secrets are sealed under, in a table.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};

use super::SqlStore;
use super::connect::Database;
use super::fault::{Fault, again};
use super::sql;
use crate::seal::{KeptKey, SealKeyId, SealKeyStore};
use crate::store::StoreError;

#[async_trait]
impl SealKeyStore for SqlStore {
    async fn seal_keys(&self) -> Result<Vec<KeptKey>, StoreError> {
        again!(all(&self.db.reader))
    }

    async fn add_seal_key(&self, key: &KeptKey, beside: &[SealKeyId]) -> Result<bool, StoreError> {
        again!(add(&self.db, key, beside))
    }

    async fn forget_seal_key(&self, key: SealKeyId) -> Result<bool, StoreError> {
        again!(forget(&self.db, key))
    }
}

impl SqlStore {
    /// Erases what was deleted or replaced from the file of an SQLite database, for when it held secrets as clear text.
    /// Others must wait meanwhile, and backups keep what they have. On PostgreSQL, where only the server's operator can do
    /// so, it does nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], also if others use the file too busily.
    pub async fn erase_deleted(&self) -> Result<(), StoreError> {
        if self.db.backend() == DbBackend::Sqlite {
            // The log still has the former pages until it is emptied.
            for statement in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
                self.db.writer.execute_unprepared(statement).await.map_err(Fault::Db)?;
            }
        }
        Ok(())
    }
}

async fn all(on: &impl ConnectionTrait) -> Result<Vec<KeptKey>, Fault> {
    let rows = sql::rows(on, "SELECT key_id, check_value, since FROM mt_seal_keys ORDER BY key_id", []).await?;
    rows.iter().map(kept).collect()
}

fn kept(row: &QueryResult) -> Result<KeptKey, Fault> {
    let id: String = row.try_get_by_index(0)?;
    Ok(KeptKey {
        id: id.parse().map_err(Fault::corrupt("name of a key"))?,
        check: row.try_get_by_index(1)?,
        since: sql::time(row.try_get_by_index(2)?)?,
    })
}

async fn add(db: &Database, key: &KeptKey, beside: &[SealKeyId]) -> Result<bool, Fault> {
    let tx = db.write().await?;
    if db.backend() == DbBackend::Postgres {
        // Two that add at once must see each other; on SQLite there is one writer.
        tx.execute_unprepared("LOCK TABLE mt_seal_keys IN SHARE ROW EXCLUSIVE MODE").await?;
    }
    if !all(&tx).await?.iter().map(|kept| kept.id).eq(beside.iter().copied()) {
        return Ok(false);
    }
    let values = [key.id.to_string().into(), key.check.as_str().into(), sql::micros(key.since).into()];
    sql::run(&tx, "INSERT INTO mt_seal_keys (key_id, check_value, since) VALUES ($1, $2, $3)", values).await?;
    tx.commit().await?;
    Ok(true)
}

async fn forget(db: &Database, key: SealKeyId) -> Result<bool, Fault> {
    let tx = db.write().await?;
    let gone = sql::run(&tx, "DELETE FROM mt_seal_keys WHERE key_id = $1", [key.to_string().into()]).await?;
    tx.commit().await?;
    Ok(gone == 1)
}
