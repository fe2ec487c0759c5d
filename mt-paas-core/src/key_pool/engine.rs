//! The rules: what follows from an operation on a pool.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

use super::change::{Batch, Change};
use super::claim::{Charge, Claim, Generation, Loan, MemberId, Ticket, WaitReason, Waiter};
use super::edit::KeyEdit;
use super::estimate::{Estimates, next_end};
use super::event::PoolEvent;
use super::health::Verdict;
use super::key::KeyId;
use super::moment::Moment;
use super::op::{Op, Outcome};
use super::select::{Choice, Decision, charge, select};
use super::state::{SILENCE, State};
use super::view::Standing;
use super::window::Window;

/// Limits that hold for a pool as a whole. Every process of a pool should have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimits {
    /// Jobs that one user may run at once.
    pub per_user: u32,
    /// Jobs that may run at once in total.
    pub total: u32,
    /// Which free key is taken.
    pub choice: Choice,
}

impl Default for PoolLimits {
    /// One for each user, four in total.
    fn default() -> Self {
        Self { per_user: 1, total: 4, choice: Choice::default() }
    }
}

/// A pool's state with its rules, for one member.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) state: State,
    pub(crate) limits: PoolLimits,
    member: MemberId,
    sequence: u64,
    /// It only serves an estimate.
    is_play: bool,
    /// What happened since the last batch; `None` where nobody keeps it.
    record: Option<Vec<Change>>,
    /// What this member's waiters got.
    deliveries: Vec<Delivery>,
    /// Those who look on.
    events: broadcast::Sender<PoolEvent>,
    watched: bool,
    /// What they are told once the store has it.
    untold: Vec<PoolEvent>,
    /// A lease of this member may have ended without it.
    losses: bool,
    /// This member's waiters may have lost their places, or got something that was not noted.
    doubt: bool,
    /// Members whose waiters got something in this batch.
    others: BTreeSet<MemberId>,
    round: u64,
    /// The next batch is to be kept as a whole.
    compact: bool,
}

/// Something for a waiter of this member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) ticket: Ticket,
    pub(crate) lease: Generation,
}

impl Engine {
    pub(crate) fn new(state: State, limits: PoolLimits, member: MemberId, recorded: bool) -> Self {
        let record = recorded.then(Vec::new);
        Self {
            state,
            limits,
            member,
            sequence: 0,
            is_play: false,
            record,
            deliveries: Vec::new(),
            events: broadcast::Sender::new(EVENTS),
            watched: false,
            untold: Vec::new(),
            losses: false,
            doubt: false,
            others: BTreeSet::new(),
            round: 0,
            compact: false,
        }
    }

    /// The same pool, to play with: nothing in it expires, and everybody's waiters are its own.
    pub(crate) fn play(&self) -> Self {
        let mut play = Self::new(self.state.clone(), self.limits, self.member, false);
        play.is_play = true;
        play
    }

    /// Turns the pool's time to `now` and does what time alone makes due.
    pub(crate) fn advance(&mut self, now: Moment) {
        let stepped = now + STEP < self.state.now;
        // A clock that only trembles stands still.
        self.state.now = if stepped { now } else { now.max(self.state.now) };
        if stepped {
            self.put(Change::ClockStepped);
        }
        if !self.is_play {
            self.expire();
        }
        if self.state.queue.retry_at().is_some_and(|at| at <= self.state.now) {
            self.settle();
            self.state.queue.find_retry();
        } else if self.state.unsettled {
            self.settle();
        }
    }

    /// Does what is asked for.
    pub(crate) fn apply(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Acquire { claim, until } => self.acquire(claim, until.is_some()),
            Op::Charge { lease, units, until } => self.charge(*lease, *units, until.is_some()),
            Op::Cancel(ticket) => self.cancel(*ticket),
            Op::Renew(lease) => self.renew(*lease),
            Op::Release(lease) => self.release(*lease),
            Op::Report { lease, verdict } => self.report(*lease, *verdict),
            Op::Keys(edit) => self.edit(edit),
            Op::Look => Outcome::Done,
            Op::Compact => {
                self.compact = true;
                Outcome::Done
            }
        }
    }

    fn acquire(&mut self, claim: &Arc<Claim>, wait: bool) -> Outcome {
        match self.decide(claim) {
            Decision::Grant(key) => Outcome::Granted(self.grant(claim.clone(), key, None)),
            Decision::TooMany => Outcome::TooMany,
            Decision::Wait { reason, until } if !wait => {
                Outcome::Blocked { reason, until: until.or_else(|| next_end(&self.state, reason, claim)) }
            }
            Decision::Wait { until, .. } => Outcome::Waits(self.queue_up(claim.clone(), None, until)),
        }
    }

    fn charge(&mut self, lease: Generation, units: u32, wait: bool) -> Outcome {
        let Some(loan) = self.state.loans.get(&lease) else { return Outcome::Stale };
        if loan.key.is_none() {
            return Outcome::Done;
        }
        let claim = Arc::new(Claim { units, ..(*loan.claim).clone() });
        let Some(used) = self.state.key_of(loan) else { return Outcome::KeyGone };
        match charge(used, &claim, self.state.now) {
            Decision::Grant(_) => {
                let charge = self.charge_now(units);
                self.put(Change::Charged { lease, charge, ticket: None, member: self.member });
                Outcome::Done
            }
            Decision::TooMany => Outcome::TooMany,
            Decision::Wait { reason, until } if !wait => Outcome::Blocked { reason, until },
            Decision::Wait { until, .. } => Outcome::Waits(self.queue_up(claim, Some(lease), until)),
        }
    }

    /// Somebody gives up waiting. Stale: it waits no more, and a delivery is under way.
    fn cancel(&mut self, ticket: Ticket) -> Outcome {
        let Some(waiter) = self.state.queue.get(ticket).cloned() else { return Outcome::Stale };
        let (reason, until) = self.why(&waiter);
        self.put(Change::Left(ticket));
        self.settle();
        Outcome::Blocked { reason, until }
    }

    /// A sign of life; takes up what was offered.
    fn renew(&mut self, lease: Generation) -> Outcome {
        let Some(loan) = self.state.loans.get(&lease) else { return Outcome::Stale };
        let expires_at = self.state.now + loan.claim.ttl;
        self.put(Change::Renewed { lease, expires_at });
        Outcome::Done
    }

    fn release(&mut self, lease: Generation) -> Outcome {
        if !self.state.loans.contains_key(&lease) {
            return Outcome::Stale;
        }
        self.put(Change::Ended { lease, given_back: true });
        self.settle();
        Outcome::Done
    }

    fn report(&mut self, lease: Generation, verdict: Verdict) -> Outcome {
        let Some(loan) = self.state.loans.get(&lease) else { return Outcome::Stale };
        if !verdict.is_refusal() {
            return Outcome::Done;
        }
        let worse = self.state.key_of(loan).and_then(|used| {
            let health = used.key.health.after(verdict, self.state.now);
            (health != used.key.health).then_some((used.key.id, health))
        });
        if loan.charge.is_some() {
            self.put(Change::Refunded(lease));
        }
        if let Some((key, health)) = worse {
            self.put(Change::Health { key, health });
        }
        self.settle();
        Outcome::Done
    }

    fn edit(&mut self, edit: &KeyEdit) -> Outcome {
        match edit.changes(&self.state) {
            Ok(changes) => {
                for change in changes {
                    self.put(change);
                }
                self.settle();
                Outcome::Done
            }
            Err(refused) => Outcome::KeyRefused(refused),
        }
    }

    /// Why somebody waits, and when time alone may end it.
    pub(crate) fn why(&self, waiter: &Waiter) -> (WaitReason, Option<Moment>) {
        let decision = match waiter.charges {
            None => self.decide(&waiter.claim),
            Some(lease) => self.decide_charge(lease, &waiter.claim),
        };
        match decision {
            Decision::Wait { reason, until } => {
                (reason, until.or_else(|| next_end(&self.state, reason, &waiter.claim)))
            }
            // Between two batches of another process.
            Decision::Grant(_) | Decision::TooMany => (WaitReason::Concurrency, None),
        }
    }

    /// Tells somebody what happens from now on.
    pub(crate) fn watch(&mut self) -> broadcast::Receiver<PoolEvent> {
        self.watched = true;
        self.events.subscribe()
    }

    /// Whether somebody looks on.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched && self.events.receiver_count() > 0
    }

    /// How it stands with somebody who waits, with so many before it.
    pub(crate) fn standing(&self, waiter: &Waiter, ahead: usize, estimates: &Estimates) -> Standing {
        let (reason, _) = self.why(waiter);
        Standing { position: ahead + 1, reason, estimate: estimates.get(&waiter.ticket).copied() }
    }

    /// When time alone makes something due.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        let others = self.state.queue.members().filter(|id| *id != self.member);
        let silent = others.filter_map(|id| Some(self.state.members.get(&id)?.seen + SILENCE)).min();
        [self.state.queue.retry_at(), self.state.first_expiry, silent].into_iter().flatten().min()
    }

    pub(crate) fn has_deliveries(&self) -> bool {
        !self.deliveries.is_empty()
    }

    /// What this member's waiters got since the last call.
    pub(crate) fn deliveries(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries)
    }

    /// Notes something for waiters of this member that was found in the state.
    pub(crate) fn set_deliveries(&mut self, deliveries: Vec<Delivery>) {
        self.deliveries = deliveries;
    }

    /// Forgets what waiters of this member got and lost again before they heard of it; they have to be looked for.
    pub(crate) fn forget_dead_deliveries(&mut self) {
        let got = self.deliveries.len();
        self.deliveries.retain(|delivery| self.state.loans.contains_key(&delivery.lease));
        self.doubt |= self.deliveries.len() < got;
    }

    /// Whether a lease of this member may have ended without it, since the last call.
    pub(crate) fn take_losses(&mut self) -> bool {
        std::mem::take(&mut self.losses)
    }

    /// Whether this member's waiters have to be looked for in the state, since the last call.
    pub(crate) fn take_doubt(&mut self) -> bool {
        std::mem::take(&mut self.doubt)
    }

    /// Whether somebody wants the next batch to be kept as a whole, since the last call.
    pub(crate) fn take_compact(&mut self) -> bool {
        std::mem::take(&mut self.compact)
    }

    /// Members who have to be told of the batch, since the last call.
    pub(crate) fn take_to_wake(&mut self) -> Vec<MemberId> {
        std::mem::take(&mut self.others).into_iter().collect()
    }

    /// Adds what others did.
    pub(crate) fn replay(&mut self, batch: Batch) {
        self.state.begin(batch.now, batch.member, batch.sequence);
        for change in batch.changes {
            let told = self.told(&change);
            self.tell(told);
            self.note(&change);
            self.state.put(change);
        }
        // Who decided it has told them.
        self.others.clear();
        self.state.unsettled = true;
    }

    /// What this member did since the last batch, to be kept; `None`: nothing.
    pub(crate) fn batch(&mut self, even_if_empty: bool) -> Option<Batch> {
        let changes = std::mem::take(self.record.as_mut()?);
        if changes.is_empty() && !even_if_empty {
            return None;
        }
        self.sequence += 1;
        let now = self.state.now;
        self.state.begin(now, self.member, self.sequence);
        Some(Batch { now, member: self.member, sequence: self.sequence, changes })
    }

    /// Puts another state in place, after the store said that it is so.
    pub(crate) fn reset(&mut self, state: State) {
        self.state = state;
        self.deliveries.clear();
        (self.losses, self.doubt) = (true, true);
        if let Some(record) = &mut self.record {
            record.clear();
        }
        self.untold.clear();
    }

    fn put(&mut self, change: Change) {
        let told = self.told(&change);
        match &self.record {
            // Not before the store has it.
            Some(_) => self.untold.extend(told),
            None => self.tell(told),
        }
        self.note(&change);
        if let Some(record) = &mut self.record {
            record.push(change.clone());
        }
        self.state.put(change);
    }

    /// What those who look on are told of a change.
    fn told(&self, change: &Change) -> Option<PoolEvent> {
        if self.watched { PoolEvent::of(change, &self.state) } else { None }
    }

    fn tell(&mut self, events: impl IntoIterator<Item = PoolEvent>) {
        for event in events {
            self.watched = self.events.send(event).is_ok();
        }
    }

    /// The store has this member's last batch.
    pub(crate) fn confirm(&mut self) {
        let untold = std::mem::take(&mut self.untold);
        self.tell(untold);
    }

    /// Keeps in mind what has to be told to a waiter of this member.
    fn note(&mut self, change: &Change) {
        let (ticket, lease, member) = match change {
            Change::Granted(Loan { offered_to: Some(ticket), generation, member, .. }) => {
                (*ticket, *generation, *member)
            }
            Change::Charged { ticket: Some(ticket), lease, member, .. } => (*ticket, *lease, *member),
            Change::Ended { lease, given_back: false } => {
                self.losses |= self.state.loans.get(lease).is_some_and(|loan| loan.member == self.member);
                return;
            }
            Change::Silent(member) => {
                self.doubt |= *member == self.member;
                return;
            }
            _ => return,
        };
        if member == self.member || self.is_play {
            self.deliveries.push(Delivery { ticket, lease });
        } else {
            self.others.insert(member);
        }
    }

    /// What can be done for a claim now, limits of user and total first.
    fn decide(&self, claim: &Arc<Claim>) -> Decision {
        if self.is_full() {
            return Decision::Wait { reason: WaitReason::TotalLimit, until: None };
        }
        if self.state.roster.running_for(claim) >= self.limits.per_user {
            return Decision::Wait { reason: WaitReason::UserLimit, until: None };
        }
        self.select(claim)
    }

    fn select(&self, claim: &Claim) -> Decision {
        let Some(provider) = &claim.provider else { return Decision::Grant(None) };
        let keys = self.state.providers.get(provider).map(Vec::as_slice).unwrap_or_default();
        select(keys, claim, self.limits.choice, self.state.now)
    }

    fn decide_charge(&self, lease: Generation, claim: &Claim) -> Decision {
        let used = self.state.loans.get(&lease).and_then(|loan| self.state.key_of(loan));
        used.map_or(Decision::Wait { reason: WaitReason::NoKeyForTenant, until: None }, |used| {
            charge(used, claim, self.state.now)
        })
    }

    fn is_full(&self) -> bool {
        self.state.loans.len() >= self.limits.total as usize
    }

    fn grant(&mut self, claim: Arc<Claim>, key: Option<KeyId>, waiter: Option<&Waiter>) -> Generation {
        let now = self.state.now;
        let generation = Generation(self.number_after(self.state.last_generation));
        let charge = (key.is_some() && claim.units > 0).then(|| self.charge_now(claim.units));
        // Who is here takes it up at once; for others it is an offer.
        let is_offer = waiter.is_some_and(|waiter| waiter.member != self.member);
        let lives = if is_offer { SILENCE.min(claim.ttl) } else { claim.ttl };
        self.put(Change::Granted(Loan {
            generation,
            key,
            member: waiter.map_or(self.member, |waiter| waiter.member),
            offered_to: waiter.map(|waiter| waiter.ticket),
            granted_at: now,
            expires_at: now + lives,
            charge,
            charged_for: None,
            claim,
        }));
        generation
    }

    fn charge_now(&self, units: u32) -> Charge {
        Charge { slot: Window::slot(self.state.now), day: self.state.now.day(), units }
    }

    fn queue_up(&mut self, claim: Arc<Claim>, charges: Option<Generation>, until: Option<Moment>) -> Ticket {
        let ticket = Ticket(self.number_after(self.state.last_ticket));
        let since = self.state.now;
        self.put(Change::Waits(Waiter { ticket, claim, charges, member: self.member, since }));
        if let Some(until) = until {
            self.state.queue.retry(ticket, until);
        }
        ticket
    }

    /// The number after `last`. The first of a pool follows the clock: after a store lost everything, leases and waiters
    /// that still have their old numbers must not be taken for new ones. Below 2^53 until the year 2255.
    fn number_after(&self, last: u64) -> u64 {
        if last > 0 { last + 1 } else { u64::try_from(self.state.now.micros()).unwrap_or(0) + 1 }
    }

    /// Ends what nobody renewed and forgets who is silent.
    fn expire(&mut self) {
        let now = self.state.now;
        if self.state.first_expiry.is_some_and(|first| first <= now) {
            let ended: Vec<Generation> =
                self.state.loans.values().filter(|loan| loan.expires_at <= now).map(|loan| loan.generation).collect();
            for lease in ended {
                self.put(Change::Ended { lease, given_back: false });
            }
            self.state.first_expiry = self.state.loans.values().map(|loan| loan.expires_at).min();
        }
        let is_silent = |id: &MemberId| {
            *id != self.member && self.state.members.get(id).is_none_or(|member| member.seen + SILENCE <= now)
        };
        let silent: Vec<MemberId> = self.state.queue.members().filter(is_silent).collect();
        for member in silent {
            self.put(Change::Silent(member));
        }
    }

    /// Gives what is free to those who wait, the earliest first.
    fn settle(&mut self) {
        self.state.unsettled = false;
        self.round += 1;
        while let Some(queued) = self.state.queue.first(self.round, self.is_full()) {
            let (class, user, waiter) = (queued.class, queued.user, queued.waiter.clone());
            let decision = match waiter.charges {
                Some(lease) if !self.state.loans.contains_key(&lease) => {
                    self.put(Change::Left(waiter.ticket));
                    continue;
                }
                Some(lease) => self.decide_charge(lease, &waiter.claim),
                None if self.state.roster.running(user) >= self.limits.per_user => {
                    self.state.queue.park(class, waiter.ticket);
                    self.state.roster.park(user, class);
                    continue;
                }
                None => self.select(&waiter.claim),
            };
            match decision {
                Decision::Grant(key) => match waiter.charges {
                    Some(lease) => {
                        let charge = self.charge_now(waiter.claim.units);
                        self.put(Change::Charged { lease, charge, ticket: Some(waiter.ticket), member: waiter.member });
                    }
                    None => drop(self.grant(waiter.claim.clone(), key, Some(&waiter))),
                },
                Decision::Wait { until, .. } => self.state.queue.block(class, self.round, until),
                Decision::TooMany => self.state.queue.block(class, self.round, None),
            }
        }
        self.state.unsettled = false;
    }
}

/// Somebody who looks on and is further behind than this misses events, and is told so.
const EVENTS: usize = 1024;

/// A clock that is this much behind itself was set back.
const STEP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
