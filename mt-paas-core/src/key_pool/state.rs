//! The sum of all changes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::claim::{Charge, Generation, Loan, MemberId, Ticket, Waiter};
use super::hold::HoldTimes;
use super::key::{Key, KeyId, KeySpec, Provider};
use super::moment::Moment;
use super::queue::Queue;
use super::roster::{Roster, UserNo};
use super::select::KeyUse;

/// Everything that a pool knows. Changed by [`State::put`] alone, so that what is kept in a store is all of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) now: Moment,
    pub(crate) last_generation: u64,
    pub(crate) last_ticket: u64,
    pub(crate) last_key: u64,
    pub(crate) providers: BTreeMap<Provider, Vec<KeyUse>>,
    pub(crate) loans: BTreeMap<Generation, Held>,
    pub(crate) roster: Roster,
    pub(crate) queue: Queue,
    pub(crate) members: BTreeMap<MemberId, Member>,
    pub(crate) holds: BTreeMap<Option<Provider>, HoldTimes>,
    /// No lease ends before this.
    pub(crate) first_expiry: Option<Moment>,
    /// Something may be free for somebody who waits.
    pub(crate) unsettled: bool,
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
                for keys in self.providers.values_mut() {
                    keys.retain(|used| used.key.id != key);
                }
            }
            Change::Resealed { provider, key, sealed_payload } => self.reseal(&provider, key, sealed_payload),
            Change::Health { key, health } => {
                if let Some(used) = self.key_mut(key) {
                    used.key = Arc::new(Key { health, ..(*used.key).clone() });
                    self.unsettled = true;
                }
            }
            Change::Waits(waiter) => {
                self.last_ticket = self.last_ticket.max(waiter.ticket.0);
                self.queue.insert(waiter, &mut self.roster);
            }
            Change::Left(ticket) => self.leave(ticket),
            Change::Granted(loan) => self.grant(loan),
            Change::Renewed { lease, expires_at } => {
                if let Some(loan) = self.loans.get_mut(&lease) {
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

    pub(crate) fn key(&self, key: KeyId) -> Option<&KeyUse> {
        self.providers.values().flatten().find(|used| used.key.id == key)
    }

    fn key_mut(&mut self, key: KeyId) -> Option<&mut KeyUse> {
        self.providers.values_mut().flatten().find(|used| used.key.id == key)
    }

    /// The key of a lease, unless it was removed meanwhile.
    pub(crate) fn key_of(&self, loan: &Loan) -> Option<&KeyUse> {
        let keys = self.providers.get(loan.claim.provider.as_ref()?)?;
        keys.iter().find(|used| Some(used.key.id) == loan.key)
    }

    fn leave(&mut self, ticket: Ticket) {
        self.queue.remove(ticket, &mut self.roster);
    }

    fn put_key(&mut self, key: Arc<Key>) {
        self.last_key = self.last_key.max(key.id.0);
        let keys = self.providers.entry(key.spec.provider.clone()).or_default();
        match keys.binary_search_by_key(&key.id, |used| used.key.id) {
            Ok(place) => keys[place].key = key,
            Err(place) => {
                // A key that comes back while its leases run still has them.
                let held = self.loans.values().filter(|loan| loan.key == Some(key.id)).count();
                let held = u32::try_from(held).unwrap_or(u32::MAX);
                keys.insert(
                    place,
                    KeyUse {
                        key,
                        held,
                        lent: Generation(0),
                        window: super::window::Window::default(),
                        days: Vec::new(),
                    },
                );
            }
        }
        self.unsettled = true;
    }

    fn reseal(&mut self, provider: &Provider, key: KeyId, sealed_payload: String) {
        let Some(keys) = self.providers.get_mut(provider) else { return };
        let Ok(place) = keys.binary_search_by_key(&key, |used| used.key.id) else { return };
        let key = &mut keys[place].key;
        let spec = KeySpec { sealed_payload, ..key.spec.clone() };
        *key = Arc::new(Key { spec, ..(**key).clone() });
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
        if let Some(used) = key_use(&mut self.providers, &loan) {
            used.held += 1;
            used.lent = loan.generation;
            if let Some(charge) = &loan.charge {
                count(used, charge, loan.claim.model.as_deref());
            }
        }
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
        let Some(loan) = self.loans.get_mut(&lease) else { return };
        if let Some(used) = key_use(&mut self.providers, loan) {
            count(used, &charge, loan.claim.model.as_deref());
        }
        loan.charge = Some(charge);
        loan.charged_for = ticket.or(loan.charged_for);
    }

    fn refund(&mut self, lease: Generation) {
        let Some(loan) = self.loans.get_mut(&lease) else { return };
        let (Some(charge), Some(used)) = (loan.charge.take(), key_use(&mut self.providers, loan)) else { return };
        used.window.take_back(charge.slot, charge.units);
        let model = loan.claim.model.as_deref();
        if let Some(entry) =
            used.days.iter_mut().find(|(known, day, _)| Some(known.as_str()) == model && *day == charge.day)
        {
            entry.2 = entry.2.saturating_sub(charge.units);
        }
        self.unsettled = true;
    }

    fn end(&mut self, lease: Generation, given_back: bool) {
        let Some(Held { loan, user }) = self.loans.remove(&lease) else { return };
        if let Some(used) = key_use(&mut self.providers, &loan) {
            used.held = used.held.saturating_sub(1);
        }
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
        for used in self.providers.values_mut().flatten() {
            used.window.clamp(now);
            let today = now.day();
            for (_, day, _) in &mut used.days {
                *day = (*day).min(today);
            }
            if used.key.health.clamp(now) != used.key.health {
                used.key = Arc::new(Key { health: used.key.health.clamp(now), ..(*used.key).clone() });
            }
        }
        for member in self.members.values_mut() {
            member.seen = member.seen.min(now);
        }
        self.first_expiry = self.loans.values().map(|loan| loan.expires_at).min();
        self.unsettled = true;
    }
}

fn key_use<'a>(providers: &'a mut BTreeMap<Provider, Vec<KeyUse>>, loan: &Loan) -> Option<&'a mut KeyUse> {
    let key = loan.key?;
    let keys = providers.get_mut(loan.claim.provider.as_ref()?)?;
    let place = keys.binary_search_by_key(&key, |used| used.key.id).ok()?;
    Some(&mut keys[place])
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

/// The whole of a pool, as stores keep it from time to time instead of all the changes that led to it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Whole {
    now: Moment,
    last_generation: u64,
    last_ticket: u64,
    last_key: u64,
    keys: Vec<WholeKey>,
    loans: Vec<Loan>,
    waiters: Vec<Waiter>,
    members: Vec<(MemberId, Member)>,
    holds: Vec<(Option<Provider>, HoldTimes)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WholeKey {
    key: Arc<Key>,
    lent: Generation,
    window: super::window::Window,
    days: Vec<(String, i64, u32)>,
}

impl State {
    /// Everything, to be kept.
    pub(crate) fn whole(&mut self) -> Whole {
        self.forget_members();
        let (now, today) = (self.now, self.now.day());
        let keys = self.providers.values_mut().flatten().map(|used| {
            used.window.forget(now);
            used.days.retain(|(_, day, _)| *day >= today);
            WholeKey { key: used.key.clone(), lent: used.lent, window: used.window.clone(), days: used.days.clone() }
        });
        Whole {
            now,
            last_generation: self.last_generation,
            last_ticket: self.last_ticket,
            last_key: self.last_key,
            keys: keys.collect(),
            loans: self.loans.values().map(|held| held.loan.clone()).collect(),
            waiters: self.queue.iter().cloned().collect(),
            members: self.members.iter().map(|(id, member)| (*id, *member)).collect(),
            holds: self.holds.iter().map(|(provider, times)| (provider.clone(), *times)).collect(),
        }
    }
}

impl State {
    /// Forgets processes that ended long ago: who says nothing, holds nothing and waits for nothing.
    fn forget_members(&mut self) {
        let holders = self.loans.values().map(|loan| loan.member);
        let here: BTreeSet<MemberId> = holders.chain(self.queue.members()).collect();
        let now = self.now;
        self.members.retain(|id, member| now.since(member.seen) < FORGOTTEN || here.contains(id));
    }
}

impl From<Whole> for State {
    fn from(whole: Whole) -> Self {
        let mut state = Self {
            now: whole.now,
            last_generation: whole.last_generation,
            last_ticket: whole.last_ticket,
            last_key: whole.last_key,
            members: whole.members.into_iter().collect(),
            holds: whole.holds.into_iter().collect(),
            unsettled: true,
            ..Self::default()
        };
        let mut usage = Vec::new();
        for WholeKey { key, lent, window, days } in whole.keys {
            usage.push((key.id, lent, window, days));
            state.put_key(key);
        }
        for loan in whole.loans {
            // What it was charged is in the windows already.
            state.occupy(Loan { charge: None, ..loan.clone() });
            if let Some(kept) = state.loans.get_mut(&loan.generation) {
                kept.charge = loan.charge;
            }
        }
        for (key, lent, window, days) in usage {
            if let Some(used) = state.key_mut(key) {
                (used.lent, used.window, used.days) = (lent, window, days);
            }
        }
        for waiter in whole.waiters {
            state.queue.insert(waiter, &mut state.roster);
        }
        state
    }
}

/// After so long nobody asks any more whether a member's last batch arrived.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// How long a loan that nobody took up, and a member that says nothing, is waited for.
pub(crate) const SILENCE: Duration = Duration::from_secs(2);
