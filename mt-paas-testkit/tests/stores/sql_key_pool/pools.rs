//! Pools on one database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::Failed;
use mt_paas_core::Secret;
use mt_paas_core::key_pool::{AcquireOptions, KeyPool, Lease, NewKey, PoolError, PoolLimits, Provider};
use mt_paas_core::store::sea_orm::SqlStore;
use serde_json::json;

async fn pool(url: &str, limits: PoolLimits) -> Result<KeyPool, Failed> {
    Ok(KeyPool::shared(limits, SqlStore::open(url).await?.key_pool()))
}

fn provider() -> Provider {
    "openai".parse().expect("a name")
}

fn key(name: &str, concurrency: u32) -> NewKey {
    NewKey { concurrency, ..NewKey::new(provider(), name, Secret::new(json!({}))) }
}

async fn lease(pool: &KeyPool, user: &str, patience: u64) -> Result<Lease, PoolError> {
    let options = AcquireOptions { patience: Duration::from_secs(patience), ..AcquireOptions::default() };
    let (tenant, user) = ("school".parse().expect("an id"), user.parse().expect("an id"));
    pool.acquire(&provider(), &tenant, &user, &options).await
}

pub(super) async fn handed_over(url: String) -> Result<(), Failed> {
    let limits = PoolLimits { per_user: 5, total: 5, ..PoolLimits::default() };
    let pools = [pool(&url, limits).await?, pool(&url, limits).await?];
    pools[0].put_key(key("a", 1)).await?;
    let mut held = lease(&pools[0], "u0", 0).await?;
    for round in 1..8 {
        let taker = pools[round % 2].clone();
        let refused = lease(&taker, "early", 0).await.err();
        assert!(matches!(refused, Some(PoolError::Busy { .. })), "lent twice: {refused:?}");
        let waits = tokio::spawn(async move { lease(&taker, "late", 30).await });
        while pools[0].view().await?.queue.is_empty() {
            tokio::task::yield_now().await;
        }
        let generation = held.generation();
        held.settle().await?;
        held = waits.await??;
        assert!(held.generation() > generation);
    }
    Ok(())
}

/// Who holds what, by the word of the holders.
#[derive(Default)]
struct Judge {
    now: usize,
    most: usize,
    keys: HashMap<String, usize>,
    users: HashMap<String, usize>,
}

impl Judge {
    fn begins(&mut self, key: &str, user: &str) {
        self.now += 1;
        self.most = self.most.max(self.now);
        for (holders, name, limit) in [(&mut self.keys, key, 2), (&mut self.users, user, 3)] {
            let holds = holders.entry(name.to_owned()).or_default();
            *holds += 1;
            assert!(*holds <= limit, "{holds} hold of {name}");
        }
        assert!(self.now <= 7, "{} hold in total", self.now);
    }

    fn ends(&mut self, key: &str, user: &str) {
        self.now -= 1;
        for (holders, name) in [(&mut self.keys, key), (&mut self.users, user)] {
            *holders.get_mut(name).expect("it began") -= 1;
        }
    }
}

/// Five keys for two each, seven in total, three for each of 20 users.
pub(super) async fn crowd(url: String) -> Result<(), Failed> {
    let limits = PoolLimits { per_user: 3, total: 7, ..PoolLimits::default() };
    let mut pools = Vec::new();
    for _ in 0..4 {
        pools.push(pool(&url, limits).await?);
    }
    for number in 0..5 {
        pools[0].put_key(key(&format!("k{number}"), 2)).await?;
    }
    let judge = Arc::new(Mutex::new(Judge::default()));
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (pool, judge) = (pools[number % 4].clone(), judge.clone());
        callers.spawn(async move {
            let user = format!("u{}", number % 20);
            let lease = lease(&pool, &user, 100).await?;
            let key = lease.key().map(|key| key.spec.name.clone()).unwrap_or_default();
            judge.lock().expect("nobody panicked").begins(&key, &user);
            tokio::time::sleep(Duration::from_millis(2)).await;
            judge.lock().expect("nobody panicked").ends(&key, &user);
            lease.settle().await
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    assert!(judge.lock().expect("nobody panicked").most > 1, "they ran one by one");
    let view = pools[3].view().await?;
    assert!(view.leases.is_empty() && view.queue.is_empty(), "{view:?}");
    Ok(())
}
