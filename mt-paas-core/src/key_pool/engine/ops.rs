//! What each operation does.

use std::sync::Arc;

use super::super::change::Change;
use super::super::claim::{Claim, Generation, Ticket};
use super::super::edit::KeyEdit;
use super::super::estimate::next_end;
use super::super::health::Verdict;
use super::super::op::{Op, Outcome};
use super::super::select::{Decision, charge};
use super::Engine;

impl Engine {
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
        let Some(loan) = self.state.loans.get(lease) else { return Outcome::Stale };
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
        let Some(loan) = self.state.loans.get(lease) else { return Outcome::Stale };
        let expires_at = self.state.now + loan.claim.ttl;
        self.put(Change::Renewed { lease, expires_at });
        Outcome::Done
    }

    pub(super) fn release(&mut self, lease: Generation) -> Outcome {
        if !self.state.loans.contains_key(lease) {
            return Outcome::Stale;
        }
        self.put(Change::Ended { lease, given_back: true });
        self.settle();
        Outcome::Done
    }

    fn report(&mut self, lease: Generation, verdict: Verdict) -> Outcome {
        let Some(loan) = self.state.loans.get(lease) else { return Outcome::Stale };
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
}
