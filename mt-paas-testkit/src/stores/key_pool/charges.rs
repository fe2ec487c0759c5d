//! A lease that makes several requests.

use std::time::Duration;

use mt_paas_core::key_pool::{NewKey, PoolError, WaitReason};

use super::busy::busy;
use super::ground::Ground;
use super::wish::{LONG, Wish, id, key, put, until, used, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("charges", false:
    a_charge_counts_as_a_grant_does,
    a_charge_waits_its_turn,
    a_charge_that_is_given_up_leaves_nothing,
    a_charge_on_a_key_that_is_gone_is_refused,
);

fn five_a_minute() -> NewKey {
    NewKey { requests_per_minute: Some(5), ..key("a", 3) }
}

async fn a_charge_counts_as_a_grant_does(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [five_a_minute()]).await?;
    let lent = Wish::of("u").ask(&pools[0]).await?;
    lent.charge(3, Duration::ZERO).await?;
    lent.charge(0, Duration::ZERO).await?;
    same!(used(&pools[1], "a").await?.requests_this_minute, 4, "the requests of this minute");
    let (reason, next) = busy(lent.charge(2, Duration::ZERO).await, "a sixth request of a minute")?;
    same!((reason, next.is_some()), (WaitReason::Rpm, true), "why, and whether it says until when");
    lent.charge(1, Duration::ZERO).await?;
    busy(Wish::of("u").ask(&pools[1]).await, "another lease's sixth request")?;
    let over = lent.charge(6, LONG).await;
    holds!(matches!(over, Err(PoolError::TooMany { units: 6 })), "six requests at once: {over:?}");
    // What the lease has is not given back with it.
    lent.settle().await?;
    same!(used(&pools[0], "a").await?.requests_this_minute, 5, "the requests of this minute");
    Ok(())
}

async fn a_charge_waits_its_turn(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [five_a_minute()]).await?;
    let lent = Wish::of("u").units(5).ask(&pools[0]).await?;
    let charging = tokio::spawn(async move { lent.charge(4, LONG).await.map(|()| lent) });
    let view = until(&pools[1], "a charge in the queue", |view| view.queue.len() == 1).await?;
    same!(view.queue[0].charges, Some(view.leases[0].generation), "the lease that waits");
    same!(view.queue[0].standing.reason, WaitReason::Rpm, "why");
    ground.pass(Duration::from_secs(50), &pools[..1]).await?;
    holds!(!charging.is_finished(), "a charge was granted ten seconds too early");
    ground.pass(Duration::from_secs(11), &pools[..1]).await?;
    let lent =
        tokio::time::timeout(LONG, charging).await.map_err(|_| Violation::new("a charge waited in vain"))???;
    same!(used(&pools[1], "a").await?.requests_this_minute, 4, "the requests of this minute");
    lent.settle().await?;
    Ok(())
}

async fn a_charge_that_is_given_up_leaves_nothing(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [five_a_minute()]).await?;
    let lent = Wish::of("u").units(5).ask(&pools[0]).await?;
    busy(lent.charge(1, Duration::from_millis(30)).await, "a charge at its deadline")?;
    let stopped = tokio::time::timeout(Duration::from_millis(30), lent.charge(1, LONG)).await;
    holds!(stopped.is_err(), "a charge that has to wait came to {stopped:?}");
    until(&pools[1], "an empty queue", |view| view.queue.is_empty() && view.leases.len() == 1).await?;
    same!(used(&pools[0], "a").await?.requests_this_minute, 5, "the requests of this minute");
    lent.renew().await?;
    lent.settle().await?;
    Ok(())
}

async fn a_charge_on_a_key_that_is_gone_is_refused(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 1)]).await?;
    let lent = Wish::of("u").ask(&pools[0]).await?;
    pools[1].pool().remove_key(id(&pools[1], "a").await?).await?;
    let refused = lent.charge(1, Duration::ZERO).await;
    holds!(matches!(refused, Err(PoolError::KeyGone)), "a charge on a key that is gone: {refused:?}");
    lent.renew().await?;
    lent.settle().await?;
    Ok(())
}
