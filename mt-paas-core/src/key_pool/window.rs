//! Requests of the last minute.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// What a limit "a minute" looks at.
const MINUTE: i64 = 60_000_000;

/// Requests are counted in slots of a quarter of a second. A slot counts until a minute after its end, so that in no
/// sixty seconds there are more than the limit, at the price of a quarter of a second at the most.
const SLOT: i64 = 250_000;

/// Units charged to a key in the last minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "VecDeque<(i64, u32)>", into = "VecDeque<(i64, u32)>")]
pub struct Window {
    slots: VecDeque<(i64, u32)>,
    sum: u64,
}

impl Window {
    /// The slot that a moment belongs to.
    pub(crate) fn slot(at: Moment) -> i64 {
        at.micros().div_euclid(SLOT)
    }

    /// Units that still count.
    pub fn units(&self, now: Moment) -> u64 {
        let gone: u64 =
            self.slots.iter().take_while(|(slot, _)| ends(*slot) <= now).map(|(_, units)| u64::from(*units)).sum();
        self.sum - gone
    }

    /// When `units` more fit under `limit`; `None`: never. A moment that is not in the future means now.
    pub(crate) fn free_at(&self, units: u32, limit: u32, now: Moment) -> Option<Moment> {
        let room = u64::from(limit.checked_sub(units)?);
        let mut left = self.sum;
        let mut at = now;
        for (slot, charged) in &self.slots {
            if left <= room {
                break;
            }
            left -= u64::from(*charged);
            at = at.max(ends(*slot));
        }
        Some(at)
    }

    /// Counts units in a slot, and forgets what no longer counts at its time.
    pub(crate) fn add(&mut self, slot: i64, units: u32) {
        self.forget(Moment::from_micros(slot * SLOT));
        self.sum += u64::from(units);
        match self.slots.back_mut() {
            Some((last, charged)) if *last >= slot => *charged = charged.saturating_add(units),
            _ => self.slots.push_back((slot, units)),
        }
    }

    /// Takes back what was counted in a slot.
    pub(crate) fn take_back(&mut self, slot: i64, units: u32) {
        if let Some((_, charged)) = self.slots.iter_mut().find(|(known, _)| *known == slot) {
            let taken = units.min(*charged);
            *charged -= taken;
            self.sum -= u64::from(taken);
        }
    }

    /// Forgets what no longer counts.
    pub(crate) fn forget(&mut self, now: Moment) {
        while let Some((slot, units)) = self.slots.front().copied() {
            if ends(slot) > now {
                break;
            }
            self.sum -= u64::from(units);
            self.slots.pop_front();
        }
    }

    /// After a step of the clock back to `now`: nothing was charged in the future.
    pub(crate) fn clamp(&mut self, now: Moment) {
        let newest = Self::slot(now);
        let later: u64 = self.slots.iter().filter(|(slot, _)| *slot > newest).map(|(_, units)| u64::from(*units)).sum();
        self.slots.retain(|(slot, _)| *slot <= newest);
        self.sum -= later;
        if later > 0 {
            self.add(newest, u32::try_from(later).unwrap_or(u32::MAX));
        }
    }
}

/// When a slot counts no more.
fn ends(slot: i64) -> Moment {
    Moment::from_micros((slot + 1) * SLOT) + Duration::from_micros(MINUTE as u64)
}

impl From<VecDeque<(i64, u32)>> for Window {
    fn from(slots: VecDeque<(i64, u32)>) -> Self {
        let sum = slots.iter().map(|(_, units)| u64::from(*units)).sum();
        Self { slots, sum }
    }
}

impl From<Window> for VecDeque<(i64, u32)> {
    fn from(window: Window) -> Self {
        window.slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Moment {
        Moment::from_micros((seconds * 1e6) as i64)
    }

    #[test]
    fn a_burst_at_the_edge_of_a_minute_is_not_doubled() {
        let mut window = Window::default();
        window.add(Window::slot(at(59.9)), 5);
        assert_eq!(window.units(at(60.1)), 5);
        assert!(window.free_at(1, 5, at(60.1)).unwrap() >= at(119.9));
        assert_eq!(window.units(at(120.0)), 0);
    }

    #[test]
    fn room_is_made_by_the_oldest() {
        let mut window = Window::default();
        window.add(Window::slot(at(0.0)), 2);
        window.add(Window::slot(at(10.0)), 2);
        assert_eq!(window.free_at(1, 5, at(11.0)), Some(at(11.0)));
        assert_eq!(window.free_at(2, 5, at(11.0)), Some(at(60.25)));
        assert_eq!(window.free_at(5, 5, at(11.0)), Some(at(70.25)));
        assert_eq!(window.free_at(6, 5, at(11.0)), None);
    }

    #[test]
    fn what_is_taken_back_counts_no_more() {
        let mut window = Window::default();
        window.add(4, 3);
        window.take_back(4, 2);
        window.take_back(4, 9);
        window.take_back(5, 9);
        assert_eq!(window.units(at(1.0)), 0);
    }
}
