//! What holders and waiters see of a store that goes away and comes back.

use std::sync::Arc;
use std::time::Duration;

use mt_paas_core::key_pool::{KeyPool, PoolError};
use mt_paas_core::store::memory::MemoryKeyPool;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::faulty_store::{Fault, FaultyStore};
use super::{FOREVER, acquire, key, options, provider, tenant, user, wide};

const SOON: Duration = Duration::from_millis(20);

/// A pool on a line that is good so far, one on a line that stays good, and one key that allows one call.
async fn two() -> (Arc<FaultyStore>, KeyPool, KeyPool) {
    let list = MemoryKeyPool::new();
    let line = Arc::new(FaultyStore::good(list.clone()));
    let (one, other) = (KeyPool::shared(wide(), line.clone()), KeyPool::shared(wide(), Arc::new(list)));
    other.put_key(key("a", 1)).await.unwrap();
    (line, one, other)
}

async fn until_waiting(pool: &KeyPool, count: usize) {
    while pool.view().await.unwrap().queue.len() != count {
        sleep(SOON).await;
    }
}

/// Neither a store that cannot be reached nor one that reads and does not write, as with a full disk, renews anything.
#[tokio::test]
async fn a_lease_that_could_not_be_renewed_says_so_and_is_refused_from_then_on() {
    for fault in [Fault::Away, Fault::NotAppended] {
        let (line, one, other) = two().await;
        let short = options(Duration::ZERO, Duration::from_secs(1));
        let first = one.acquire(&provider(), &tenant(), &user(1), &short).await.unwrap();
        line.fails(fault, usize::MAX);
        let second = timeout(FOREVER, acquire(&other, 2, FOREVER)).await.unwrap().unwrap();
        // The two processes' notions of the store's time may differ by its answer's way.
        sleep(Duration::from_millis(10)).await;
        assert!(!first.is_live(), "{fault:?}: it looks live while somebody else has the key");
        timeout(FOREVER, first.lost()).await.unwrap_or_else(|_| panic!("{fault:?}: the loss was not told"));
        line.heals();
        let refused = loop {
            match first.renew().await {
                Err(PoolError::Store(_)) => sleep(SOON).await,
                ended => break ended,
            }
        };
        assert!(matches!(refused, Err(PoolError::LeaseEnded)), "{fault:?}: {refused:?}");
        let refused = first.charge(1, Duration::ZERO).await;
        assert!(matches!(refused, Err(PoolError::LeaseEnded)), "{fault:?}: {refused:?}");
        let refused = first.settle().await;
        assert!(matches!(refused, Err(PoolError::LeaseEnded)), "{fault:?}: {refused:?}");
        second.settle().await.unwrap();
    }
}

/// The others take a process for silent whose line is bad for more than two seconds. Its waiters ask again by themselves.
#[tokio::test]
async fn waiters_keep_their_order_over_an_outage() {
    let (line, one, other) = two().await;
    let held = acquire(&other, 0, Duration::ZERO).await.unwrap();
    let (served, mut order) = mpsc::unbounded_channel();
    for number in 1..=3 {
        let (pool, served) = (one.clone(), served.clone());
        tokio::spawn(async move {
            let lease = acquire(&pool, number, FOREVER * 10).await.unwrap();
            served.send(number).unwrap();
            lease.settle().await.unwrap();
        });
        until_waiting(&other, number as usize).await;
    }
    line.fails(Fault::Away, usize::MAX);
    until_waiting(&other, 0).await;
    line.heals();
    until_waiting(&other, 3).await;
    drop(held);
    for number in 1..=3 {
        assert_eq!(timeout(FOREVER, order.recv()).await.unwrap(), Some(number));
    }
}

/// The turn in which a process takes up what its waiter was offered fails; nobody asks for anything meanwhile. The waiter
/// gets just that lease, and does not have to ask again.
#[tokio::test]
async fn an_offer_arrives_although_the_turn_that_takes_it_up_fails() {
    for fault in [Fault::Away, Fault::NotAppended, Fault::Unheard, Fault::Outrun, Fault::LetsOthersIn] {
        let (line, one, other) = two().await;
        let held = acquire(&other, 0, Duration::ZERO).await.unwrap();
        let waits = tokio::spawn(async move { acquire(&one, 1, FOREVER * 10).await });
        until_waiting(&other, 1).await;
        line.fails(fault, 1);
        let offered = held.generation().0 + 1;
        held.settle().await.unwrap();
        let got = timeout(FOREVER, waits).await.unwrap_or_else(|_| panic!("{fault:?}: the waiter hangs"));
        assert_eq!(got.unwrap().unwrap().generation().0, offered, "{fault:?}");
        assert_eq!(line.still_fails(), 0, "{fault:?}");
    }
}

/// In a time that goes on as soon as everybody waits for it.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_given_up_and_used_again() {
    for fault in [Fault::HangsAtFirst, Fault::HangsBefore, Fault::HangsAfter] {
        let (line, one, other) = two().await;
        let held = acquire(&one, 0, Duration::ZERO).await.unwrap();
        let waits = tokio::spawn({
            let one = one.clone();
            async move { acquire(&one, 1, FOREVER * 10).await }
        });
        until_waiting(&other, 1).await;
        line.fails(fault, 1);
        // Whoever asks is told, and nothing that it asked for is kept.
        let told = timeout(FOREVER, acquire(&one, 2, FOREVER * 10)).await;
        let told = told.unwrap_or_else(|_| panic!("{fault:?}: a caller hangs"));
        let Err(PoolError::Store(why)) = told else { panic!("{fault:?}: {told:?}") };
        let why = std::error::Error::source(&*why).map(ToString::to_string).unwrap_or_default();
        assert!(why.contains("20 seconds"), "{fault:?}: {why}");
        assert_eq!(line.still_fails(), 0, "{fault:?}");
        // The same pool goes on with all it had.
        until_waiting(&other, 1).await;
        held.settle().await.unwrap();
        let got = timeout(FOREVER, waits).await.unwrap_or_else(|_| panic!("{fault:?}: the waiter hangs"));
        got.unwrap().unwrap().settle().await.unwrap();
        let view = other.view().await.unwrap();
        assert!(view.leases.is_empty() && view.queue.is_empty(), "{fault:?}: {view:?}");
    }
}
