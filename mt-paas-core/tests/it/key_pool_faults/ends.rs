//! Calls that end in every way, and calls that never begin.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use mt_paas_core::key_pool::{AcquireOptions, KeyPool, NewKey, PoolError, PoolLimits, Verdict, WaitReason};
use mt_paas_core::store::memory::MemoryKeyPool;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout};

use super::{FOREVER, acquire, key, provider, tenant, user, wide};

const CALLS: u64 = 10_000;
const AT_ONCE: usize = 50;

fn pools(limits: PoolLimits) -> [(&'static str, KeyPool); 2] {
    let shared = KeyPool::shared(limits, Arc::new(MemoryKeyPool::new()));
    [("memory", KeyPool::in_memory(limits)), ("shared", shared)]
}

/// A call with the key that ends in its own way.
async fn call(pool: KeyPool, number: u64) -> Result<(), PoolError> {
    match number % 6 {
        0 => acquire(&pool, number, FOREVER).await?.settle().await,
        // An error is passed on.
        1 => {
            let lease = acquire(&pool, number, FOREVER).await?;
            lease.report(Verdict::of_status(502, None)).await?;
            Err(PoolError::TooMany { units: 0 })
        }
        2 => {
            let _lease = acquire(&pool, number, FOREVER).await?;
            // As a panic does, without a line on the screen.
            resume_unwind(Box::new("by plan"))
        }
        // Whoever asked leaves before it is served.
        3 => {
            let mut acquires = Box::pin(acquire(&pool, number, FOREVER));
            tokio::select! {
                biased;
                got = &mut acquires => got.map(drop),
                () = yield_now() => Ok(()),
            }
        }
        // It is cut in the middle.
        4 => {
            let runs = async {
                let _lease = acquire(&pool, number, FOREVER).await?;
                std::future::pending().await
            };
            timeout(Duration::from_millis(1), runs).await.unwrap_or(Ok(()))
        }
        // It leaves while it gives back.
        _ => {
            let lease = acquire(&pool, number, FOREVER).await?;
            tokio::select! {
                biased;
                settled = lease.settle() => settled,
                () = yield_now() => Ok(()),
            }
        }
    }
}

#[tokio::test]
async fn however_calls_end_nothing_stays_in_flight() {
    for (place, pool) in pools(wide()) {
        pool.put_key(key("a", 8)).await.unwrap();
        let mut calls = JoinSet::new();
        let mut ended = [0_u64; 3];
        let mut note = |end: Result<Result<(), PoolError>, tokio::task::JoinError>| match end {
            Ok(Ok(())) => ended[0] += 1,
            Ok(Err(PoolError::TooMany { .. })) => ended[1] += 1,
            Err(error) if error.is_panic() => ended[2] += 1,
            other => panic!("{place}: {other:?}"),
        };
        for number in 0..CALLS {
            calls.spawn(call(pool.clone(), number));
            if calls.len() >= AT_ONCE {
                calls.join_next().await.map(&mut note);
            }
        }
        while let Some(end) = calls.join_next().await {
            note(end);
        }
        assert_eq!(ended.iter().sum::<u64>(), CALLS, "{place}");
        let planned = |rest| (0..CALLS).filter(|number| number % 6 == rest).count() as u64;
        assert_eq!(ended[1..], [planned(1), planned(2)], "{place}");
        // A second at the most.
        let mut looks = 0;
        loop {
            let view = pool.view().await.unwrap();
            if view.leases.is_empty() && view.queue.is_empty() {
                assert_eq!(view.keys[0].held, 0, "{place}");
                break;
            }
            looks += 1;
            assert!(looks < 50, "{place}: {view:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn refusals_cost_nothing() {
    for (place, pool) in pools(wide()) {
        let limited = NewKey {
            requests_per_minute: Some(20_000),
            requests_per_day: [("m".to_owned(), 20_000)].into(),
            ..key("a", 1)
        };
        pool.put_key(limited).await.unwrap();
        let at_once =
            AcquireOptions { patience: Duration::ZERO, model: Some("m".to_owned()), ..AcquireOptions::default() };
        let held = pool.acquire(&provider(), &tenant(), &user(0), &at_once).await.unwrap();
        for number in 1..=CALLS {
            let refused = pool.acquire(&provider(), &tenant(), &user(number), &at_once).await;
            let why = refused.err().unwrap_or_else(|| panic!("{place}: a key that allows one call was lent twice"));
            assert!(matches!(why, PoolError::Busy { reason: WaitReason::Concurrency, .. }), "{place}: {why}");
        }
        let view = pool.view().await.unwrap();
        // One: that of the call that runs.
        assert_eq!(view.keys[0].requests_this_minute, 1, "{place}");
        assert_eq!(view.keys[0].requests_today, [("m".to_owned(), 1)], "{place}");
        assert_eq!((view.leases.len(), view.queue.len()), (1, 0), "{place}");
        held.settle().await.unwrap();
    }
}
