//! The pool while its store fails, and its callers while they end in every way.

mod chance;
mod ends;
mod faulty_store;
mod judge;
mod outage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mt_paas_core::key_pool::{AcquireOptions, KeyPool, Lease, NewKey, PoolError, PoolLimits, Provider};
use mt_paas_core::store::memory::MemoryKeyPool;
use mt_paas_core::{Secret, TenantId, UserId};
use serde_json::json;
use tokio::task::JoinSet;

use self::chance::Chance;
use self::faulty_store::{FAULTS, Fault, FaultyStore};
use self::judge::Judge;

/// How many runs there are of each pattern of faults.
const RUNS: u64 = 40;
const CALLERS: u64 = 12;
const CAP: u32 = 2;
/// Nothing takes so long, however busy the machine is.
const FOREVER: Duration = Duration::from_secs(60);

fn provider() -> Provider {
    "openai".parse().unwrap()
}

fn tenant() -> TenantId {
    "school".parse().unwrap()
}

fn user(number: u64) -> UserId {
    format!("u{number}").parse().unwrap()
}

fn key(name: &str, concurrency: u32) -> NewKey {
    NewKey { concurrency, ..NewKey::new(provider(), name, Secret::new(json!({}))) }
}

fn wide() -> PoolLimits {
    PoolLimits { per_user: 100, total: 100, ..PoolLimits::default() }
}

fn options(patience: Duration, ttl: Duration) -> AcquireOptions {
    AcquireOptions { patience, ttl, ..AcquireOptions::default() }
}

async fn acquire(pool: &KeyPool, number: u64, patience: Duration) -> Result<Lease, PoolError> {
    pool.acquire(&provider(), &tenant(), &user(number), &options(patience, FOREVER)).await
}

/// Looks until nothing is lent and nobody waits.
async fn comes_to_rest(pool: &KeyPool) -> Result<(), String> {
    let mut last = String::new();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(8) {
        match pool.view().await {
            Ok(view) if view.leases.is_empty() && view.queue.is_empty() => {
                let held = view.keys.iter().map(|key| key.held).sum::<u32>();
                return if held == 0 { Ok(()) } else { Err(format!("{held} calls are counted that nobody makes")) };
            }
            Ok(view) => last = format!("left are {:?} and {:?}", view.leases, view.queue),
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(last)
}

/// One life of a pool with two members, of which each has a bad line.
async fn run(seed: u64, kinds: &'static [Fault]) -> Result<bool, String> {
    let list = MemoryKeyPool::new();
    let lines: Vec<Arc<FaultyStore>> =
        (0..2).map(|line| Arc::new(FaultyStore::new(list.clone(), seed * 2 + line, kinds, 4, 12))).collect();
    let limits = PoolLimits { per_user: 2, total: 3, ..PoolLimits::default() };
    let onlooker = KeyPool::shared(limits, Arc::new(list));
    for name in ["a", "b"] {
        onlooker.put_key(key(name, CAP)).await.map_err(|error| error.to_string())?;
    }
    let judge = Arc::new(Judge::default());
    let mut callers = JoinSet::new();
    let pools: Vec<KeyPool> = lines.iter().map(|line| KeyPool::shared(limits, line.clone())).collect();
    for number in 0..CALLERS {
        let (pool, judge) = (pools[number as usize % 2].clone(), judge.clone());
        callers.spawn(call(pool, judge, Chance(seed * CALLERS + number)));
    }
    let mut fault = None;
    while let Some(ended) = callers.join_next().await {
        fault = fault.or(ended.map_err(|error| error.to_string()).flatten().err());
    }
    fault.map_or(Ok(()), Err)?;
    comes_to_rest(&onlooker).await?;
    Ok(lines.iter().any(|line| line.failed.load(std::sync::atomic::Ordering::Relaxed)))
}

/// A caller that comes a few times and ends each time in another way.
async fn call(pool: KeyPool, judge: Arc<Judge>, mut chance: Chance) -> Result<(), String> {
    for _ in 0..3 {
        let patience = match chance.below(4) {
            0 => Duration::ZERO,
            1 => Duration::from_millis(20),
            _ => FOREVER * 10,
        };
        let number = chance.below(CALLERS);
        let acquires = acquire(&pool, number, patience);
        let got = if chance.one_in(4) {
            // Whoever stops listening at some moment.
            match tokio::time::timeout(Duration::from_millis(chance.below(80)), acquires).await {
                Ok(got) => got,
                Err(_) => continue,
            }
        } else {
            tokio::time::timeout(FOREVER, acquires).await.map_err(|_| "a caller hangs")?
        };
        let lease = match got {
            Ok(lease) => lease,
            Err(PoolError::Store(_)) => continue,
            Err(PoolError::Busy { .. }) if patience < FOREVER => continue,
            Err(error) => return Err(format!("a caller got: {error}")),
        };
        let call = judge.begins(&lease, CAP)?;
        tokio::time::sleep(Duration::from_millis(chance.below(4))).await;
        if chance.one_in(3) {
            match lease.charge(1, Duration::ZERO).await {
                Ok(()) | Err(PoolError::Store(_)) => (),
                Err(error) => return Err(format!("a holder got: {error}")),
            }
        }
        drop(call);
        match chance.below(2) {
            0 => drop(lease),
            _ => match lease.settle().await {
                Ok(()) | Err(PoolError::Store(_)) => (),
                Err(error) => return Err(format!("whoever gave back got: {error}")),
            },
        }
    }
    Ok(())
}

/// All runs of a pattern side by side, because most of their time is pauses.
async fn survives(kinds: &'static [Fault]) {
    let mut runs = JoinSet::new();
    for seed in 0..RUNS {
        runs.spawn(async move { (seed, run(seed, kinds).await) });
    }
    let mut failed = 0;
    while let Some(ended) = runs.join_next().await {
        let (seed, outcome) = ended.unwrap();
        match outcome {
            Ok(happened) => failed += u64::from(happened),
            Err(fault) => panic!("seed {seed}, {kinds:?}: {fault}"),
        }
    }
    assert!(failed > RUNS / 2, "the store failed in {failed} runs only");
}

#[tokio::test]
async fn a_store_that_is_away_for_a_while_loses_nothing() {
    survives(&[Fault::Away]).await;
}

#[tokio::test]
async fn an_entry_that_was_not_appended_is_made_again_or_told() {
    survives(&[Fault::NotAppended]).await;
}

#[tokio::test]
async fn an_entry_whose_answer_was_lost_is_found() {
    survives(&[Fault::Unheard]).await;
}

#[tokio::test]
async fn an_entry_that_comes_late_is_found() {
    survives(&[Fault::Late]).await;
}

#[tokio::test]
async fn who_is_outrun_begins_anew() {
    survives(&[Fault::Outrun, Fault::LetsOthersIn]).await;
}

#[tokio::test]
async fn all_faults_together_lose_nothing() {
    survives(&FAULTS).await;
}
