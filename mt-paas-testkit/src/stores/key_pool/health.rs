//! What providers say of their keys.

use std::time::Duration;

use mt_paas_core::Secret;
use mt_paas_core::key_pool::{Complaint, Health, NewKey, Verdict, WaitReason};
use serde_json::json;

use super::busy::busy;
use super::ground::Ground;
use super::wish::{DAY, Wish, id, key, put, used, view, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("health", false:
    a_refused_key_is_quarantined_until_somebody_releases_it,
    a_key_without_credit_rests_long,
    a_slowed_key_rests_as_long_as_its_provider_says,
    a_refused_call_counts_for_no_limit,
    other_answers_say_nothing_of_the_key,
    another_secret_heals_and_another_limit_does_not,
    a_resting_key_leaves_the_others_to_work,
);

async fn a_refused_key_is_quarantined_until_somebody_releases_it(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 3)]).await?;
    let a = id(&pools[0], "a").await?;
    for status in [401, 403] {
        let lent = Wish::of("u").ask(&pools[0]).await?;
        lent.report(Verdict::of_status(status, None)).await?;
        lent.settle().await?;
        let refused = busy(Wish::of("u").ask(&pools[1]).await, "a quarantined key")?;
        same!(refused, (WaitReason::Health, None), "why after {status}");
        let health = used(&pools[1], "a").await?.key.health;
        let why = matches!(health, Health::Quarantined { reason: Complaint::Unauthorized, .. });
        holds!(why, "after {status} an administrator sees {health:?}");
        // A slow-down that was on its way does not end it, and time does not either.
        ground.pass(DAY * 3, &pools).await?;
        busy(Wish::of("u").ask(&pools[0]).await, "a key that is quarantined for three days")?;
        let (waits, _) = Wish::of("w").queue(&pools[0]).await?;
        pools[1].pool().release_key(a).await?;
        waits.got().await?.settle().await?;
    }
    Ok(())
}

async fn a_key_without_credit_rests_long(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 3)]).await?;
    let (one, other) = (Wish::of("u").ask(&pools[0]).await?, Wish::of("u").ask(&pools[1]).await?);
    one.report(Verdict::of_status(402, None)).await?;
    // What it says after that is not worse.
    other.report(Verdict::of_status(429, Some(Duration::from_secs(5)))).await?;
    let now = view(&pools[1]).await?.now;
    let (reason, next) = busy(Wish::of("u").ask(&pools[1]).await, "a key without credit")?;
    same!(reason, WaitReason::Health, "why");
    let rest = next.map(|next| next.since(now)).unwrap_or_default();
    holds!(rest > Duration::from_secs(600), "a key without credit rests for {rest:?}");
    ground.pass(rest + Duration::from_secs(1), &pools).await?;
    Wish::of("u").ask(&pools[1]).await?.settle().await?;
    Ok(())
}

async fn a_slowed_key_rests_as_long_as_its_provider_says(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 3)]).await?;
    for (pause, least, most) in [(Some(7), 7, 7), (Some(0), 0, 0), (None, 5, 120), (Some(90), 90, 90)] {
        let lent = Wish::of("u").ask(&pools[0]).await?;
        let before = view(&pools[0]).await?.now;
        lent.report(Verdict::of_status(429, pause.map(Duration::from_secs))).await?;
        let after = view(&pools[0]).await?.now;
        lent.settle().await?;
        if most == 0 {
            continue;
        }
        let (reason, next) = busy(Wish::of("u").ask(&pools[1]).await, "a key that was slowed down")?;
        same!(reason, WaitReason::Health, "why");
        let next = next.ok_or_else(|| Violation::new("a slowed key has no next free moment"))?;
        let within = next >= before + Duration::from_secs(least) && next <= after + Duration::from_secs(most);
        holds!(within, "asked for {pause:?} s it rests {:?}", next.since(before));
        let (waits, _) = Wish::of("w").queue(&pools[0]).await?;
        let now = view(&pools[0]).await?.now;
        ground.pass(next.since(now) + Duration::from_millis(1), &pools).await?;
        waits.got().await?.settle().await?;
    }
    Ok(())
}

async fn a_refused_call_counts_for_no_limit(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let daily = [("gpt".to_owned(), 10)].into();
    put(&pools[0], [NewKey { requests_per_minute: Some(10), requests_per_day: daily, ..key("a", 3) }]).await?;
    let a = id(&pools[0], "a").await?;
    let lent = Wish::of("u").model("gpt").units(2).ask(&pools[0]).await?;
    lent.charge(3, Duration::ZERO).await?;
    for (status, left) in [(429, 2), (429, 2), (200, 2)] {
        lent.report(Verdict::of_status(status, Some(Duration::ZERO))).await?;
        let used = used(&pools[1], "a").await?;
        same!(used.requests_this_minute, left, "the requests of this minute after {status}");
        same!(used.requests_today, vec![("gpt".to_owned(), left as u32)], "the requests of today after {status}");
    }
    lent.settle().await?;
    pools[1].pool().release_key(a).await?;
    // What came back can be used again, to the last.
    Wish::of("u").model("gpt").units(8).ask(&pools[1]).await?.settle().await?;
    busy(Wish::of("u").model("gpt").ask(&pools[0]).await, "an eleventh request")?;
    Ok(())
}

async fn other_answers_say_nothing_of_the_key(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 1)]).await?;
    for status in [200, 400, 404, 408, 409, 422, 500, 502, 503, 504] {
        let lent = Wish::of("u").ask(&pools[0]).await?;
        lent.report(Verdict::of_status(status, Some(Duration::from_secs(9)))).await?;
        lent.settle().await?;
        same!(used(&pools[0], "a").await?.key.health, Health::Well, "the health after {status}");
    }
    same!(used(&pools[1], "a").await?.requests_this_minute, 10, "the requests, which count");
    Ok(())
}

async fn another_secret_heals_and_another_limit_does_not(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 1)]).await?;
    let lent = Wish::of("u").ask(&pools[0]).await?;
    lent.report(Verdict::of_status(401, None)).await?;
    lent.settle().await?;
    put(&pools[1], [NewKey { priority: 4, ..key("a", 2) }]).await?;
    let refused = busy(Wish::of("u").ask(&pools[0]).await, "a quarantined key with another limit")?;
    same!(refused.0, WaitReason::Health, "why");
    put(&pools[0], [NewKey { payload: Secret::new(json!({"new": 1})), ..key("a", 2) }]).await?;
    Wish::of("u").ask(&pools[1]).await?.settle().await?;
    Ok(())
}

async fn a_resting_key_leaves_the_others_to_work(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [NewKey { priority: 9, ..key("a", 1) }, key("b", 1)]).await?;
    let lent = Wish::of("u").ask(&pools[0]).await?;
    same!(super::busy::name(&*lent), "a", "the key");
    lent.report(Verdict::of_status(429, Some(Duration::from_secs(60)))).await?;
    lent.settle().await?;
    let lent = Wish::of("u").ask(&pools[1]).await?;
    same!(super::busy::name(&*lent), "b", "the key");
    let refused = busy(Wish::of("u").ask(&pools[0]).await, "where one key rests and the other is in use")?;
    same!(refused.0, WaitReason::Concurrency, "why");
    Ok(())
}
