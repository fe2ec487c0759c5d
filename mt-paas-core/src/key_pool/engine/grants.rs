//! Who gets what.

use std::sync::Arc;

use super::super::change::Change;
use super::super::claim::{Charge, Claim, Generation, Loan, MemberId, Ticket, WaitReason, Waiter};
use super::super::estimate::next_end;
use super::super::key::KeyId;
use super::super::moment::Moment;
use super::super::queue::Queued;
use super::super::select::{Decision, charge, select};
use super::super::state::SILENCE;
use super::super::stock::Stock;
use super::super::window::Window;
use super::Engine;

impl Engine {
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

    /// What can be done for a claim now, limits of user and total first.
    pub(super) fn decide(&self, claim: &Arc<Claim>) -> Decision {
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
        let keys = self.state.providers.get(provider).into_iter().flat_map(Stock::in_order);
        select(keys, claim, self.state.now)
    }

    pub(super) fn decide_charge(&self, lease: Generation, claim: &Claim) -> Decision {
        let used = self.state.loans.get(lease).and_then(|loan| self.state.key_of(loan));
        used.map_or(Decision::Wait { reason: WaitReason::NoKeyForTenant, until: None }, |used| {
            charge(used, claim, self.state.now)
        })
    }

    fn is_full(&self) -> bool {
        self.state.loans.len() >= self.limits.total as usize
    }

    /// Grants a lease to a caller, or to somebody who waits at a place through a member.
    pub(super) fn grant(
        &mut self,
        claim: Arc<Claim>,
        key: Option<KeyId>,
        waiter: Option<(Ticket, MemberId)>,
    ) -> Generation {
        let now = self.state.now;
        let generation = Generation(self.number_after(self.state.last_generation));
        let charge = (key.is_some() && claim.units > 0).then(|| self.charge_now(claim.units));
        // Who is here takes it up at once; for others it is an offer.
        let is_offer = waiter.is_some_and(|(_, member)| member != self.member);
        let lives = if is_offer { SILENCE.min(claim.ttl) } else { claim.ttl };
        self.put(Change::Granted(Loan {
            generation,
            key,
            member: waiter.map_or(self.member, |(_, member)| member),
            offered_to: waiter.map(|(ticket, _)| ticket),
            granted_at: now,
            expires_at: now + lives,
            charge,
            charged_for: None,
            claim,
        }));
        generation
    }

    pub(super) fn charge_now(&self, units: u32) -> Charge {
        Charge { slot: Window::slot(self.state.now), day: self.state.now.day(), units }
    }

    pub(super) fn queue_up(&mut self, claim: Arc<Claim>, charges: Option<Generation>, until: Option<Moment>) -> Ticket {
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
    pub(super) fn expire(&mut self) {
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
    pub(super) fn settle(&mut self) {
        self.state.unsettled = false;
        self.round += 1;
        while let Some(queued) = self.state.queue.first(self.round, self.is_full()) {
            let Queued { waiter, user, class } = queued;
            let Waiter { ticket, charges, member, .. } = *waiter;
            let (user, class, claim) = (*user, *class, waiter.claim.clone());
            let decision = match charges {
                Some(lease) if !self.state.loans.contains_key(lease) => {
                    self.put(Change::Left(ticket));
                    continue;
                }
                Some(lease) => self.decide_charge(lease, &claim),
                None if self.state.roster.running(user) >= self.limits.per_user => {
                    self.state.queue.park(class, ticket);
                    self.state.roster.park(user, class);
                    continue;
                }
                None => self.select(&claim),
            };
            match decision {
                Decision::Grant(key) => match charges {
                    Some(lease) => {
                        let charge = self.charge_now(claim.units);
                        self.put(Change::Charged { lease, charge, ticket: Some(ticket), member });
                    }
                    None => drop(self.grant(claim, key, Some((ticket, member)))),
                },
                Decision::Wait { until, .. } => self.state.queue.block(class, self.round, until),
                Decision::TooMany => self.state.queue.block(class, self.round, None),
            }
        }
        self.state.unsettled = false;
    }
}
