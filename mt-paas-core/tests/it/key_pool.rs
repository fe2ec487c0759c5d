//! The pool as its callers see it, in memory and shared.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mt_paas_core::key_pool::{
    AcquireOptions, KeyPool, NewKey, PoolError, PoolLimits, Provider, Standing, Verdict, WaitReason,
};
use mt_paas_core::store::memory::MemoryKeyPool;
use mt_paas_core::{Secret, TenantId, UserId};
use serde_json::json;
use tokio::task::JoinSet;

fn provider() -> Provider {
    "openai".parse().unwrap()
}

fn tenant() -> TenantId {
    "school".parse().unwrap()
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn key(name: &str, concurrency: u32) -> NewKey {
    NewKey { concurrency, ..NewKey::new(provider(), name, Secret::new(json!({"api_key": name}))) }
}

fn wide() -> PoolLimits {
    PoolLimits { per_user: 100, total: 100, ..PoolLimits::default() }
}

fn patience(ms: u64) -> AcquireOptions {
    AcquireOptions { patience: Duration::from_millis(ms), ..AcquireOptions::default() }
}

/// Two pools of one store, or one in memory twice.
fn pairs(limits: PoolLimits) -> Vec<(&'static str, KeyPool, KeyPool)> {
    let alone = KeyPool::in_memory(limits);
    let store = Arc::new(MemoryKeyPool::new());
    vec![
        ("memory", alone.clone(), alone),
        ("shared", KeyPool::shared(limits, store.clone()), KeyPool::shared(limits, store)),
    ]
}

#[tokio::test]
async fn a_key_is_lent_once_and_goes_to_who_waits() {
    for (place, one, other) in pairs(wide()) {
        one.put_key(key("a", 1)).await.unwrap();
        let first = one.acquire(&provider(), &tenant(), &user("u1"), &patience(0)).await.unwrap();
        let refused = other.acquire(&provider(), &tenant(), &user("u2"), &patience(0)).await.unwrap_err();
        assert!(matches!(refused, PoolError::Busy { reason: WaitReason::Concurrency, .. }), "{place}: {refused}");
        let late = other.acquire(&provider(), &tenant(), &user("u2"), &patience(50)).await.unwrap_err();
        assert!(matches!(late, PoolError::Busy { .. }), "{place}: {late}");
        let waits = {
            let other = other.clone();
            tokio::spawn(async move { other.acquire(&provider(), &tenant(), &user("u2"), &patience(5000)).await })
        };
        tokio::time::sleep(Duration::from_millis(30)).await;
        let queue = one.view().await.unwrap().queue;
        assert_eq!(queue.len(), 1, "{place}");
        assert_eq!(first.ticket(), None, "{place}: it was lent at once");
        let generation = first.generation();
        first.settle().await.unwrap();
        let second = waits.await.unwrap().unwrap();
        assert!(second.generation() > generation, "{place}");
        assert_eq!(second.ticket(), Some(queue[0].ticket), "{place}");
        second.charge(3, Duration::ZERO).await.unwrap();
        drop(second);
        tokio::time::sleep(Duration::from_millis(30)).await;
        let view = one.view().await.unwrap();
        assert!(view.leases.is_empty() && view.queue.is_empty(), "{place}: {view:?}");
        assert_eq!(view.keys[0].requests_this_minute, 5, "{place}");
    }
}

#[tokio::test]
async fn many_callers_never_pass_a_limit() {
    for (place, one, other) in pairs(PoolLimits { per_user: 2, total: 5, ..PoolLimits::default() }) {
        for number in 0..3 {
            one.put_key(key(&format!("k{number}"), 2)).await.unwrap();
        }
        let running = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for number in 0..60 {
            let pool = if number % 2 == 0 { one.clone() } else { other.clone() };
            let running = running.clone();
            tasks.spawn(async move {
                let user = user(&format!("u{}", number % 7));
                let lease = pool.acquire(&provider(), &tenant(), &user, &patience(20_000)).await.unwrap();
                assert!(running.fetch_add(1, Ordering::SeqCst) < 5);
                tokio::time::sleep(Duration::from_millis(3)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                lease.settle().await.unwrap();
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap_or_else(|error| panic!("{place}: {error}"));
        }
    }
}

#[tokio::test]
async fn a_refused_call_is_free_and_its_key_rests() {
    for (place, one, other) in pairs(wide()) {
        one.put_key(key("a", 2)).await.unwrap();
        let lease = one.acquire(&provider(), &tenant(), &user("u1"), &patience(0)).await.unwrap();
        lease.report(Verdict::of_status(401, None)).await.unwrap();
        let refused = other.acquire(&provider(), &tenant(), &user("u2"), &patience(0)).await.unwrap_err();
        assert!(
            matches!(refused, PoolError::Busy { reason: WaitReason::Health, next_free: None }),
            "{place}: {refused}"
        );
        let view = other.view().await.unwrap();
        assert_eq!(view.keys[0].requests_this_minute, 0, "{place}");
        other.release_key(view.keys[0].key.id).await.unwrap();
        assert!(other.acquire(&provider(), &tenant(), &user("u2"), &patience(0)).await.is_ok(), "{place}");
    }
}

#[tokio::test]
async fn whoever_stops_waiting_leaves_nothing_behind() {
    for (place, one, other) in pairs(wide()) {
        one.put_key(key("a", 1)).await.unwrap();
        let held = one.acquire(&provider(), &tenant(), &user("u1"), &patience(0)).await.unwrap();
        let mut tasks = JoinSet::new();
        for number in 0..20 {
            let other = other.clone();
            tasks.spawn(async move {
                let user = user(&format!("w{number}"));
                drop(other.acquire(&provider(), &tenant(), &user, &patience(10_000)).await);
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(one.view().await.unwrap().queue.len(), 20, "{place}");
        tasks.shutdown().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(one.view().await.unwrap().queue.len(), 0, "{place}");
        drop(held);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(one.view().await.unwrap().leases.len(), 0, "{place}");
    }
}

/// What somebody is told in the first `listens` of its wait for a lease, with which it then stops.
async fn estimates(pool: &KeyPool, name: &str, listens: Duration) -> Vec<Option<Duration>> {
    let told = Mutex::new(Vec::new());
    let tell = |standing: Standing| told.lock().unwrap().push(standing.estimate);
    let (provider, tenant, user, options) = (provider(), tenant(), user(name), patience(5_000));
    let waits = pool.acquire_and_tell(&provider, &tenant, &user, &options, &tell);
    assert!(tokio::time::timeout(listens, waits).await.is_err(), "{name} waits");
    told.into_inner().unwrap()
}

#[tokio::test]
async fn an_estimate_shrinks_as_time_goes_by_also_when_nothing_happens() {
    for (place, one, other) in pairs(wide()) {
        one.put_key(key("a", 1)).await.unwrap();
        let habit = one.acquire(&provider(), &tenant(), &user("u1"), &patience(0)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(800)).await;
        habit.settle().await.unwrap();
        let _lease = one.acquire(&provider(), &tenant(), &user("u1"), &patience(0)).await.unwrap();
        let told = estimates(&other, "u2", Duration::from_millis(560)).await;
        let [Some(first), Some(second)] = told[..] else { panic!("{place}: {told:?}") };
        assert!(first > Duration::from_millis(700) && first < Duration::from_millis(900), "{place}: {first:?}");
        assert!(second < first - Duration::from_millis(400), "{place}: {first:?}, then {second:?}");
    }
}

#[tokio::test]
async fn whoever_comes_together_with_others_is_told_its_time_soon() {
    for (place, one, other) in pairs(wide()) {
        one.put_key(key("a", 1)).await.unwrap();
        let habit = one.acquire(&provider(), &tenant(), &user("u1"), &patience(0)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        habit.settle().await.unwrap();
        let _lease = one.acquire(&provider(), &tenant(), &user("u1"), &patience(0)).await.unwrap();
        let mut waiters = JoinSet::new();
        for number in 0..20 {
            let other = other.clone();
            let listens = Duration::from_millis(300);
            waiters.spawn(async move { estimates(&other, &format!("w{number}"), listens).await });
        }
        for told in waiters.join_all().await {
            assert!(told.iter().any(Option::is_some), "{place}: {told:?}");
        }
    }
}
