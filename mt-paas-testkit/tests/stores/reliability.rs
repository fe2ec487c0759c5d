//! Processes that are killed, that stand still, and that find no room: each with planted faults that must be found.
//!
//! These load the machine, so they run one by one, after all others.

#[path = "reliability/child.rs"]
mod child;
#[path = "reliability/full.rs"]
mod full;
#[path = "reliability/history.rs"]
mod history;
#[path = "reliability/kills.rs"]
mod kills;
#[path = "reliability/pauses.rs"]
mod pauses;
#[path = "reliability/planted.rs"]
mod planted;
#[path = "reliability/stuck.rs"]
mod stuck;

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use mt_paas_core::key_pool::{KeyPool, KeyPoolStore, PoolLimits};
use mt_paas_core::store::redis::{RedisKeyPool, RedisOptions};
use mt_paas_core::store::sea_orm::SqlStore;

use crate::place::PlaceKind;
use crate::{at, on_server, redis_key_pool};

pub(crate) use child::act;

pub(crate) fn trials(postgres: &Result<String, String>, redis: &Result<String, String>) -> Vec<Trial> {
    let on_files = kills::TRIALS.iter().chain(stuck::TRIALS).chain(full::TRIALS);
    let mut trials: Vec<Trial> = on_files.map(|(name, run)| at(PlaceKind::File, name, *run)).collect();
    for (name, run) in pauses::TRIALS.iter().chain(pauses::CONTROLS) {
        let run = *run;
        trials.push(at(PlaceKind::File, name, move |url| run(Shared { url, prefix: String::new() })));
    }
    for (name, run) in pauses::TRIALS {
        let run = *run;
        trials.push(on_server("postgres", postgres, name, |url| {
            let kind = PlaceKind::Schema(url.to_owned());
            at(kind, name, move |url| run(Shared { url, prefix: String::new() }))
        }));
        trials.push(on_server("redis", redis, name, |url| {
            let url = url.to_owned();
            Trial::test(format!("redis::{name}"), move || {
                redis_key_pool::at(url, move |place| run(Shared { url: place.url, prefix: place.prefix }))
            })
        }));
    }
    trials
}

/// Where processes share a pool.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    url: String,
    /// What all keys on Redis begin with.
    prefix: String,
}

impl Shared {
    async fn store(&self) -> Result<Arc<dyn KeyPoolStore>, Failed> {
        if self.url.starts_with("redis") {
            return Ok(Arc::new(
                RedisKeyPool::connect(&self.url, &RedisOptions { prefix: self.prefix.clone() }).await?,
            ));
        }
        let store = SqlStore::open(&self.url).await?;
        let list = store.key_pool();
        // The list has connections of its own.
        store.close().await?;
        Ok(list)
    }

    async fn pool(&self, limits: PoolLimits) -> Result<KeyPool, Failed> {
        Ok(KeyPool::shared(limits, self.store().await?))
    }
}
