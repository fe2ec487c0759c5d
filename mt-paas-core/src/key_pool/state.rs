//! The sum of all changes.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::claim::{Charge, Generation, Loan, MemberId, Ticket};
use super::hold::HoldTimes;
use super::key::{Key, KeyId, KeySpec, Provider};
use super::moment::Moment;
use super::queue::Queue;
use super::rising::Rising;
use super::roster::{Roster, UserNo};
use super::select::{Choice, KeyUse};
use super::stock::Stock;
use super::window::Window;

mod whole;

pub(crate) use whole::Whole;

/// Everything that a pool knows. Changed by [`State::put`] alone, so that what is kept in a store is all of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) now: Moment,
    pub(crate) last_generation: u64,
    pub(crate) last_ticket: u64,
    pub(crate) last_key: u64,
    pub(crate) providers: BTreeMap<Provider, Stock>,
    pub(crate) loans: Rising<Generation, Held>,
    pub(crate) roster: Roster,
    pub(crate) queue: Queue,
    pub(crate) members: BTreeMap<MemberId, Member>,
    pub(crate) holds: BTreeMap<Option<Provider>, HoldTimes>,
    /// No lease ends before this.
    pub(crate) first_expiry: Option<Moment>,
    /// Something may be free for somebody who waits.
    pub(crate) unsettled: bool,
    choice: Choice,
}

/// A lease, with the number of its user here.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) loan: Loan,
    user: UserNo,
}

impl Deref for Held {
    type Target = Loan;

    fn deref(&self) -> &Loan {
        &self.loan
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Loan {
        &mut self.loan
    }
}

/// One user of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Its last batch.
    pub(crate) sequence: u64,
    /// When that was.
    pub(crate) seen: Moment,
}

impl State {
    /// Makes a change count.
    pub(crate) fn put(&mut self, change: Change) {
        match change {
            Change::Key(key) => self.put_key(key),
            Change::KeyRemoved(key) => {
                self.providers.values_mut().for_each(|stock| stock.remove(key));
            }
            Change::Resealed { provider, key, sealed_payload } => self.reseal(&provider, key, sealed_payload),
            Change::Health { key, health } => {
                let known = self.change_key(key, |used| used.key = Arc::new(Key { health, ..(*used.key).clone() }));
                self.unsettled |= known.is_some();
            }
            Change::Waits(waiter) => {
                self.last_ticket = self.last_ticket.max(waiter.ticket.0);
                self.queue.insert(waiter, &mut self.roster);
            }
            Change::Left(ticket) => self.leave(ticket),
            Change::Granted(loan) => self.grant(loan),
            Change::Renewed { lease, expires_at } => {
                if let Some(loan) = self.loans.get_mut(lease) {
                    loan.expires_at = expires_at;
                    loan.offered_to = None;
                    self.first_expiry = Some(self.first_expiry.map_or(expires_at, |first| first.min(expires_at)));
                }
            }
            Change::Charged { lease, charge, ticket, .. } => self.charge(lease, charge, ticket),
            Change::Refunded(lease) => self.refund(lease),
            Change::Ended { lease, given_back } => self.end(lease, given_back),
            Change::Silent(member) => {
                let left: Vec<Ticket> =
                    self.queue.iter().filter(|waiter| waiter.member == member).map(|waiter| waiter.ticket).collect();
                for ticket in left {
                    self.leave(ticket);
                }
            }
            Change::ClockStepped => self.clamp(),
        }
    }

    /// Begins a batch of a member.
    pub(crate) fn begin(&mut self, now: Moment, member: MemberId, sequence: u64) {
        self.now = now;
        self.members.insert(member, Member { sequence, seen: now });
    }

    /// Which key is to be taken first.
    pub(crate) fn choose(&mut self, choice: Choice) {
        if self.choice != choice {
            self.choice = choice;
            self.providers.values_mut().for_each(|stock| stock.choose(choice));
        }
    }

    /// All keys, by provider and number.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &KeyUse> {
        self.providers.values().flat_map(Stock::keys)
    }

    pub(crate) fn key(&self, key: KeyId) -> Option<&KeyUse> {
        self.providers.values().find_map(|stock| stock.get(key))
    }

    fn change_key(&mut self, key: KeyId, change: impl FnOnce(&mut KeyUse)) -> Option<()> {
        let stock = self.providers.values_mut().find(|stock| stock.get(key).is_some())?;
        stock.change(key, change)
    }

    /// The key of a lease, unless it was removed meanwhile.
    pub(crate) fn key_of(&self, loan: &Loan) -> Option<&KeyUse> {
        self.providers.get(loan.claim.provider.as_ref()?)?.get(loan.key?)
    }

    fn leave(&mut self, ticket: Ticket) {
        self.queue.remove(ticket, &mut self.roster);
    }

    fn put_key(&mut self, key: Arc<Key>) {
        self.last_key = self.last_key.max(key.id.0);
        let choice = self.choice;
        let stock = self.providers.entry(key.spec.provider.clone()).or_insert_with(|| Stock::new(choice));
        if stock.change(key.id, |used| used.key = key.clone()).is_none() {
            // A key that comes back while its leases run still has them.
            let held = self.loans.values().filter(|loan| loan.key == Some(key.id)).count();
            let held = u32::try_from(held).unwrap_or(u32::MAX);
            stock.insert(KeyUse { key, held, lent: Generation(0), window: Window::default(), days: Vec::new() });
        }
        self.unsettled = true;
    }

    fn reseal(&mut self, provider: &Provider, key: KeyId, sealed_payload: String) {
        let Some(stock) = self.providers.get_mut(provider) else { return };
        stock.change(key, |used| {
            let spec = KeySpec { sealed_payload, ..used.key.spec.clone() };
            used.key = Arc::new(Key { spec, ..(*used.key).clone() });
        });
    }

    fn grant(&mut self, loan: Loan) {
        self.last_generation = self.last_generation.max(loan.generation.0);
        let ticket = loan.offered_to;
        // Counted in before the waiter is counted out, so that its user is not forgotten in between.
        self.occupy(loan);
        if let Some(ticket) = ticket {
            self.leave(ticket);
        }
    }

    /// Counts a lease in.
    pub(crate) fn occupy(&mut self, loan: Loan) {
        change_key_of(&mut self.providers, &loan, |used| {
            used.held += 1;
            used.lent = loan.generation;
            if let Some(charge) = &loan.charge {
                count(used, charge, loan.claim.model.as_deref());
            }
        });
        let waited = loan.offered_to.and_then(|ticket| self.queue.user_of(ticket));
        let user = waited.unwrap_or_else(|| self.roster.number(&loan.claim));
        self.roster.starts(user);
        self.first_expiry = Some(self.first_expiry.map_or(loan.expires_at, |first| first.min(loan.expires_at)));
        self.loans.insert(loan.generation, Held { loan, user });
    }

    fn charge(&mut self, lease: Generation, charge: Charge, ticket: Option<Ticket>) {
        if let Some(ticket) = ticket {
            self.leave(ticket);
        }
        let Some(loan) = self.loans.get_mut(lease) else { return };
        change_key_of(&mut self.providers, loan, |used| count(used, &charge, loan.claim.model.as_deref()));
        loan.charge = Some(charge);
        loan.charged_for = ticket.or(loan.charged_for);
    }

    fn refund(&mut self, lease: Generation) {
        let Some(loan) = self.loans.get_mut(lease) else { return };
        let Some(charge) = loan.charge.take() else { return };
        let taken_back = change_key_of(&mut self.providers, loan, |used| {
            used.window.take_back(charge.slot, charge.units);
            let model = loan.claim.model.as_deref();
            let mut days = used.days.iter_mut();
            if let Some(entry) = days.find(|(known, day, _)| Some(known.as_str()) == model && *day == charge.day) {
                entry.2 = entry.2.saturating_sub(charge.units);
            }
        });
        self.unsettled |= taken_back.is_some();
    }

    fn end(&mut self, lease: Generation, given_back: bool) {
        let Some(Held { loan, user }) = self.loans.remove(lease) else { return };
        change_key_of(&mut self.providers, &loan, |used| used.held = used.held.saturating_sub(1));
        for (class, head) in self.roster.ends(user) {
            self.queue.unpark(class, head);
        }
        if given_back {
            let held = self.now.since(loan.granted_at);
            match self.holds.get_mut(&loan.claim.provider) {
                Some(times) => times.add(held),
                None => self.holds.entry(loan.claim.provider.clone()).or_default().add(held),
            }
        }
        self.unsettled = true;
    }

    /// What the clock took back: nothing in the pool is later than it could be if it had been written now.
    fn clamp(&mut self) {
        let now = self.now;
        for loan in self.loans.values_mut() {
            loan.granted_at = loan.granted_at.min(now);
            loan.expires_at = loan.expires_at.min(now + loan.claim.ttl);
        }
        let clamp = |used: &mut KeyUse| {
            used.window.clamp(now);
            let today = now.day();
            for (_, day, _) in &mut used.days {
                *day = (*day).min(today);
            }
            if used.key.health.clamp(now) != used.key.health {
                used.key = Arc::new(Key { health: used.key.health.clamp(now), ..(*used.key).clone() });
            }
        };
        self.providers.values_mut().for_each(|stock| stock.change_all(clamp));
        for member in self.members.values_mut() {
            member.seen = member.seen.min(now);
        }
        self.first_expiry = self.loans.values().map(|loan| loan.expires_at).min();
        self.unsettled = true;
    }
}

/// Changes the key of a lease, unless it was removed meanwhile.
fn change_key_of<T>(
    providers: &mut BTreeMap<Provider, Stock>,
    loan: &Loan,
    change: impl FnOnce(&mut KeyUse) -> T,
) -> Option<T> {
    providers.get_mut(loan.claim.provider.as_ref()?)?.change(loan.key?, change)
}

fn count(used: &mut KeyUse, charge: &Charge, model: Option<&str>) {
    used.window.add(charge.slot, charge.units);
    let Some(model) = model else { return };
    match used.days.iter_mut().find(|(known, _, _)| known == model) {
        Some((_, day, count)) if *day == charge.day => *count = count.saturating_add(charge.units),
        Some(entry) => *entry = (model.to_owned(), charge.day, charge.units),
        None => used.days.push((model.to_owned(), charge.day, charge.units)),
    }
}

/// How long a loan that nobody took up, and a member that says nothing, is waited for.
pub(crate) const SILENCE: Duration = Duration::from_secs(2);
