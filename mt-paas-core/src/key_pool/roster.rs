//! The users of a pool: how many jobs each runs, and the lanes in which it waits.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::claim::{Claim, Ticket};

/// The number of a user while it runs or waits.
pub(crate) type UserNo = u32;

/// Everybody who runs or waits for a job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roster {
    /// By the user and the tenant that a claim names.
    numbers: HashTable<UserNo>,
    hasher: DefaultHashBuilder,
    users: Vec<User>,
    free: Vec<UserNo>,
}

/// What is known of one.
#[derive(Debug, Clone)]
struct User {
    /// A claim that names it.
    claim: Arc<Claim>,
    running: u32,
    lanes: Vec<Lane>,
}

/// Where a user waits in one class of the queue.
#[derive(Debug, Clone)]
struct Lane {
    class: usize,
    /// In the order of arrival.
    tickets: VecDeque<Ticket>,
    /// The user's limit holds the head back.
    parked: bool,
}

impl Roster {
    /// How many jobs the user of a claim runs.
    pub(crate) fn running_for(&self, claim: &Claim) -> u32 {
        self.find(claim).map_or(0, |user| self.running(user))
    }

    /// How many jobs a user runs.
    pub(crate) fn running(&self, user: UserNo) -> u32 {
        self.users[user as usize].running
    }

    /// The number of a claim's user, which may be new.
    pub(crate) fn number(&mut self, claim: &Arc<Claim>) -> UserNo {
        if let Some(user) = self.find(claim) {
            return user;
        }
        let entry = User { claim: claim.clone(), running: 0, lanes: Vec::new() };
        let user = match self.free.pop() {
            Some(user) => {
                self.users[user as usize] = entry;
                user
            }
            None => {
                self.users.push(entry);
                UserNo::try_from(self.users.len() - 1).unwrap_or(UserNo::MAX)
            }
        };
        let Self { numbers, hasher, users, .. } = self;
        numbers.insert_unique(hash(hasher, claim), user, |user| hash(hasher, &users[*user as usize].claim));
        user
    }

    /// The classes in which a user waits or waited.
    pub(crate) fn classes(&self, user: UserNo) -> impl Iterator<Item = usize> {
        self.users[user as usize].lanes.iter().map(|lane| lane.class)
    }

    /// A user waits. True: it is the first in its lane.
    pub(crate) fn waits(&mut self, user: UserNo, class: usize, ticket: Ticket) -> bool {
        let lanes = &mut self.users[user as usize].lanes;
        match lanes.iter_mut().find(|lane| lane.class == class) {
            Some(lane) => {
                lane.tickets.push_back(ticket);
                lane.tickets.len() == 1
            }
            None => {
                lanes.push(Lane { class, tickets: [ticket].into(), parked: false });
                true
            }
        }
    }

    /// One that waited waits no more. The ticket that may be looked at now in its stead.
    pub(crate) fn leaves(&mut self, user: UserNo, class: usize, ticket: Ticket) -> Option<Ticket> {
        let entry = &mut self.users[user as usize];
        let lane = entry.lanes.iter_mut().find(|lane| lane.class == class)?;
        let place = lane.tickets.binary_search(&ticket).ok()?;
        lane.tickets.remove(place);
        let next = lane.tickets.front().copied().filter(|_| place == 0 && !lane.parked);
        lane.parked &= !lane.tickets.is_empty();
        self.forget(user);
        next
    }

    /// A user runs a job more.
    pub(crate) fn starts(&mut self, user: UserNo) {
        self.users[user as usize].running += 1;
    }

    /// A job of a user ended. The classes and tickets that may be looked at again.
    pub(crate) fn ends(&mut self, user: UserNo) -> Vec<(usize, Ticket)> {
        let entry = &mut self.users[user as usize];
        entry.running -= 1;
        let mut heads = Vec::new();
        for lane in &mut entry.lanes {
            if std::mem::take(&mut lane.parked) {
                heads.extend(lane.tickets.front().map(|head| (lane.class, *head)));
            }
        }
        self.forget(user);
        heads
    }

    /// A user's limit holds its head back in a class.
    pub(crate) fn park(&mut self, user: UserNo, class: usize) {
        let lane = self.users[user as usize].lanes.iter_mut().find(|lane| lane.class == class);
        if let Some(lane) = lane {
            lane.parked = true;
        }
    }

    fn forget(&mut self, user: UserNo) {
        let entry = &mut self.users[user as usize];
        if entry.lanes.len() > SPARE {
            entry.lanes.retain(|lane| !lane.tickets.is_empty());
        }
        if entry.running == 0 && entry.lanes.iter().all(|lane| lane.tickets.is_empty()) {
            entry.lanes.clear();
            let number = self.numbers.find_entry(hash(&self.hasher, &entry.claim), |known| *known == user);
            if let Ok(number) = number {
                number.remove();
            }
            self.free.push(user);
        }
    }

    fn find(&self, claim: &Claim) -> Option<UserNo> {
        let is_it = |user: &UserNo| {
            let known = &self.users[*user as usize].claim;
            (&known.user, &known.tenant) == (&claim.user, &claim.tenant)
        };
        self.numbers.find(hash(&self.hasher, claim), is_it).copied()
    }
}

/// Empty lanes that a user keeps, because it will want the same again.
const SPARE: usize = 8;

fn hash(hasher: &DefaultHashBuilder, claim: &Claim) -> u64 {
    hasher.hash_one((&claim.user, &claim.tenant))
}
