//! Whether keys made more requests in a minute than they may.

use std::collections::BTreeMap;

use super::truth::Record;

/// A request is charged when its lease is granted, and made when its holder has it: up to two seconds later, because an
/// offer ends then that nobody took up. So what is above the limit in a minute less these is so for certain.
const WINDOW: u64 = 58_000_000;

/// How many requests were made too early.
pub(super) fn above(records: &[Record], limit: u32) -> u64 {
    let mut by_key = BTreeMap::<u64, Vec<u64>>::new();
    for record in records {
        by_key.entry(record.key).or_default().push(record.begun.micros);
    }
    let above = |mut begun: Vec<u64>| {
        begun.sort_unstable();
        let pairs = begun.iter().zip(begun.iter().skip(limit as usize));
        pairs.filter(|(first, over)| **over - **first < WINDOW).count() as u64
    };
    by_key.into_values().map(above).sum()
}

#[cfg(test)]
mod tests {
    use super::super::truth::At;
    use super::*;

    fn requests(seconds: &[(u64, u64)]) -> Vec<Record> {
        let begun = |second: u64| At { number: second, micros: second * 1_000_000 };
        seconds.iter().map(|(key, second)| Record { key: *key, begun: begun(*second), ..Record::default() }).collect()
    }

    #[test]
    fn a_burst_on_both_sides_of_a_minute_is_above_the_limit() {
        let calls = requests(&[(1, 58), (1, 59), (1, 61), (1, 62), (2, 60), (2, 61)]);
        assert_eq!(above(&calls, 2), 2);
        assert_eq!(above(&calls, 4), 0);
    }

    #[test]
    fn a_minute_later_there_is_room_again() {
        assert_eq!(above(&requests(&[(1, 0), (1, 1), (1, 60), (1, 61)]), 2), 0);
    }
}
