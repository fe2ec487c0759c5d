//! How waiting ends: at a deadline, by giving up, by the end of the pool.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use mt_paas_core::key_pool::{NewKey, PoolError, WaitReason};

use super::busy::busy;
use super::ground::Ground;
use super::wish::{LONG, Wish, key, put, until, user, view, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("waiting", false:
    at_the_deadline_the_error_says_why_and_until_when,
    whoever_gives_up_leaves_nothing_at_any_point,
    whoever_is_stopped_leaves_nothing,
    options_that_cannot_be_meant_are_refused_by_name,
    a_pool_that_is_closed_serves_nobody,
);

async fn at_the_deadline_the_error_says_why_and_until_when(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let minute = NewKey { requests_per_minute: Some(1), ..key("minute", 5) };
    put(&pools[0], [minute]).await?;
    let soon = Duration::from_millis(40);
    let held = Wish::of("u1").ask(&pools[0]).await?;
    let now = view(&pools[0]).await?.now;
    let (reason, next) = busy(Wish::of("u2").patience(soon).ask(&pools[1]).await, "a second request of a minute")?;
    same!(reason, WaitReason::Rpm, "why");
    let next = next.ok_or_else(|| Violation::new("no next free moment at the deadline"))?;
    holds!(
        next > now && next.since(now) < Duration::from_secs(62),
        "the next free moment is {:?} from now",
        next.since(now)
    );
    put(&pools[0], [key("minute", 1)]).await?;
    let refused = busy(Wish::of("u2").patience(soon).ask(&pools[1]).await, "a second call at once")?;
    same!(refused, (WaitReason::Concurrency, None), "why");
    let refused =
        busy(Wish::of("u2").provider("other").patience(soon).ask(&pools[0]).await, "a key that is not there")?;
    same!(refused, (WaitReason::NoKeyForTenant, None), "why");
    same!(view(&pools[0]).await?.queue.len(), 0, "those who still wait");
    held.settle().await?;
    Ok(())
}

/// The future of a caller is polled a few times and dropped, wherever it is then.
async fn whoever_gives_up_leaves_nothing_at_any_point(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 1)]).await?;
    for round in 0..ground.times(400, 60) {
        let held = match round % 3 {
            0 => None,
            _ => Some(Wish::of("holder").ask(&pools[0]).await?),
        };
        let wish = Wish::of("w").patience(LONG);
        {
            let mut asked = pin!(wish.ask(&pools[round % 2]));
            for _ in 0..round % 7 {
                let polled = std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await;
                if polled.is_ready() {
                    break;
                }
                for _ in 0..round % 5 {
                    tokio::task::yield_now().await;
                }
            }
            if round % 3 == 2 {
                // The key is on its way to it, or with it, when it goes.
                drop(held);
            }
        }
        until(&pools[1], "an end of waiting", |view| {
            view.queue.is_empty() && view.leases.iter().all(|lease| lease.claim.user != user("w"))
        })
        .await?;
    }
    until(&pools[0], "the end of all leases", |view| view.leases.is_empty()).await?;
    Wish::of("u").ask(&pools[1]).await?.settle().await?;
    Ok(())
}

async fn whoever_is_stopped_leaves_nothing(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 2)]).await?;
    let held = Wish::of("holder").ask(&pools[0]).await?;
    let waiting: Vec<_> = (0..40).map(|number| Wish::of(&format!("w{number}")).start(&pools[number % 2])).collect();
    until(&pools[0], "a queue", |view| view.queue.len() == 39).await?;
    drop(waiting);
    let view = until(&pools[1], "an empty queue", |view| view.queue.is_empty() && view.leases.len() == 1).await?;
    same!(view.leases[0].claim.user.to_string(), "holder", "who holds the lease that is left");
    held.settle().await?;
    Ok(())
}

async fn options_that_cannot_be_meant_are_refused_by_name(ground: Ground) -> Result<(), Violation> {
    let [pool, _] = ground.two(wide()).await?;
    put(&pool, [key("a", 1)]).await?;
    let long = "m".repeat(101);
    let wishes = [
        ("ttl", Wish::of("u").ttl(Duration::ZERO)),
        ("ttl", Wish::of("u").ttl(Duration::from_millis(999))),
        ("ttl", Wish::of("u").ttl(Duration::from_secs(86_401))),
        ("ttl", Wish::of("u").ttl(Duration::MAX)),
        ("patience", Wish::of("u").patience(Duration::MAX)),
        ("units", Wish::of("u").units(10_001)),
        ("units", Wish::of("u").units(u32::MAX)),
        ("model", Wish::of("u").model("")),
        ("model", Wish::of("u").model(&long)),
    ];
    for (named, wish) in wishes {
        let got = wish.ask(&pool).await.map(drop);
        let names = matches!(&got, Err(PoolError::InvalidOption { option, .. }) if *option == named);
        holds!(names, "a {named} that cannot be meant came to {got:?}");
    }
    same!(view(&pool).await?.leases.len(), 0, "the leases");
    Wish::of("u").units(0).ask(&pool).await?.settle().await?;
    Ok(())
}

async fn a_pool_that_is_closed_serves_nobody(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 1)]).await?;
    let held = Wish::of("u1").ask(&pools[0]).await?;
    let (waits, _) = Wish::of("u2").queue(&pools[0]).await?;
    pools[0].pool().close();
    let told = tokio::time::timeout(LONG, async {
        let mut waits = waits;
        (&mut waits.0).await
    })
    .await;
    let told = told.map_err(|_| Violation::new("whoever waited at a closed pool was told nothing"))??;
    holds!(matches!(told, Err(PoolError::Closed)), "whoever waited at a closed pool got {:?}", told.map(drop));
    let refused = Wish::of("u3").ask(&pools[0]).await.map(drop);
    holds!(matches!(refused, Err(PoolError::Closed)), "a closed pool answered {refused:?}");
    drop(held);
    Ok(())
}
