//! The key pool in memory beside a bare semaphore, on one core, in the same run.
//!
//! `cargo bench -p mt-paas-core --features testing --bench key_pool`

use std::sync::Arc;
use std::time::{Duration, Instant};

use mt_paas_core::key_pool::{AcquireOptions, Choice, KeyPool, NewKey, PoolLimits, Provider};
use mt_paas_core::{Secret, TenantId, UserId};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};

const TASKS: usize = 64;
const KEYS: usize = 64;
const PERMITS: usize = 8;
const PAIRS: usize = 3_000;
const ROUNDS: usize = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut ratios: Vec<(f64, f64)> = (0..ROUNDS)
        .map(|_| {
            let bare = rate(runtime.block_on(semaphore()));
            let ours = rate(runtime.block_on(pool()));
            println!("semaphore {bare:>9.0}/s  pool {ours:>9.0}/s  ratio {:.3}", ours / bare);
            (ours / bare, ours)
        })
        .collect();
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, pairs) = ratios[ROUNDS / 2];
    println!("median: {ratio:.3} of a semaphore (wanted 0.3), {pairs:.0} pairs a second (wanted 200000)");
}

fn rate(took: Duration) -> f64 {
    (TASKS * PAIRS) as f64 / took.as_secs_f64()
}

async fn semaphore() -> Duration {
    let permits = Arc::new(Semaphore::new(PERMITS));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let permits = permits.clone();
        tasks.spawn(async move {
            for _ in 0..PAIRS {
                let permit = permits.acquire().await.expect("open");
                yield_now().await;
                drop(permit);
            }
        });
    }
    tasks.join_all().await;
    began.elapsed()
}

/// Keys with limits on requests, limits for each user and in total: eight at once, as the semaphore.
async fn pool() -> Duration {
    let limits = PoolLimits { per_user: 4, total: PERMITS as u32, choice: Choice::LeastLoaded };
    let pool = KeyPool::in_memory(limits);
    let provider: Provider = "openai".parse().expect("a name");
    for number in 0..KEYS {
        let key = NewKey {
            concurrency: 8,
            requests_per_minute: Some(50_000_000),
            requests_per_day: [("gpt-4o".to_owned(), 90_000_000)].into(),
            ..NewKey::new(provider.clone(), format!("key-{number}"), Secret::new(json!({})))
        };
        pool.put_key(key).await.expect("a key");
    }
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..TASKS {
        let (pool, provider) = (pool.clone(), provider.clone());
        tasks.spawn(async move {
            let tenant: TenantId = "school".parse().expect("an id");
            let user: UserId = format!("user-{}", number / 2).parse().expect("an id");
            let options = AcquireOptions { model: Some("gpt-4o".to_owned()), ..AcquireOptions::default() };
            for _ in 0..PAIRS {
                let lease = pool.acquire(&provider, &tenant, &user, &options).await.expect("a lease");
                yield_now().await;
                drop(lease);
            }
        });
    }
    tasks.join_all().await;
    began.elapsed()
}
