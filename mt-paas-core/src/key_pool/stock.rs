//! The keys of a provider, in the order in which they are lent.

use super::key::KeyId;
use super::select::{Choice, KeyUse, Rank};

/// Keys by their numbers, and by their ranks. A rank is found anew when the use of its key changes, so that who asks for
/// a key looks at the first one and not at all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stock {
    keys: Vec<KeyUse>,
    /// The rank of each, in the order of the keys.
    ranks: Vec<Rank>,
    /// All ranks, the first to be taken first.
    order: Vec<Rank>,
    choice: Choice,
}

impl Stock {
    pub(crate) fn new(choice: Choice) -> Self {
        Self { choice, ..Self::default() }
    }

    /// All, in the order of their numbers.
    pub(crate) fn keys(&self) -> &[KeyUse] {
        &self.keys
    }

    /// All, in the order in which they are to be taken.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = &KeyUse> {
        self.order.iter().filter_map(|rank| self.get(rank.key))
    }

    pub(crate) fn get(&self, key: KeyId) -> Option<&KeyUse> {
        self.place(key).ok().map(|place| &self.keys[place])
    }

    /// Adds a key whose number is new here.
    pub(crate) fn insert(&mut self, used: KeyUse) {
        if let Err(place) = self.place(used.key.id) {
            self.keys.insert(place, used);
            self.rank_all();
        }
    }

    pub(crate) fn remove(&mut self, key: KeyId) {
        if let Ok(place) = self.place(key) {
            self.keys.remove(place);
            self.rank_all();
        }
    }

    /// Changes a key, which may change its rank.
    pub(crate) fn change<T>(&mut self, key: KeyId, change: impl FnOnce(&mut KeyUse) -> T) -> Option<T> {
        let place = self.place(key).ok()?;
        let changed = change(&mut self.keys[place]);
        let rank = self.keys[place].rank(self.choice);
        let former = std::mem::replace(&mut self.ranks[place], rank);
        self.reorder(former, rank);
        Some(changed)
    }

    /// Changes all keys.
    pub(crate) fn change_all(&mut self, change: impl FnMut(&mut KeyUse)) {
        self.keys.iter_mut().for_each(change);
        self.rank_all();
    }

    /// Has them taken in another order.
    pub(crate) fn choose(&mut self, choice: Choice) {
        self.choice = choice;
        self.rank_all();
    }

    fn place(&self, key: KeyId) -> Result<usize, usize> {
        self.ranks.binary_search_by_key(&key, |rank| rank.key)
    }

    /// Moves one to where it belongs now.
    fn reorder(&mut self, former: Rank, rank: Rank) {
        let from = self.order.partition_point(|other| *other < former);
        let to = self.order.partition_point(|other| *other < rank);
        if from < to {
            self.order.copy_within(from + 1..to, from);
            self.order[to - 1] = rank;
        } else {
            self.order.copy_within(to..from, to + 1);
            self.order[to] = rank;
        }
    }

    fn rank_all(&mut self) {
        self.ranks = self.keys.iter().map(|used| used.rank(self.choice)).collect();
        self.order.clone_from(&self.ranks);
        self.order.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;
    use std::sync::Arc;

    use super::super::claim::Generation;
    use super::super::health::Health;
    use super::super::key::{Key, KeySpec, MAX_CONCURRENCY, TenantScope};
    use super::super::moment::Moment;
    use super::super::window::Window;
    use super::*;

    fn key(number: u64, concurrency: u32, priority: i32) -> KeyUse {
        let spec = KeySpec {
            provider: "openai".parse().unwrap(),
            name: format!("key-{number}"),
            sealed_payload: String::new(),
            concurrency,
            requests_per_minute: None,
            requests_per_day: [].into(),
            scope: TenantScope::All,
            priority,
            active: true,
            expires_at: None,
        };
        let at = Moment::default();
        let key = Key { id: KeyId(number), spec, health: Health::Well, seed: None, created_at: at, updated_at: at };
        KeyUse { key: Arc::new(key), held: 0, lent: Generation(0), window: Window::default(), days: Vec::new() }
    }

    /// The order as [`Choice`] says it in words.
    fn in_words(one: &KeyUse, other: &KeyUse, choice: Choice) -> Ordering {
        let share = |used: &KeyUse, of: &KeyUse| u64::from(used.held) * u64::from(of.key.spec.concurrency);
        let load = share(one, other).cmp(&share(other, one));
        let priority = other.key.spec.priority.cmp(&one.key.spec.priority);
        let order = match choice {
            Choice::Priority => priority.then(load),
            Choice::LeastLoaded => load.then(priority),
        };
        order.then(one.lent.cmp(&other.lent)).then(one.key.id.cmp(&other.key.id))
    }

    fn check(stock: &Stock, choice: Choice) {
        let mut wanted: Vec<&KeyUse> = stock.keys().iter().collect();
        wanted.sort_by(|one, other| in_words(one, other, choice));
        assert!(wanted.into_iter().eq(stock.in_order()), "{choice:?}");
    }

    #[test]
    fn whatever_is_lent_keys_are_taken_in_the_order_that_was_chosen() {
        for choice in [Choice::Priority, Choice::LeastLoaded] {
            let (mut stock, mut chance) = (Stock::new(choice), 11_u64);
            for step in 0..5_000 {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let dice = chance >> 33;
                let id = KeyId(dice % 40);
                let lent = |used: &mut KeyUse| (used.held, used.lent) = ((dice / 64 % 9) as u32, Generation(step / 3));
                match stock.change(id, lent) {
                    Some(()) if dice % 17 == 0 => stock.remove(id),
                    Some(()) => {}
                    None => stock.insert(key(id.0, 1 + (dice / 64 % 8) as u32, (dice / 512 % 3) as i32 - 1)),
                }
                check(&stock, choice);
            }
            stock.choose(Choice::Priority);
            check(&stock, Choice::Priority);
        }
    }

    #[test]
    fn the_slightest_difference_of_load_and_the_utmost_priorities_count() {
        for choice in [Choice::Priority, Choice::LeastLoaded] {
            let mut stock = Stock::new(choice);
            for (number, concurrency) in [(1, MAX_CONCURRENCY), (2, MAX_CONCURRENCY - 1), (3, MAX_CONCURRENCY)] {
                stock.insert(key(number, concurrency, 0));
                // 99998/100000, 99997/99999 and 99999/100000.
                let held = concurrency - [2, 2, 1][number as usize - 1];
                stock.change(KeyId(number), |used| used.held = held);
            }
            check(&stock, choice);
            for (number, priority) in [(4, i32::MIN), (5, i32::MAX), (6, -1)] {
                stock.insert(key(number, 1, priority));
                check(&stock, choice);
            }
        }
    }
}
