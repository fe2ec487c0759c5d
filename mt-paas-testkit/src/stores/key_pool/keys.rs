//! Keys that are added, changed and removed while they are used.

use std::time::Duration;

use mt_paas_core::Secret;
use mt_paas_core::key_pool::{KeyId, KeyRefused, KeySpec, NewKey, PoolError, TenantScope, WaitReason};
use serde_json::{Value, json};

use super::busy::busy;
use super::ground::Ground;
use super::wish::{Wish, id, key, named, put, tenant, until, used, view, wide};
use crate::stores::Violation;
use crate::stores::violation::{holds, same};

super::tests!("keys", false:
    a_key_serves_the_tenants_of_its_scope,
    a_key_is_not_lent_after_its_end_or_while_it_is_off,
    whoever_waits_gets_a_key_that_is_added_or_changed,
    a_key_that_is_removed_while_held_is_lent_no_more,
    a_key_that_comes_back_has_another_number,
    a_lower_limit_ends_no_call,
    keys_that_cannot_be_meant_are_refused_by_name,
    a_key_reads_back_as_it_was_put,
);

async fn a_key_serves_the_tenants_of_its_scope(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let scope = TenantScope::Only([tenant("school"), tenant("lab")].into());
    put(&pools[0], [NewKey { scope, ..key("a", 9) }]).await?;
    for served in ["school", "lab"] {
        Wish::of("u").tenant(served).ask(&pools[1]).await?.settle().await?;
    }
    for other in ["schoo", "school2", "la", "SCHOOL"] {
        let refused = busy(Wish::of("u").tenant(other).ask(&pools[1]).await, other)?;
        same!(refused, (WaitReason::NoKeyForTenant, None), "why for {other}");
    }
    let refused = busy(Wish::of("u").provider("OpenAI").ask(&pools[0]).await, "a provider in other letters")?;
    same!(refused.0, WaitReason::NoKeyForTenant, "why");
    Ok(())
}

async fn a_key_is_not_lent_after_its_end_or_while_it_is_off(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let now = view(&pools[0]).await?.now;
    put(&pools[0], [NewKey { expires_at: Some(now + Duration::from_secs(1_000)), ..key("a", 9) }]).await?;
    let held = Wish::of("u").ask(&pools[0]).await?;
    ground.pass(Duration::from_secs(900), &pools).await?;
    Wish::of("u").ask(&pools[1]).await?.settle().await?;
    ground.pass(Duration::from_secs(101), &pools).await?;
    let refused = busy(Wish::of("u").ask(&pools[1]).await, "a key after its end")?;
    same!(refused.0, WaitReason::NoKeyForTenant, "why");
    held.renew().await?;
    put(&pools[0], [key("b", 1)]).await?;
    let b = id(&pools[0], "b").await?;
    pools[0].pool().set_key_active(b, false).await?;
    busy(Wish::of("u").ask(&pools[1]).await, "a key that is off")?;
    pools[1].pool().set_key_active(b, true).await?;
    Wish::of("u").ask(&pools[0]).await?.settle().await?;
    Ok(())
}

async fn whoever_waits_gets_a_key_that_is_added_or_changed(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let (waits, _) = Wish::of("w1").queue(&pools[0]).await?;
    put(&pools[1], [key("a", 1)]).await?;
    let _first = waits.got().await?;
    let (waits, _) = Wish::of("w2").queue(&pools[1]).await?;
    put(&pools[0], [key("a", 2)]).await?;
    let _second = waits.got().await?;
    let (waits, _) = Wish::of("w3").queue(&pools[0]).await?;
    put(&pools[1], [NewKey { active: false, ..key("b", 2) }]).await?;
    holds!(!waits.is_over(), "a key that is off was lent");
    let b = id(&pools[0], "b").await?;
    pools[1].pool().set_key_active(b, true).await?;
    waits.got().await?.settle().await?;
    Ok(())
}

async fn a_key_that_is_removed_while_held_is_lent_no_more(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 2)]).await?;
    let a = id(&pools[0], "a").await?;
    let held = Wish::of("u").ask(&pools[0]).await?;
    pools[1].pool().remove_key(a).await?;
    busy(Wish::of("u").ask(&pools[0]).await, "a key that was removed")?;
    held.renew().await?;
    same!(view(&pools[1]).await?.leases.len(), 1, "the leases, which run on");
    let again = pools[0].pool().remove_key(a).await;
    holds!(matches!(again, Err(PoolError::KeyRefused(KeyRefused::Unknown(_)))), "a key was removed twice: {again:?}");
    held.settle().await?;
    Ok(())
}

async fn a_key_that_comes_back_has_another_number(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let mut last = KeyId(0);
    for round in 0..4 {
        put(&pools[round % 2], [key("a", 1)]).await?;
        let a = id(&pools[0], "a").await?;
        holds!(a > last, "key {a} came after {last}");
        last = a;
        let held = Wish::of("u").ask(&pools[0]).await?;
        pools[1].pool().remove_key(a).await?;
        held.settle().await?;
    }
    Ok(())
}

async fn a_lower_limit_ends_no_call(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [key("a", 3)]).await?;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(Wish::of("u").ask(&pools[0]).await?);
    }
    put(&pools[1], [key("a", 1)]).await?;
    for lent in held.drain(..2) {
        lent.settle().await?;
        busy(Wish::of("u").ask(&pools[1]).await, "a call beside the one that is allowed")?;
    }
    same!(used(&pools[0], "a").await?.held, 1, "the calls that run");
    held.remove(0).settle().await?;
    Wish::of("u").ask(&pools[1]).await?.settle().await?;
    Ok(())
}

async fn keys_that_cannot_be_meant_are_refused_by_name(ground: Ground) -> Result<(), Violation> {
    let [pool, _] = ground.two(wide()).await?;
    let day = |limit| [("gpt".to_owned(), limit)].into();
    let specs = [
        ("concurrency_limit", key("a", 0)),
        ("concurrency_limit", key("a", u32::MAX)),
        ("rpm_limit", NewKey { requests_per_minute: Some(0), ..key("a", 1) }),
        ("rpm_limit", NewKey { requests_per_minute: Some(u32::MAX), ..key("a", 1) }),
        ("rpd_limits.gpt", NewKey { requests_per_day: day(0), ..key("a", 1) }),
        ("rpd_limits.gpt", NewKey { requests_per_day: day(u32::MAX), ..key("a", 1) }),
        ("name", key("", 1)),
        ("name", key("a\u{0}b", 1)),
        ("name", key(&"n".repeat(101), 1)),
    ];
    for (named, spec) in specs {
        let got = pool.pool().put_key(spec).await;
        let names = matches!(&got, Err(PoolError::KeyRefused(KeyRefused::Invalid(invalid))) if invalid.field == named);
        holds!(names, "a {named} that cannot be meant came to {got:?}");
    }
    for got in [
        pool.pool().set_key_active(KeyId(77), true).await,
        pool.pool().release_key(KeyId(77)).await,
        pool.pool().remove_key(KeyId(77)).await,
    ] {
        let refused = matches!(&got, Err(PoolError::KeyRefused(KeyRefused::Unknown(KeyId(77)))));
        holds!(refused, "a key that is not there: {got:?}");
    }
    same!(view(&pool).await?.keys.len(), 0, "the keys");
    Ok(())
}

async fn a_key_reads_back_as_it_was_put(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let payload = json!({ "access_key": "가\u{0}", "n": [1.5, null] });
    let spec = NewKey {
        provider: named("kling"),
        name: "키 '1' \\ \"x\" ☃".to_owned(),
        payload: Secret::new(payload.clone()),
        concurrency: 100_000,
        requests_per_minute: Some(100_000_000),
        requests_per_day: [("gpt-4".to_owned(), 1), ("클로드.3".to_owned(), 100_000_000)].into(),
        scope: TenantScope::Only([tenant("a"), tenant("b-1_")].into()),
        priority: i32::MIN,
        active: false,
        expires_at: Some(view(&pools[0]).await?.now),
    };
    put(&pools[0], [spec.clone()]).await?;
    let found = until(&pools[1], "the key", |view| view.keys.len() == 1).await?;
    let read = &found.keys[0].key.spec;
    same!(
        read.sealed_payload.strip_prefix("clear:").and_then(|text| serde_json::from_str::<Value>(text).ok()),
        Some(payload),
        "the payload, which is not sealed here"
    );
    let expected = KeySpec {
        provider: spec.provider.clone(),
        name: spec.name.clone(),
        sealed_payload: read.sealed_payload.clone(),
        concurrency: spec.concurrency,
        requests_per_minute: spec.requests_per_minute,
        requests_per_day: spec.requests_per_day.clone(),
        scope: spec.scope.clone(),
        priority: spec.priority,
        active: spec.active,
        expires_at: spec.expires_at,
    };
    same!(*read, expected, "the key as the other process reads it");
    put(&pools[1], [NewKey { provider: named("openai"), priority: i32::MAX, ..spec.clone() }]).await?;
    same!(view(&pools[0]).await?.keys.len(), 2, "keys of one name and two providers");
    Ok(())
}
