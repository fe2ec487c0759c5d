//! Where the pool of a run is kept.

use std::error::Error;
use std::sync::Arc;

use mt_paas_core::Secret;
use mt_paas_core::key_pool::{KeyPool, KeyPoolStore, NewKey, PoolError, PoolLimits, Provider};
use mt_paas_core::store::redis::{RedisKeyPool, RedisOptions};
use mt_paas_core::store::sea_orm::SqlStore;
use serde_json::json;

use super::options::KeyPoolBench;
use super::plant::Plant;

/// Whose keys the bench lends.
pub(super) const PROVIDER: &str = "bench";

type Fault = Box<dyn Error + Send + Sync>;

impl KeyPoolBench {
    /// The pool of a process.
    pub(super) async fn pool(&self) -> Result<KeyPool, Fault> {
        let limits = PoolLimits { per_user: self.per_user, total: self.total, ..PoolLimits::default() };
        if self.plant == Some(Plant::CountInProcess) {
            let pool = KeyPool::in_memory(limits);
            self.put_keys(&pool).await?;
            return Ok(pool);
        }
        Ok(match self.list().await? {
            Some(list) => KeyPool::shared(limits, list),
            None => KeyPool::in_memory(limits),
        })
    }

    /// The list that the processes share; `None`: the pool is one process's.
    async fn list(&self) -> Result<Option<Arc<dyn KeyPoolStore>>, Fault> {
        Ok(match self.scheme() {
            "memory" => None,
            "redis" | "rediss" => {
                let options = RedisOptions { prefix: self.prefix.clone() };
                Some(Arc::new(RedisKeyPool::connect(&self.store, &options).await?))
            }
            _ => {
                let store = SqlStore::open(&self.store).await?;
                let list = store.key_pool();
                // The list has connections of its own.
                store.close().await?;
                Some(list)
            }
        })
    }

    /// Takes the pool of this run out of a server that is shared with others. A database was given for it alone.
    pub(super) async fn clear(&self) -> Result<(), Fault> {
        if !self.scheme().starts_with("redis") {
            return Ok(());
        }
        let options = RedisOptions { prefix: self.prefix.clone() };
        Ok(RedisKeyPool::connect(&self.store, &options).await?.delete().await?)
    }

    /// Puts the keys of this run into a pool that nobody else uses.
    pub(super) async fn prepare(&self, pool: &KeyPool) -> Result<(), Fault> {
        let view = pool.view().await?;
        if view.keys.iter().any(|used| used.key.spec.provider.as_str() != PROVIDER) {
            return Err("the store has a pool with keys; the bench needs one that nobody uses".into());
        }
        if !view.leases.is_empty() || !view.queue.is_empty() {
            return Err("another bench runs on this store, or its last leases have not ended yet".into());
        }
        for used in view.keys {
            pool.remove_key(used.key.id).await?;
        }
        Ok(self.put_keys(pool).await?)
    }

    async fn put_keys(&self, pool: &KeyPool) -> Result<(), PoolError> {
        for number in 0..self.keys {
            let name = format!("key-{number}");
            let key = NewKey {
                concurrency: self.slots,
                requests_per_minute: self.requests_per_minute,
                // One after the other is filled, so that the limits of keys are reached although the total is less.
                priority: -i32::try_from(number).unwrap_or(i32::MAX),
                ..NewKey::new(provider(), name, Secret::new(json!({ "api_key": "none" })))
            };
            pool.put_key(key).await?;
        }
        Ok(())
    }
}

pub(super) fn provider() -> Provider {
    PROVIDER.parse().expect("it is a legal name")
}
