//! Who waits, in the order of arrival, and who of them may be looked at.
//!
//! Waiters that want the same (provider, tenant, model, number of requests) are one class: when no key serves the first
//! of them, none serves the others. In a class each user has a lane, of which only the head is looked at, and not even
//! that while the user's limit holds it back. So a head that cannot be served costs one look, however many stand behind.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::claim::{Claim, Generation, MemberId, Ticket, Waiter};
use super::moment::Moment;
use crate::ids::{TenantId, UserId};

/// Empty classes that are kept, because the next caller will want the same.
const SPARE: usize = 256;

/// All who wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiters: BTreeMap<Ticket, Waiter>,
    classes: Vec<Class>,
    by_wish: HashMap<Wish, usize>,
    /// Classes in which a user's head is held back by the user's limit.
    parked: HashMap<(TenantId, UserId), BTreeSet<usize>>,
    free: Vec<usize>,
    /// Not later than the earliest `retry_at` of a class.
    soonest: Option<Moment>,
    /// How many wait through each member.
    members: BTreeMap<MemberId, usize>,
}

/// Those who want the same.
#[derive(Debug)]
pub(crate) struct Class {
    wish: Wish,
    lanes: BTreeSet<Place>,
    ready: BTreeSet<Ticket>,
    /// When a look is worth it for time alone.
    retry_at: Option<Moment>,
    /// The round of looking in which the class was found blocked.
    blocked_in: u64,
}

/// What decides which keys can serve a claim. Two claims that differ in nothing else are the same wish.
#[derive(Debug, Clone)]
struct Wish {
    claim: Arc<Claim>,
    charges: Option<Generation>,
}

/// One place in a lane: by user, then by arrival.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    lane: Lane,
    ticket: Ticket,
}

#[derive(Debug, Clone)]
struct Lane(Arc<Claim>);

impl Queue {
    /// Takes somebody in.
    pub(crate) fn insert(&mut self, waiter: Waiter) {
        let id = self.class_of(&waiter);
        let class = &mut self.classes[id];
        let place = Place { lane: Lane(waiter.claim.clone()), ticket: waiter.ticket };
        if class.head(&place.lane).is_none() {
            class.ready.insert(waiter.ticket);
        }
        class.lanes.insert(place);
        *self.members.entry(waiter.member).or_insert(0) += 1;
        self.waiters.insert(waiter.ticket, waiter);
    }

    /// Lets somebody go.
    pub(crate) fn remove(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiters.remove(&ticket)?;
        if let Some(waiting) = self.members.get_mut(&waiter.member) {
            *waiting -= 1;
            if *waiting == 0 {
                self.members.remove(&waiter.member);
            }
        }
        let id = self.class_of(&waiter);
        let class = &mut self.classes[id];
        let place = Place { lane: Lane(waiter.claim.clone()), ticket };
        class.lanes.remove(&place);
        let was_ready = class.ready.remove(&ticket);
        if was_ready && let Some(next) = class.head(&place.lane) {
            class.ready.insert(next);
        }
        if class.lanes.is_empty() {
            class.retry_at = None;
            if waiter.charges.is_some() || self.by_wish.len() > SPARE {
                let Class { wish, .. } = &self.classes[id];
                self.by_wish.remove(wish);
                self.free.push(id);
            }
        }
        Some(waiter)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Members through whom somebody waits.
    pub(crate) fn members(&self) -> impl Iterator<Item = MemberId> {
        self.members.keys().copied()
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Waiter> {
        self.waiters.get(&ticket)
    }

    /// Everybody, in the order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Waiter> {
        self.waiters.values()
    }

    /// The earliest who may be looked at in this round; `charges_only` while no more jobs may run at all.
    pub(crate) fn first(&self, round: u64, charges_only: bool) -> Option<(usize, &Waiter)> {
        let open = |class: &&Class| class.blocked_in != round && (!charges_only || class.wish.charges.is_some());
        let heads = self.by_wish.values().map(|id| (*id, &self.classes[*id])).filter(|(_, class)| open(class));
        let (id, ticket) =
            heads.filter_map(|(id, class)| Some((id, *class.ready.first()?))).min_by_key(|(_, ticket)| *ticket)?;
        Some((id, self.waiters.get(&ticket)?))
    }

    /// No key serves the class now. Nothing but `until`, or a new round, makes another look worth it.
    pub(crate) fn block(&mut self, class: usize, round: u64, until: Option<Moment>) {
        let class = &mut self.classes[class];
        class.blocked_in = round;
        class.retry_at = until;
        self.soonest = earlier(self.soonest, until);
    }

    /// Another look at the class of a waiter is worth it at a time.
    pub(crate) fn retry(&mut self, ticket: Ticket, at: Moment) {
        let Some(waiter) = self.waiters.get(&ticket).cloned() else { return };
        let id = self.class_of(&waiter);
        let class = &mut self.classes[id];
        class.retry_at = earlier(class.retry_at, Some(at));
        self.soonest = earlier(self.soonest, Some(at));
    }

    /// Holds a user's head back in a class.
    pub(crate) fn park(&mut self, class: usize, ticket: Ticket) {
        let Some(waiter) = self.waiters.get(&ticket) else { return };
        let holder = (waiter.claim.tenant.clone(), waiter.claim.user.clone());
        self.classes[class].ready.remove(&ticket);
        self.parked.entry(holder).or_default().insert(class);
    }

    /// A place of the user is free again.
    pub(crate) fn unpark(&mut self, claim: &Arc<Claim>) {
        if self.parked.is_empty() {
            return;
        }
        for id in self.parked.remove(&(claim.tenant.clone(), claim.user.clone())).unwrap_or_default() {
            let class = &mut self.classes[id];
            if let Some(head) = class.head(&Lane(claim.clone())) {
                class.ready.insert(head);
            }
        }
    }

    /// When time alone may help somebody who waits, at the earliest.
    pub(crate) fn retry_at(&self) -> Option<Moment> {
        self.soonest
    }

    /// Looks for that moment again, once it has come.
    pub(crate) fn find_retry(&mut self) {
        self.soonest = self.by_wish.values().filter_map(|id| self.classes[*id].retry_at).min();
    }

    fn class_of(&mut self, waiter: &Waiter) -> usize {
        let wish = Wish { claim: waiter.claim.clone(), charges: waiter.charges };
        if let Some(id) = self.by_wish.get(&wish) {
            return *id;
        }
        let class =
            Class { wish: wish.clone(), lanes: BTreeSet::new(), ready: BTreeSet::new(), retry_at: None, blocked_in: 0 };
        let id = match self.free.pop() {
            Some(id) => {
                self.classes[id] = class;
                id
            }
            None => {
                self.classes.push(class);
                self.classes.len() - 1
            }
        };
        self.by_wish.insert(wish, id);
        id
    }
}

fn earlier(one: Option<Moment>, other: Option<Moment>) -> Option<Moment> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Class {
    fn head(&self, lane: &Lane) -> Option<Ticket> {
        let from = Place { lane: lane.clone(), ticket: Ticket(0) };
        self.lanes.range(from..).next().filter(|place| place.lane == *lane).map(|place| place.ticket)
    }
}

impl Wish {
    fn parts(&self) -> (Option<Generation>, Option<&str>, &TenantId, Option<&str>, u32) {
        let Claim { provider, tenant, model, units, .. } = &*self.claim;
        (self.charges, provider.as_ref().map(|name| name.as_str()), tenant, model.as_deref(), *units)
    }
}

impl PartialEq for Wish {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Wish {}

impl Hash for Wish {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// The tenant is the same in all of a class.
impl Ord for Lane {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.user.cmp(&other.0.user)
    }
}

impl PartialOrd for Lane {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Lane {
    fn eq(&self, other: &Self) -> bool {
        self.0.user == other.0.user
    }
}

impl Eq for Lane {}
