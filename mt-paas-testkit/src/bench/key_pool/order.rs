//! Whether leases went to callers in the order in which these came.
//!
//! All callers want the same, so a key that could serve one could serve all. Only the limit of its user holds a caller
//! back, and never one who is the only caller of its user: it gave its last lease back before it asked again. So whoever
//! got a lease while a lone caller who had come earlier waited was served out of turn. Grants are ordered by their
//! generations, which is checked by itself. Who came earlier is told by two witnesses:
//!
//! * the tickets of the pool,
//! * the reports: a caller said that it had its place before the other one said that it would ask. This does not rely on
//!   the pool, but holds only while the pool cannot have taken the process of the caller for silent and its place away.

use super::truth::{At, Record};

/// A place in the queue is not taken away before this time, in microseconds, after it was asked for. The pool allows two
/// seconds of silence; a clock may go a little faster than another.
const PLACE_IS_KEPT: u64 = 1_900_000;

/// How many leases were granted out of turn.
pub(super) fn inversions(records: &[Record]) -> u64 {
    let mut by_generation: Vec<&Record> = records.iter().collect();
    by_generation.sort_by_key(|record| record.generation);
    let mut queued: Vec<u64> = records.iter().filter_map(|record| record.queued).map(|at| at.number).collect();
    queued.sort_unstable();
    let mut kept = Kept::new(queued);
    let mut lowest_ticket = u64::MAX;
    let mut inversions = 0;
    // From the last grant to the first: what was passed already was granted later.
    for record in by_generation.into_iter().rev() {
        let by_ticket = record.ticket.is_some_and(|ticket| lowest_ticket < ticket);
        let by_report = kept.latest_of_those_queued_before(record.wanted) > record.begun.micros;
        inversions += u64::from(by_ticket || by_report);
        if record.lone {
            lowest_ticket = lowest_ticket.min(record.ticket.unwrap_or(u64::MAX));
            if let Some(queued) = record.queued {
                kept.add(queued, record.wanted.micros + PLACE_IS_KEPT);
            }
        }
    }
    inversions
}

/// Until when places are kept, by the moment at which they were reported: a tree of maxima over all before a moment.
struct Kept {
    moments: Vec<u64>,
    until: Vec<u64>,
}

impl Kept {
    fn new(moments: Vec<u64>) -> Self {
        let until = vec![0; moments.len() + 1];
        Self { moments, until }
    }

    fn add(&mut self, queued: At, until: u64) {
        let mut place = self.moments.partition_point(|moment| *moment < queued.number) + 1;
        while let Some(known) = self.until.get_mut(place) {
            *known = until.max(*known);
            place += place & place.wrapping_neg();
        }
    }

    fn latest_of_those_queued_before(&self, at: At) -> u64 {
        let mut place = self.moments.partition_point(|moment| *moment < at.number);
        let mut latest = 0;
        while place > 0 {
            latest = latest.max(self.until[place]);
            place &= place - 1;
        }
        latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alone with its user, its ticket, the moments of wanting and of having a place.
    type Call = (bool, Option<u64>, u64, Option<u64>);

    /// Granted in this order.
    fn granted(calls: &[Call]) -> Vec<Record> {
        let at = |number: u64| At { number, micros: number * 1000 };
        let record = |(generation, (lone, ticket, wanted, queued)): (usize, &Call)| Record {
            generation: generation as u64,
            lone: *lone,
            ticket: *ticket,
            wanted: at(*wanted),
            queued: queued.map(at),
            begun: at(100 + generation as u64),
            ..Record::default()
        };
        calls.iter().enumerate().map(record).collect()
    }

    #[test]
    fn grants_in_the_order_of_arrival_are_in_order() {
        let calls =
            [(true, None, 1, None), (true, Some(1), 2, Some(4)), (true, Some(2), 3, None), (true, Some(4), 6, None)];
        assert_eq!(inversions(&granted(&calls)), 0);
        assert_eq!(inversions(&[]), 0);
    }

    #[test]
    fn a_later_ticket_that_is_served_earlier_is_out_of_turn() {
        let calls = [(false, Some(2), 1, None), (true, Some(3), 1, None), (true, Some(1), 1, None)];
        assert_eq!(inversions(&granted(&calls)), 2);
    }

    #[test]
    fn whoever_its_user_may_hold_back_is_overtaken_rightly() {
        let calls = [(true, Some(2), 4, None), (true, None, 5, None), (false, Some(1), 1, Some(2))];
        assert_eq!(inversions(&granted(&calls)), 0);
    }

    #[test]
    fn whoever_came_after_somebody_had_a_place_and_is_served_first_is_out_of_turn() {
        // Without a ticket, and with one that lies.
        for ticket in [None, Some(1)] {
            let calls = [(true, ticket, 5, None), (true, Some(2), 1, Some(4))];
            assert_eq!(inversions(&granted(&calls)), 1);
        }
        // Both may have come at the same time.
        let calls = [(true, None, 3, None), (true, Some(2), 1, Some(4))];
        assert_eq!(inversions(&granted(&calls)), 0);
    }

    #[test]
    fn whoever_may_have_lost_its_place_by_silence_is_no_witness() {
        let mut calls = granted(&[(true, None, 5, None), (true, Some(2), 1, Some(4))]);
        calls[0].begun.micros = PLACE_IS_KEPT + 2_000;
        assert_eq!(inversions(&calls), 0);
    }
}
