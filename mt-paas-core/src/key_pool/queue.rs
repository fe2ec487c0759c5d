//! Who waits, in the order of arrival, and who of them may be looked at.
//!
//! Waiters that want the same (provider, tenant, model, number of requests) are one class: when no key serves the first
//! of them, none serves the others. In a class each user has a lane, of which only the head is looked at, and not even
//! that while the user's limit holds it back. So a head that cannot be served costs one look, however many stand behind.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::claim::{Claim, Generation, MemberId, Ticket, Waiter};
use super::key::Provider;
use super::moment::Moment;
use super::rising::Rising;
use super::roster::{Roster, UserNo};
use crate::ids::TenantId;

/// Empty classes that are kept, because the next caller will want the same.
const SPARE: usize = 256;

/// All who wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    waiters: Rising<Ticket, Queued>,
    classes: Vec<Class>,
    by_wish: HashTable<usize>,
    hasher: DefaultHashBuilder,
    free: Vec<usize>,
    /// Not later than the earliest `retry_at` of a class.
    soonest: Option<Moment>,
    /// How many wait through each member.
    members: BTreeMap<MemberId, usize>,
}

/// Somebody who waits, and where.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) waiter: Waiter,
    pub(crate) user: UserNo,
    pub(crate) class: usize,
}

/// Those who want the same.
#[derive(Debug, Clone)]
struct Class {
    /// `None`: of nobody any more.
    wish: Option<Wish>,
    waiting: usize,
    /// The heads of lanes that no limit of their user holds back.
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

impl Queue {
    /// Takes somebody in.
    pub(crate) fn insert(&mut self, waiter: Waiter, roster: &mut Roster) {
        let (user, ticket) = (roster.number(&waiter.claim), waiter.ticket);
        // Mostly a user wants again what it wanted before.
        let known = roster.classes(user).find(|id| self.classes[*id].is_for(&waiter));
        let id = known.unwrap_or_else(|| self.class_of(&waiter));
        let class = &mut self.classes[id];
        class.waiting += 1;
        if roster.waits(user, id, ticket) {
            class.ready.insert(ticket);
        }
        *self.members.entry(waiter.member).or_insert(0) += 1;
        self.waiters.insert(ticket, Queued { waiter, user, class: id });
    }

    /// Lets somebody go.
    pub(crate) fn remove(&mut self, ticket: Ticket, roster: &mut Roster) -> Option<Waiter> {
        let Queued { waiter, user, class: id } = self.waiters.remove(ticket)?;
        if let Some(waiting) = self.members.get_mut(&waiter.member) {
            *waiting -= 1;
            if *waiting == 0 {
                self.members.remove(&waiter.member);
            }
        }
        let class = &mut self.classes[id];
        class.waiting -= 1;
        class.ready.remove(&ticket);
        class.ready.extend(roster.leaves(user, id, ticket));
        if class.waiting == 0 {
            class.retry_at = None;
            if waiter.charges.is_some() || self.by_wish.len() > SPARE {
                let wish = class.wish.take().map(|wish| wish.hash(&self.hasher));
                let known = wish.and_then(|hash| self.by_wish.find_entry(hash, |known| *known == id).ok());
                if let Some(known) = known {
                    known.remove();
                }
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
        self.waiters.get(ticket).map(|queued| &queued.waiter)
    }

    /// Everybody, in the order of arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Waiter> {
        self.waiters.values().map(|queued| &queued.waiter)
    }

    /// The earliest who may be looked at in this round; `charges_only` while no more jobs may run at all.
    pub(crate) fn first(&self, round: u64, charges_only: bool) -> Option<&Queued> {
        if self.waiters.is_empty() {
            return None;
        }
        let open = |class: &&Class| class.blocked_in != round && (!charges_only || class.makes_charges());
        let classes = self.by_wish.iter().map(|id| &self.classes[*id]).filter(open);
        self.waiters.get(*classes.filter_map(|class| class.ready.first()).min()?)
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
        let Some(queued) = self.waiters.get(ticket) else { return };
        let class = &mut self.classes[queued.class];
        class.retry_at = earlier(class.retry_at, Some(at));
        self.soonest = earlier(self.soonest, Some(at));
    }

    /// Holds a user's head back in a class.
    pub(crate) fn park(&mut self, class: usize, ticket: Ticket) {
        self.classes[class].ready.remove(&ticket);
    }

    /// A place of a user is free again: its head in a class may be looked at.
    pub(crate) fn unpark(&mut self, class: usize, head: Ticket) {
        self.classes[class].ready.insert(head);
    }

    /// Where somebody waits.
    pub(crate) fn user_of(&self, ticket: Ticket) -> Option<UserNo> {
        self.waiters.get(ticket).map(|queued| queued.user)
    }

    /// When time alone may help somebody who waits, at the earliest.
    pub(crate) fn retry_at(&self) -> Option<Moment> {
        self.soonest
    }

    /// Looks for that moment again, once it has come.
    pub(crate) fn find_retry(&mut self) {
        self.soonest = self.by_wish.iter().filter_map(|id| self.classes[*id].retry_at).min();
    }

    fn class_of(&mut self, waiter: &Waiter) -> usize {
        let wish = Wish { claim: waiter.claim.clone(), charges: waiter.charges };
        let hash = wish.hash(&self.hasher);
        if let Some(id) = self.by_wish.find(hash, |id| self.classes[*id].is_for(waiter)) {
            return *id;
        }
        let class = Class { wish: Some(wish), waiting: 0, ready: BTreeSet::new(), retry_at: None, blocked_in: 0 };
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
        let hash_of = |class: &Class| class.wish.as_ref().map_or(0, |wish| wish.hash(&self.hasher));
        self.by_wish.insert_unique(hash, id, |id| hash_of(&self.classes[*id]));
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
    fn is_for(&self, waiter: &Waiter) -> bool {
        self.wish.as_ref().is_some_and(|wish| wish.is_of(waiter))
    }

    fn makes_charges(&self) -> bool {
        self.wish.as_ref().is_some_and(|wish| wish.charges.is_some())
    }
}

impl Wish {
    fn is_of(&self, waiter: &Waiter) -> bool {
        self.charges == waiter.charges
            && (Arc::ptr_eq(&self.claim, &waiter.claim) || parts(&self.claim) == parts(&waiter.claim))
    }

    fn hash(&self, hasher: &DefaultHashBuilder) -> u64 {
        hasher.hash_one((self.charges, parts(&self.claim)))
    }
}

fn parts(claim: &Claim) -> (Option<&Provider>, &TenantId, Option<&str>, u32) {
    (claim.provider.as_ref(), &claim.tenant, claim.model.as_deref(), claim.units)
}
