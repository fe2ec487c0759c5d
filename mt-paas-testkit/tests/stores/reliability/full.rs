//! A process whose file of SQLite cannot grow, as on a full disk.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::Secret;
use mt_paas_core::key_pool::{AcquireOptions, KeyPool, Lease, NewKey, PoolError, PoolLimits, Provider};
use rlimit::Resource;

use super::Shared;
use super::child::Process;
use super::kills::{file, is_intact};

pub(super) type Trial = (&'static str, fn(String) -> BoxFuture<'static, Result<(), Failed>>);

pub(super) const TRIALS: &[Trial] = &[("a_file_that_cannot_grow_is_told_and_loses_nothing", |url| Box::pin(full(url)))];

/// A process that runs out of room and gets some.
pub(super) const FILLER: &str = "filler";

fn provider() -> Provider {
    "openai".parse().expect("a name")
}

async fn lease(pool: &KeyPool, user: &str) -> Result<Lease, PoolError> {
    let (tenant, user) = ("school".parse().expect("an id"), user.parse().expect("an id"));
    pool.acquire(&provider(), &tenant, &user, &AcquireOptions::default()).await
}

async fn full(url: String) -> Result<(), Failed> {
    let shared = Shared { url: url.clone(), prefix: String::new() };
    let pool = shared.pool(PoolLimits::default()).await?;
    let key = NewKey::new(provider(), "a", Secret::new(serde_json::json!({})));
    pool.put_key(NewKey { concurrency: 2, ..key }).await?;
    let mut filler = Process::start_unharmed(FILLER, &shared)?;
    // What was granted before, and after there was room again.
    let (before, after): (u64, u64) = (filler.hear().await?.parse()?, filler.hear().await?.parse()?);
    assert!(after > before);
    filler.ends().await?;
    let view = pool.view().await?;
    assert!(view.leases.is_empty() && view.queue.is_empty() && view.keys[0].held == 0, "{view:?}");
    lease(&pool, "u").await?.settle().await?;
    drop(pool);
    assert!(is_intact(&url).await?);
    Ok(())
}

/// The work of the process.
pub(super) async fn fill(shared: Shared) -> Result<(), Failed> {
    let pool = shared.pool(PoolLimits::default()).await?;
    let held = lease(&pool, "holder").await?;
    println!("{}", held.generation());
    let (_, most) = Resource::FSIZE.get()?;
    let log = std::fs::metadata(format!("{}-wal", file(&shared.url)))?.len();
    Resource::FSIZE.set(log + 20_000, most)?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        match lease(&pool, "u").await {
            Ok(lease) => drop(lease.settle().await),
            Err(PoolError::Store(_)) => break,
            Err(other) => return Err(other.into()),
        }
    }
    let told = lease(&pool, "u").await.map(drop);
    if !matches!(told, Err(PoolError::Store(_))) {
        return Err(format!("without room a pool answered {told:?}").into());
    }
    Resource::FSIZE.set(most, most)?;
    let freed = Instant::now();
    let after = loop {
        match lease(&pool, "u").await {
            Err(PoolError::Store(_)) if freed.elapsed() < Duration::from_secs(10) => {}
            got => break got?,
        }
    };
    held.renew().await?;
    println!("{}", after.generation());
    after.settle().await?;
    Ok(held.settle().await?)
}
