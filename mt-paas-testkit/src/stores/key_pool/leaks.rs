//! However a call ends, it holds nothing afterwards; and a refusal costs nothing.

use std::sync::Arc;
use std::time::Duration;

use mt_paas_core::key_pool::{NewKey, PoolError, PoolLimits, Verdict, WaitReason};
use tokio::task::JoinSet;

use super::ground::Ground;
use super::lender::{Lender, Lent};
use super::wish::{LONG, Wish, key, put, until, used, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("leaks", false:
    r9_nothing_is_held_after_calls_of_every_end,
    r10_refusals_are_free,
);

/// A call to a provider that comes to an end of every kind.
async fn call(pool: Arc<dyn Lender>, number: usize) -> Result<(), PoolError> {
    let lent = Wish::of(&format!("u{}", number % 50)).patience(LONG).ask(&pool).await?;
    tokio::task::yield_now().await;
    match number % ENDS {
        0 => lent.settle().await,
        // An answer of 502: an error that the caller passes on.
        1 => lent.report(Verdict::of_status(502, None)).await.and(Err(PoolError::Closed)),
        // As a panic does, without its message.
        2 => std::panic::resume_unwind(Box::new(lent)),
        // The caller hangs up before the first byte has come.
        HANGS_UP => std::future::pending().await,
        4 => {
            drop(tokio::time::timeout(Duration::from_micros(50), cut(&*lent)).await);
            Ok(())
        }
        // No answer in time.
        5 => {
            drop(tokio::time::timeout(Duration::from_micros(50), std::future::pending::<()>()).await);
            Err(PoolError::Closed)
        }
        _ => Ok(()),
    }
}

/// Ends of calls, and the one that its caller makes.
const ENDS: usize = 7;
const HANGS_UP: usize = 3;

/// A stream that is cut in the middle.
async fn cut(lent: &dyn Lent) -> Result<(), PoolError> {
    loop {
        lent.charge(1, LONG).await?;
        tokio::task::yield_now().await;
    }
}

/// R9.
async fn r9_nothing_is_held_after_calls_of_every_end(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(PoolLimits { per_user: 3, total: 40, ..PoolLimits::default() }).await?;
    put(&pools[0], [key("a", 24), key("b", 24)]).await?;
    let mut running = JoinSet::new();
    let mut hung = Vec::new();
    for number in 0..ground.times(10_000, 3_000) {
        let handle = running.spawn(call(pools[number % 2].clone(), number));
        if number % ENDS == HANGS_UP {
            hung.push(handle);
        }
        if hung.len() >= 6 {
            tokio::task::yield_now().await;
            hung.drain(..).for_each(|handle| handle.abort());
        }
        while running.len() >= 200 {
            came_to_its_turn(running.join_next().await)?;
        }
    }
    hung.drain(..).for_each(|handle| handle.abort());
    while let Some(ended) = running.join_next().await {
        came_to_its_turn(Some(ended))?;
    }
    let began = tokio::time::Instant::now();
    let nothing = |view: &mt_paas_core::key_pool::PoolView| {
        view.leases.is_empty() && view.queue.is_empty() && view.keys.iter().all(|key| key.held == 0)
    };
    for pool in &pools {
        until(pool, "an end of all that was held", nothing).await?;
    }
    let took = began.elapsed();
    holds!(took < Duration::from_secs(1), "it took {took:?} until nothing was held");
    Ok(())
}

/// Panics and stopped calls are as they should be.
fn came_to_its_turn(ended: Option<Result<Result<(), PoolError>, tokio::task::JoinError>>) -> Result<(), Violation> {
    match ended {
        Some(Ok(Err(PoolError::Closed) | Ok(()))) | Some(Err(_)) | None => Ok(()),
        Some(Ok(Err(error))) => {
            Err(Violation::new(format!("a call got nothing, for others hold what has ended: {error}")))
        }
    }
}

/// R10.
async fn r10_refusals_are_free(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let daily = [("gpt".to_owned(), 1_000)].into();
    put(&pools[0], [NewKey { requests_per_minute: Some(1_000), requests_per_day: daily, ..key("a", 1) }]).await?;
    let held = Wish::of("holder").model("gpt").ask(&pools[0]).await?;
    let mut asked = JoinSet::new();
    for number in 0..ground.times(10_000, 3_000) {
        let (pool, wish) = (pools[number % 2].clone(), Wish::of(&format!("u{}", number % 9)).model("gpt"));
        asked.spawn(async move { wish.ask(&pool).await.map(drop) });
        while asked.len() >= 200 {
            refused(asked.join_next().await)?;
        }
    }
    while let Some(got) = asked.join_next().await {
        refused(Some(got))?;
    }
    for pool in &pools {
        let used = used(pool, "a").await?;
        same!(used.requests_this_minute, 1, "the requests of this minute");
        same!(used.requests_today, vec![("gpt".to_owned(), 1)], "the requests of today");
        same!(used.held, 1, "the calls that run");
    }
    held.settle().await?;
    Ok(())
}

fn refused(got: Option<Result<Result<(), PoolError>, tokio::task::JoinError>>) -> Result<(), Violation> {
    match got.transpose()? {
        None | Some(Err(PoolError::Busy { reason: WaitReason::Concurrency, .. })) => Ok(()),
        Some(other) => Err(Violation::new(format!("a second call where one may be came to {other:?}"))),
    }
}
