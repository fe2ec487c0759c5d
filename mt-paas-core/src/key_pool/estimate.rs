//! How long those who wait will still wait.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use super::claim::{Claim, Generation, Ticket, WaitReason};
use super::engine::Engine;
use super::key::Provider;
use super::moment::Moment;
use super::op::Op;
use super::state::{Held, State};

/// An estimate for each who waits, by ticket; who is not in it cannot be told anything.
pub(crate) type Estimates = BTreeMap<Ticket, Duration>;

/// No estimate looks further than this.
const HORIZON: Duration = Duration::from_secs(24 * 3600);
/// Nor through more ends of leases.
const STEPS: usize = 20_000;

/// Plays the pool forward by its own rules: leases end when their like did lately, and whoever is first in turn takes what
/// is free.
pub(crate) fn estimates(engine: &Engine) -> Estimates {
    let mut found = Estimates::new();
    if engine.state.queue.is_empty() {
        return found;
    }
    let began = engine.state.now;
    let mut play = engine.play();
    let mut ends: BinaryHeap<Reverse<(Moment, Generation)>> = expected_ends(&engine.state).map(Reverse).collect();
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
            let Some(loan) = play.state.loans.get(&delivery.lease) else { continue };
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
    let ends = expected_ends(state).filter(|(_, lease)| state.loans.get(lease).is_some_and(matters));
    ends.map(|(at, _)| at).min()
}

/// When each lease is expected to end. How long it is held already counts as far as hold times are alike; the less they
/// are, the more the ends are spread evenly.
fn expected_ends(state: &State) -> impl Iterator<Item = (Moment, Generation)> {
    let mut by_provider: BTreeMap<Option<&Provider>, Vec<&Held>> = BTreeMap::new();
    for loan in state.loans.values() {
        by_provider.entry(loan.claim.provider.as_ref()).or_default().push(loan);
    }
    let now = state.now;
    let of_provider = move |(provider, loans): (Option<&Provider>, Vec<&Held>)| {
        let times = state.holds.get(&provider.cloned())?;
        let (mean, spread) = (times.mean()?.as_secs_f64(), times.spread());
        let count = loans.len() as f64;
        let ends = loans.into_iter().enumerate().map(move |(rank, loan)| {
            let alike = (mean - now.since(loan.granted_at).as_secs_f64()).max(0.0);
            let even = mean * (rank + 1) as f64 / count;
            (now + Duration::from_secs_f64((1.0 - spread) * alike + spread * even), loan.generation)
        });
        Some(ends.collect::<Vec<_>>())
    };
    by_provider.into_iter().filter_map(of_provider).flatten()
}
