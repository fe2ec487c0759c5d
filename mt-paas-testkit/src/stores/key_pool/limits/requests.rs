//! Requests a minute and a day.

use std::time::Duration;

use mt_paas_core::key_pool::{Moment, NewKey, PoolError, WaitReason};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Ground, Violation, Wish, busy, holds, key, put, same, view, wide};

const MINUTE: Duration = Duration::from_secs(60);
/// The window may be this much longer than a minute, and never shorter.
const SLACK: Duration = Duration::from_millis(1_000);

fn a_minute(name: &str, limit: u32) -> NewKey {
    NewKey { requests_per_minute: Some(limit), ..key(name, 1_000) }
}

/// Random requests at random times: each sum of sixty seconds stays under the limit, also over the edge of a minute, and
/// nothing is refused that has room.
pub(super) async fn in_no_sixty_seconds_are_more_requests_than_allowed(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let limit = 20;
    put(&pools[0], [a_minute("a", limit)]).await?;
    let seed = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let mut granted: Vec<(Moment, u32)> = Vec::new();
    for step in 0..ground.times(400, 120) {
        ground.pass(Duration::from_millis(random.random_range(0..9_000)), &pools).await?;
        let (pool, units) = (&pools[random.random_range(0..2)], random.random_range(1..=8));
        let before = view(pool).await?.now;
        let got = Wish::of("u").units(units).ask(pool).await;
        let after = view(pool).await?.now;
        let sum = |since: Moment| -> u32 { granted.iter().filter(|(at, _)| *at > since).map(|(_, units)| units).sum() };
        match got {
            Ok(lent) => {
                // The true moment lies between `before` and `after`.
                let recent = sum(after - MINUTE);
                holds!(
                    recent + units <= limit,
                    "seed {seed}, step {step}: {units} requests beside {recent} of the last minute, where {limit} may be"
                );
                granted.push((before, units));
                lent.settle().await?;
            }
            Err(PoolError::Busy { reason: WaitReason::Rpm, next_free: Some(next) }) => {
                let recent = sum(before - MINUTE - SLACK);
                holds!(
                    recent + units > limit,
                    "seed {seed}, step {step}: {units} requests were refused beside {recent} of {limit}"
                );
                let next = Moment::from(next);
                holds!(
                    next > before && next <= after + MINUTE + SLACK,
                    "seed {seed}, step {step}: the next free moment is {:?} after the refusal",
                    next.since(before)
                );
            }
            Err(other) => return Err(Violation::new(format!("seed {seed}, step {step}: {other}"))),
        }
    }
    Ok(())
}

pub(super) async fn the_next_free_moment_is_the_first_with_room(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    put(&pools[0], [a_minute("a", 10)]).await?;
    let began = view(&pools[0]).await?.now;
    Wish::of("u").units(6).ask(&pools[0]).await?.settle().await?;
    let charged = view(&pools[0]).await?.now;
    ground.pass(Duration::from_secs(20), &pools).await?;
    Wish::of("u").units(4).ask(&pools[1]).await?.settle().await?;
    let (reason, next) = busy(Wish::of("u").units(5).ask(&pools[1]).await, "an eleventh request of a minute")?;
    same!(reason, WaitReason::Rpm, "why");
    let next = next.ok_or_else(|| Violation::new("no next free moment for a limit of requests a minute"))?;
    holds!(
        next >= began + MINUTE && next <= charged + MINUTE + SLACK,
        "the next free moment is {:?} after the first requests",
        next.since(began)
    );
    // The rest of the twenty seconds and a little less than forty.
    let now = view(&pools[0]).await?.now;
    ground.pass(next.since(now) - Duration::from_secs(5), &pools).await?;
    busy(Wish::of("u").units(5).ask(&pools[0]).await, "a request five seconds before the next free moment")?;
    ground.pass(Duration::from_millis(5_001), &pools).await?;
    Wish::of("u").units(5).ask(&pools[0]).await?.settle().await?;
    Ok(())
}

pub(super) async fn a_day_has_no_more_requests_with_a_model(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let limits = [("gpt".to_owned(), 5), ("한글".to_owned(), 1)];
    put(&pools[0], [NewKey { requests_per_day: limits.into(), ..key("a", 100) }]).await?;
    // The day must not end while the test runs.
    let day = Duration::from_secs(86_400);
    let now = view(&pools[0]).await?.now.micros().rem_euclid(day.as_micros() as i64);
    ground.pass(day - Duration::from_micros(now as u64) + Duration::from_secs(3_600), &pools).await?;
    let of = |model: &str| Wish::of("u").model(model);
    of("gpt").units(4).ask(&pools[0]).await?.settle().await?;
    let held = of("gpt").units(1).ask(&pools[1]).await?;
    let (reason, next) = busy(of("gpt").ask(&pools[0]).await, "a sixth request of a day where five may be")?;
    same!(reason, WaitReason::Rpd, "why");
    let now = view(&pools[0]).await?.now;
    let next = next.ok_or_else(|| Violation::new("no next free moment for a limit of requests a day"))?;
    same!(next.micros().rem_euclid(day.as_micros() as i64), 0, "the next free moment after midnight");
    holds!(next > now && next.since(now) < day, "the next free moment is {:?} from now", next.since(now));
    let refused = busy(held.charge(1, Duration::ZERO).await, "a charge of a sixth request")?;
    same!(refused.0, WaitReason::Rpd, "why");
    of("한글").ask(&pools[0]).await?.settle().await?;
    busy(of("한글").ask(&pools[1]).await, "a second request where one may be")?;
    of("other").units(1_000).ask(&pools[1]).await?.settle().await?;
    Wish::of("u").units(1_000).ask(&pools[0]).await?.settle().await?;
    ground.pass(next.since(now), &pools).await?;
    held.charge(5, Duration::ZERO).await?;
    busy(of("gpt").ask(&pools[1]).await, "a sixth request of the next day")?;
    Ok(())
}

pub(super) async fn more_requests_than_any_key_may_make_are_refused_at_once(ground: Ground) -> Result<(), Violation> {
    let pools = ground.two(wide()).await?;
    let daily = NewKey { requests_per_day: [("gpt".to_owned(), 7)].into(), ..a_minute("b", 12) };
    put(&pools[0], [a_minute("a", 10), daily]).await?;
    let patient = |units| Wish::of("u").units(units).patience(super::LONG);
    let too_many = |got: Result<_, PoolError>, what: &str| match got {
        Err(PoolError::TooMany { .. }) => Ok(()),
        Err(other) => Err(Violation::new(format!("{what}: refused with '{other}'"))),
        Ok::<Box<dyn super::super::Lent>, _>(_) => Err(Violation::new(format!("{what}: it was granted"))),
    };
    too_many(patient(13).ask(&pools[1]).await, "13 requests where 12 are the most")?;
    too_many(patient(11).model("gpt").ask(&pools[1]).await, "11 requests of a model where 10 are the most")?;
    let held = patient(12).ask(&pools[1]).await?;
    let refused = held.charge(13, super::LONG).await;
    holds!(
        matches!(refused, Err(PoolError::TooMany { .. })),
        "a charge of 13 requests where 12 are the most: {refused:?}"
    );
    patient(10).model("gpt").ask(&pools[0]).await?.settle().await?;
    Ok(())
}
