//! How long those who wait will still wait.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, Instant};

use super::claim::{Claim, Generation, Ticket, WaitReason};
use super::engine::Engine;
use super::key::Provider;
use super::moment::Moment;
use super::op::Op;
use super::state::{Held, State};

/// An estimate for each who waits, by ticket; who is not in it cannot be told anything.
pub(crate) type Estimates = BTreeMap<Ticket, Duration>;

/// Estimates as they were last made.
#[derive(Debug, Default)]
pub(crate) struct Forecast {
    pub(crate) estimates: Estimates,
    /// When, and from what was so when.
    made: Option<Made>,
}

#[derive(Debug)]
struct Made {
    at: Instant,
    seen: Instant,
}

/// Estimates are good for so long.
const GOOD: Duration = Duration::from_millis(200);
/// Who came since is in none of them; but many who come at once are not played through one by one.
pub(crate) const GOOD_FOR_NEWCOMERS: Duration = Duration::from_millis(20);

impl Forecast {
    /// Makes estimates anew, if these are no longer good for a waiter. At `seen` it was `time` in the pool, and what the
    /// engine knows was so.
    pub(crate) fn renew(&mut self, ticket: Ticket, engine: &Engine, time: Moment, seen: Instant) {
        let good_for = if self.estimates.contains_key(&ticket) { GOOD } else { GOOD_FOR_NEWCOMERS };
        let is_good = |made: &Made| made.seen == seen || made.at.elapsed() <= good_for;
        if !self.made.as_ref().is_some_and(is_good) {
            self.estimates = estimates(engine, time);
            self.made = Some(Made { at: Instant::now(), seen });
        }
    }

    /// How long ago the pool was as the estimates take it. They have become so much shorter since.
    pub(crate) fn age(&self) -> Duration {
        self.made.as_ref().map(|made| made.seen.elapsed()).unwrap_or_default()
    }
}

/// No estimate looks further than this.
const HORIZON: Duration = Duration::from_secs(24 * 3600);
/// Nor through more ends of leases.
const STEPS: usize = 20_000;

/// Plays the pool forward by its own rules, from `now` on: leases end when their like did lately, and whoever is first in
/// turn takes what is free.
pub(crate) fn estimates(engine: &Engine, now: Moment) -> Estimates {
    let mut found = Estimates::new();
    if engine.state.queue.is_empty() {
        return found;
    }
    let mut play = engine.play();
    play.advance(now);
    let began = play.state.now;
    found.extend(play.deliveries().into_iter().map(|delivery| (delivery.ticket, Duration::ZERO)));
    let mut ends: BinaryHeap<Reverse<(Moment, Generation)>> = expected_ends(&play.state).map(Reverse).collect();
    for _ in 0..STEPS {
        let retry = play.state.queue.retry_at();
        let end = ends.peek().map(|Reverse((at, _))| *at);
        let Some(next) = [retry, end].into_iter().flatten().min().filter(|at| *at <= began + HORIZON) else { break };
        play.advance(next);
        while let Some(Reverse((at, lease))) = ends.peek().copied().filter(|Reverse((at, _))| *at <= next) {
            debug_assert!(at <= next);
            ends.pop();
            play.apply(&Op::Release(lease));
        }
        for delivery in play.deliveries() {
            found.insert(delivery.ticket, next.since(began));
            let Some(loan) = play.state.loans.get(delivery.lease) else { continue };
            let mean = play.state.holds.get(&loan.claim.provider).and_then(|times| times.mean());
            // A charge is delivered to a lease that ends when it would have ended.
            if let Some(mean) = mean.filter(|_| loan.offered_to == Some(delivery.ticket)) {
                ends.push(Reverse((next + mean.max(Duration::from_micros(1)), delivery.lease)));
            }
        }
        if play.state.queue.is_empty() {
            break;
        }
    }
    found
}

/// When a lease that somebody waits for is expected to end, the first of them.
pub(crate) fn next_end(state: &State, reason: WaitReason, claim: &Claim) -> Option<Moment> {
    let matters = |loan: &Held| match reason {
        WaitReason::UserLimit => loan.claim.tenant == claim.tenant && loan.claim.user == claim.user,
        WaitReason::TotalLimit => true,
        WaitReason::Concurrency => loan.claim.provider == claim.provider,
        _ => false,
    };
    let ends = expected_ends(state).filter(|(_, lease)| state.loans.get(*lease).is_some_and(matters));
    ends.map(|(at, _)| at).min()
}

/// When each lease is expected to end. How long it is held already counts as far as hold times are alike; the less they
/// are, the more the ends are spread evenly. One that is overdue is as likely to last as long again, unless it expires
/// before: nobody renews what a killed process held.
fn expected_ends(state: &State) -> impl Iterator<Item = (Moment, Generation)> {
    let mut by_provider: BTreeMap<Option<&Provider>, Vec<&Held>> = BTreeMap::new();
    for loan in state.loans.values() {
        by_provider.entry(loan.claim.provider.as_ref()).or_default().push(loan);
    }
    let now = state.now;
    let left = move |loan: &Held| loan.expires_at.since(now).as_secs_f64();
    let of_provider = move |(provider, loans): (Option<&Provider>, Vec<&Held>)| {
        let times = state.holds.get(&provider.cloned())?;
        let (mean, spread) = (times.mean()?.as_secs_f64(), times.spread());
        let count = loans.len() as f64;
        let ends = loans.into_iter().enumerate().map(move |(rank, loan)| {
            let held = now.since(loan.granted_at).as_secs_f64();
            let alike = if held <= mean { mean - held } else { (held - mean).min(left(loan)) };
            let even = mean * (rank + 1) as f64 / count;
            (now + Duration::from_secs_f64((1.0 - spread) * alike + spread * even), loan.generation)
        });
        Some(ends.collect::<Vec<_>>())
    };
    by_provider.into_iter().filter_map(of_provider).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::claim::MemberId;
    use super::super::edit::KeyEdit;
    use super::super::engine::PoolLimits;
    use super::super::key::{KeySpec, TenantScope};
    use super::super::op::Outcome;
    use super::*;
    use std::sync::Arc;

    const START: Moment = Moment::from_micros(1_700_000_000_000_000);
    const HABIT: Duration = Duration::from_secs(10);

    /// A pool whose one key was lent for [`HABIT`], and is lent again for `held` when somebody comes to wait.
    fn waiting(held: Duration, ttl: Duration) -> (Engine, Ticket) {
        let mut engine = Engine::new(State::default(), PoolLimits::default(), MemberId(1), false);
        engine.advance(START);
        let provider: Provider = "openai".parse().unwrap();
        let spec = KeySpec {
            provider: provider.clone(),
            name: "key".to_owned(),
            sealed_payload: "{}".to_owned(),
            concurrency: 1,
            requests_per_minute: None,
            requests_per_day: BTreeMap::new(),
            scope: TenantScope::All,
            priority: 0,
            active: true,
            expires_at: None,
        };
        assert_eq!(engine.apply(&Op::Keys(Arc::new(KeyEdit::Put(spec)))), Outcome::Done);
        let acquire = |user: &str| {
            let (tenant, user) = ("school".parse().unwrap(), user.parse().unwrap());
            let claim = Claim { provider: Some(provider.clone()), tenant, user, model: None, units: 1, ttl };
            Op::Acquire { claim: Arc::new(claim), until: Some(Instant::now()) }
        };
        let Outcome::Granted(habit) = engine.apply(&acquire("u1")) else { panic!("the key is free") };
        engine.advance(START + HABIT);
        engine.apply(&Op::Release(habit));
        engine.apply(&acquire("u1"));
        engine.advance(START + HABIT + held);
        let Outcome::Waits(ticket) = engine.apply(&acquire("u2")) else { panic!("the key is lent") };
        (engine, ticket)
    }

    fn estimate(engine: &Engine, ticket: Ticket, later: Duration) -> Duration {
        estimates(engine, engine.state.now + later)[&ticket]
    }

    #[test]
    fn a_lease_ends_when_its_like_did_whenever_one_asks() {
        let (engine, ticket) = waiting(Duration::from_secs(3), Duration::from_secs(60));
        assert_eq!(estimate(&engine, ticket, Duration::ZERO), Duration::from_secs(7));
        assert_eq!(estimate(&engine, ticket, Duration::from_secs(2)), Duration::from_secs(5));
    }

    #[test]
    fn an_overdue_lease_lasts_as_long_again_until_it_expires() {
        let overdue = HABIT + Duration::from_secs(4);
        let (engine, ticket) = waiting(overdue, Duration::from_secs(60));
        assert_eq!(estimate(&engine, ticket, Duration::ZERO), Duration::from_secs(4));
        let (engine, ticket) = waiting(overdue, overdue + Duration::from_secs(1));
        assert_eq!(estimate(&engine, ticket, Duration::ZERO), Duration::from_secs(1));
    }
}
