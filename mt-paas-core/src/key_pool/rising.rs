//! Rows by numbers that rise and are never used again, such as leases and places in the queue.
//!
//! A new row comes last and rows mostly go in the order in which they came, so a list in the order of their numbers serves
//! better than a tree: the place of a row follows from its number as long as no number after it is missing.

use std::collections::VecDeque;

use super::claim::{Generation, Ticket};

/// A table of rows in the order of their numbers.
#[derive(Debug, Clone)]
pub(crate) struct Rising<K, V> {
    /// A row that was taken out leaves a gap, so that the others keep their places.
    rows: VecDeque<(K, Option<V>)>,
    len: usize,
}

/// What rows are numbered by.
pub(crate) trait Number: Copy + Ord {
    fn number(self) -> u64;
}

impl Number for Generation {
    fn number(self) -> u64 {
        self.0
    }
}

impl Number for Ticket {
    fn number(self) -> u64 {
        self.0
    }
}

impl<K: Number, V> Rising<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn contains_key(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.rows[self.place(key)?].1.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let place = self.place(key)?;
        self.rows[place].1.as_mut()
    }

    /// Adds a row, or puts another in the place of the one with its number.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        let place = match self.rows.back() {
            Some((last, _)) if *last >= key => self.rows.binary_search_by_key(&key, |row| row.0),
            _ => Err(self.rows.len()),
        };
        match place {
            Ok(place) => self.len += usize::from(self.rows[place].1.replace(value).is_none()),
            Err(place) => {
                self.rows.insert(place, (key, Some(value)));
                self.len += 1;
            }
        }
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let place = self.place(key)?;
        let value = self.rows[place].1.take()?;
        self.len -= 1;
        while matches!(self.rows.front(), Some((_, None))) {
            self.rows.pop_front();
        }
        // One that stays for long does not keep the gaps of all that went since.
        if self.rows.len() > 2 * self.len + GAPS {
            self.rows.retain(|row| row.1.is_some());
        }
        Some(value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.rows.iter().filter_map(|(key, value)| Some((*key, value.as_ref()?)))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.iter().filter_map(|row| row.1.as_ref())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.rows.iter_mut().filter_map(|(key, value)| Some((*key, value.as_mut()?)))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.rows.iter_mut().filter_map(|row| row.1.as_mut())
    }

    fn place(&self, key: K) -> Option<usize> {
        let after = self.rows.back()?.0.number().checked_sub(key.number())?;
        let guess = usize::try_from(after).ok().and_then(|after| (self.rows.len() - 1).checked_sub(after));
        match guess {
            Some(guess) if self.rows[guess].0 == key => Some(guess),
            _ => self.rows.binary_search_by_key(&key, |row| row.0).ok(),
        }
    }
}

/// So many gaps are never closed.
const GAPS: usize = 32;

impl<K, V> Default for Rising<K, V> {
    fn default() -> Self {
        Self { rows: VecDeque::new(), len: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Steps that look random: rows come with gaps between their numbers, some of them late, and go in any order.
    #[test]
    fn it_is_a_map_whatever_comes_and_goes() {
        let (mut rising, mut map) = (Rising::default(), BTreeMap::new());
        let (mut chance, mut last) = (7_u64, 1_000_u64);
        for step in 0..20_000_u64 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let dice = chance >> 33;
            // Longer and longer, and empty again.
            let crowd = step / 8 % 300;
            let any = map.keys().nth((dice / 16) as usize % (map.len() + 1)).copied().unwrap_or(Ticket(dice % 2_000));
            if (map.len() as u64) < crowd {
                last += 1 + dice % 16 / 14;
                let ticket = if dice % 50 == 0 { Ticket(last - 40 + dice % 40) } else { Ticket(last) };
                rising.insert(ticket, step);
                map.insert(ticket, step);
            } else {
                assert_eq!(rising.remove(any), map.remove(&any), "{any:?} at step {step}");
            }
            assert_eq!((rising.get(any), rising.len()), (map.get(&any), map.len()), "{any:?} at step {step}");
            assert!(rising.rows.len() <= 2 * rising.len() + GAPS + 1, "gaps at step {step}");
            if step % 100 == 0 {
                assert!(rising.iter().eq(map.iter().map(|(ticket, step)| (*ticket, step))), "order at step {step}");
            }
        }
    }

    #[test]
    fn one_that_stays_is_found_and_keeps_nothing_of_those_that_went() {
        let mut rising = Rising::default();
        rising.insert(Ticket(1), 1);
        for number in 2..10_000 {
            rising.insert(Ticket(number), number);
            assert_eq!(rising.remove(Ticket(number)), Some(number));
        }
        assert_eq!((rising.get(Ticket(1)), rising.get(Ticket(2))), (Some(&1), None));
        assert!(rising.rows.len() <= 2 + GAPS);
    }
}
