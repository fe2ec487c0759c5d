//! The rules over random schedules, held against the plainest way to say them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::claim::Claim;
use super::super::edit::KeyEdit;
use super::super::health::Verdict;
use super::super::key::{Key, KeyId, KeySpec, Provider, TenantScope};
use super::super::op::{Op, Outcome};
use super::super::select::Decision;
use super::super::state::Whole;
use super::*;

const SEEDS: u64 = 24;
const STEPS: usize = 300;

/// Numbers that look random and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// A pool with everything that was ever charged.
struct Trial {
    engine: Engine,
    chance: Chance,
    leases: Vec<Generation>,
    tickets: Vec<Ticket>,
    charged: BTreeMap<Generation, Vec<(Moment, KeyId, u32)>>,
    now: Moment,
}

fn provider(number: u64) -> Provider {
    ["openai", "kling"][number as usize % 2].parse().unwrap()
}

fn spec(chance: &mut Chance, number: u64) -> KeySpec {
    let scope = match chance.below(3) {
        0 => TenantScope::Only([format!("t{}", chance.below(3)).parse().unwrap()].into()),
        _ => TenantScope::All,
    };
    KeySpec {
        provider: provider(number),
        name: format!("key-{number}"),
        sealed_payload: "{}".to_owned(),
        concurrency: 1 + chance.below(3) as u32,
        requests_per_minute: chance.one_in(2).then(|| 2 + chance.below(6) as u32),
        requests_per_day: if chance.one_in(3) { [("m".to_owned(), 5)].into() } else { [].into() },
        scope,
        priority: chance.below(3) as i32,
        active: true,
        expires_at: None,
    }
}

impl Trial {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let limits = PoolLimits {
            per_user: 1 + chance.below(3) as u32,
            total: 2 + chance.below(8) as u32,
            choice: if chance.one_in(2) { Choice::Priority } else { Choice::LeastLoaded },
        };
        let mut engine = Engine::new(State::default(), limits, MemberId(1), true);
        let now = Moment::from_micros(1_700_000_000_000_000);
        engine.advance(now);
        for number in 0..1 + chance.below(6) {
            let key = spec(&mut chance, number);
            assert_eq!(engine.apply(&Op::Keys(Arc::new(KeyEdit::Put(key)))), Outcome::Done);
        }
        Self { engine, chance, leases: Vec::new(), tickets: Vec::new(), charged: BTreeMap::new(), now }
    }

    fn claim(&mut self) -> Arc<Claim> {
        let chance = &mut self.chance;
        Arc::new(Claim {
            provider: (!chance.one_in(8)).then(|| provider(chance.below(2))),
            tenant: format!("t{}", chance.below(3)).parse().unwrap(),
            user: format!("u{}", chance.below(4)).parse().unwrap(),
            model: chance.one_in(2).then(|| "m".to_owned()),
            units: 1 + chance.below(2) as u32,
            ttl: Duration::from_secs(1 + chance.below(90)),
        })
    }

    fn op(&mut self) -> Op {
        let until = (!self.chance.one_in(4)).then(Instant::now);
        let any = |chance: &mut Chance, list: &[Generation]| {
            (!list.is_empty()).then(|| list[chance.below(list.len() as u64) as usize])
        };
        let lease = any(&mut self.chance, &self.leases).unwrap_or(Generation(999_999));
        match self.chance.below(12) {
            0..5 => Op::Acquire { claim: self.claim(), until },
            5..8 => Op::Release(lease),
            8 => Op::Charge { lease, units: 1 + self.chance.below(2) as u32, until },
            9 => Op::Renew(lease),
            10 => {
                let status = [200, 401, 402, 429, 500][self.chance.below(5) as usize];
                let retry_after = self.chance.one_in(2).then(|| Duration::from_secs(self.chance.below(50)));
                Op::Report { lease, verdict: Verdict::of_status(status, retry_after) }
            }
            _ => match self.tickets.last() {
                Some(ticket) if self.chance.one_in(2) => Op::Cancel(*ticket),
                _ => {
                    let key = KeyId(1 + self.chance.below(6));
                    let edit = match self.chance.below(3) {
                        0 => KeyEdit::Release(key),
                        1 => KeyEdit::SetActive(key, !self.chance.one_in(3)),
                        _ => KeyEdit::Remove(key),
                    };
                    Op::Keys(Arc::new(edit))
                }
            },
        }
    }

    fn step(&mut self) {
        let pause = match self.chance.below(4) {
            0 => 0,
            1 => self.chance.below(1_000),
            2 => self.chance.below(2_000_000),
            _ => self.chance.below(25_000_000),
        };
        self.now = self.now + Duration::from_micros(pause);
        self.engine.advance(self.now);
        self.note();
        let op = self.op();
        let outcome = self.engine.apply(&op);
        match outcome {
            Outcome::Granted(lease) => self.leases.push(lease),
            Outcome::Waits(ticket) => self.tickets.push(ticket),
            _ => (),
        }
        self.note();
        self.check(&op);
    }

    /// Keeps what was charged, by the changes that say so.
    fn note(&mut self) {
        for delivery in self.engine.deliveries() {
            self.leases.push(delivery.lease);
        }
        let Some(batch) = self.engine.batch(false) else { return };
        for change in batch.changes {
            let (lease, charge) = match change {
                Change::Granted(Loan { generation, charge: Some(charge), .. }) => (generation, charge),
                Change::Charged { lease, charge, .. } => (lease, charge),
                Change::Refunded(lease) => {
                    self.charged.get_mut(&lease).map(Vec::pop);
                    continue;
                }
                _ => continue,
            };
            if let Some(key) = self.engine.state.loans.get(lease).and_then(|loan| loan.key) {
                self.charged.entry(lease).or_default().push((batch.now, key, charge.units));
            }
        }
    }

    fn check(&self, after: &Op) {
        let state = &self.engine.state;
        let limits = self.engine.limits;
        assert!(state.loans.len() <= limits.total as usize, "total after {after:?}");
        for loan in state.loans.values() {
            let same = |other: &&super::super::state::Held| {
                (&other.claim.tenant, &other.claim.user) == (&loan.claim.tenant, &loan.claim.user)
            };
            assert!(state.loans.values().filter(same).count() <= limits.per_user as usize, "user after {after:?}");
        }
        for used in state.keys() {
            let key: &Key = &used.key;
            let held = state.loans.values().filter(|loan| loan.key == Some(key.id)).count();
            assert_eq!(held, used.held as usize, "count of {} after {after:?}", key.id);
            assert!(held <= key.spec.concurrency as usize, "{} after {after:?}", key.id);
            let charges = self.charged.values().flatten().filter(|(_, charged, _)| *charged == key.id);
            if let Some(limit) = key.spec.requests_per_minute {
                let last = charges.filter(|(at, ..)| *at + Duration::from_secs(60) > self.now);
                let units: u32 = last.map(|(_, _, units)| units).sum();
                assert!(units <= limit, "{units} requests of {limit} with {} after {after:?}", key.id);
            }
        }
        // Nobody waits who could be served.
        for waiter in state.queue.iter().filter(|waiter| waiter.charges.is_none()) {
            assert!(
                matches!(self.engine.decide(&waiter.claim), Decision::Wait { .. } | Decision::TooMany),
                "{waiter:?} waits for nothing after {after:?}"
            );
        }
    }
}

#[test]
fn no_limit_is_ever_passed_and_nobody_waits_for_nothing() {
    for seed in 0..SEEDS {
        let mut trial = Trial::new(seed);
        (0..STEPS).for_each(|_| trial.step());
    }
}

/// Gives what is free to the first in the order of arrival whom the rules allow it, one at a time, looking at everybody
/// each time: the plainest way to say it.
fn settle_plainly(engine: &mut Engine) {
    let first = |engine: &Engine| {
        let served = |waiter: &&Waiter| match waiter.charges {
            None => matches!(engine.decide(&waiter.claim), Decision::Grant(_)),
            Some(lease) => matches!(engine.decide_charge(lease, &waiter.claim), Decision::Grant(_)),
        };
        engine.state.queue.iter().find(served).cloned()
    };
    while let Some(waiter) = first(engine) {
        match waiter.charges {
            None => {
                let Decision::Grant(key) = engine.decide(&waiter.claim) else { unreachable!() };
                engine.grant(waiter.claim.clone(), key, Some((waiter.ticket, waiter.member)));
            }
            Some(lease) => {
                let (charge, ticket) = (engine.charge_now(waiter.claim.units), Some(waiter.ticket));
                engine.put(Change::Charged { lease, charge, ticket, member: waiter.member });
            }
        }
    }
}

#[test]
fn the_queue_serves_as_if_everybody_was_looked_at() {
    for seed in 0..SEEDS {
        let mut trial = Trial::new(1000 + seed);
        for _ in 0..STEPS {
            trial.step();
            // The end of a lease, once by the rules and once plainly.
            let Some(lease) = trial.engine.state.loans.values().next().map(|loan| loan.generation) else { continue };
            let (mut quick, mut plain) = (trial.engine.play(), trial.engine.play());
            quick.release(lease);
            plain.put(Change::Ended { lease, given_back: true });
            let charges_of_ended = |waiter: &&Waiter| waiter.charges == Some(lease);
            let left: Vec<Ticket> =
                plain.state.queue.iter().filter(charges_of_ended).map(|waiter| waiter.ticket).collect();
            left.into_iter().for_each(|ticket| plain.put(Change::Left(ticket)));
            settle_plainly(&mut plain);
            assert_eq!(text(&mut quick.state), text(&mut plain.state), "seed {seed}");
        }
    }
}

fn text(state: &mut State) -> String {
    serde_json::to_string(&state.whole()).unwrap()
}

#[test]
fn whoever_adds_up_the_changes_or_reads_the_whole_knows_the_same() {
    for seed in 0..SEEDS {
        let mut trial = Trial::new(2000 + seed);
        let mut other = Engine::new(State::default(), trial.engine.limits, MemberId(2), true);
        for _ in 0..STEPS {
            trial.now = trial.now + Duration::from_micros(trial.chance.below(3_000_000));
            trial.engine.advance(trial.now);
            let op = trial.op();
            match trial.engine.apply(&op) {
                Outcome::Granted(lease) => trial.leases.push(lease),
                Outcome::Waits(ticket) => trial.tickets.push(ticket),
                _ => (),
            }
            let Some(batch) = trial.engine.batch(true) else { continue };
            let sent = serde_json::to_string(&batch).unwrap();
            other.replay(serde_json::from_str(&sent).unwrap());
            let known = text(&mut trial.engine.state);
            assert_eq!(text(&mut other.state), known, "seed {seed} after {op:?}");
            let whole: Whole = serde_json::from_str(&known).unwrap();
            assert_eq!(text(&mut whole.into()), known, "seed {seed} after {op:?}");
        }
    }
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_immortal() {
    let mut trial = Trial::new(7);
    (0..200).for_each(|_| trial.step());
    let before = trial.engine.state.loans.len();
    let back = trial.now - Duration::from_secs(3600);
    trial.engine.advance(back);
    assert_eq!(trial.engine.state.loans.len(), before, "nobody loses a lease by it");
    for loan in trial.engine.state.loans.values() {
        assert!(loan.expires_at <= back + loan.claim.ttl);
    }
    trial.engine.advance(back + Duration::from_secs(91));
    assert!(trial.engine.state.loans.values().all(|loan| loan.granted_at >= back));
}

#[test]
fn processes_that_ended_long_ago_are_forgotten_unless_something_is_theirs() {
    let mut trial = Trial::new(7);
    let hour = Duration::from_secs(3600);
    let (holds, waits, idle, late) = (MemberId(1), MemberId(1_001), MemberId(1_002), MemberId(1_003));
    let claim = Arc::new(Claim { provider: None, ttl: hour * 20, ..(*trial.claim()).clone() });
    assert!(matches!(trial.engine.apply(&Op::Acquire { claim: claim.clone(), until: None }), Outcome::Granted(_)));
    assert!(trial.engine.batch(true).is_some());
    let state = &mut trial.engine.state;
    for member in (2..900).map(MemberId).chain([waits, idle]) {
        state.begin(trial.now, member, 1);
    }
    let waiter = Waiter { ticket: Ticket(5), claim, charges: None, member: waits, since: trial.now };
    state.put(Change::Waits(waiter));
    let known = |state: &mut State| -> Vec<MemberId> { State::from(state.whole()).members.into_keys().collect() };
    let soon = trial.now + hour - Duration::from_secs(1);
    state.begin(soon, late, 1);
    assert_eq!(known(state).len(), 898 + 4);
    state.now = trial.now + hour;
    assert_eq!(known(state), [holds, waits, late]);
    state.now = soon + hour;
    assert_eq!(known(state), [holds, waits]);
}
