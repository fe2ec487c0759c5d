//! What processes said that they held, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a process says, with microseconds since 1970: what it did has come to an end then, and what it will do has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// A call begins with a key, under a lease that was asked for before.
    Begins { generation: u64, key: usize, asked: i64, at: i64 },
    /// A lease was presented, and lives its full time after this.
    Renewed { generation: u64, before: i64 },
    /// A call has ended; its lease is given back from now on.
    Ends { generation: u64, at: i64 },
}

impl Said {
    /// As one line.
    pub(super) fn line(self) -> String {
        match self {
            Self::Begins { generation, key, asked, at } => format!("B {generation} {key} {asked} {at}"),
            Self::Renewed { generation, before } => format!("R {generation} {before}"),
            Self::Ends { generation, at } => format!("E {generation} {at}"),
        }
    }

    /// `None`: the process was killed in the middle of the line.
    pub(super) fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let kind = words.next()?;
        let numbers: Vec<i64> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        Some(match (kind, numbers[..].first_chunk::<2>()?, &numbers[2..]) {
            ("B", [generation, key], [asked, at]) => Self::Begins {
                generation: generation.cast_unsigned(),
                key: usize::try_from(*key).ok()?,
                asked: *asked,
                at: *at,
            },
            ("R", [generation, before], []) => {
                Self::Renewed { generation: generation.cast_unsigned(), before: *before }
            }
            ("E", [generation, at], []) => Self::Ends { generation: generation.cast_unsigned(), at: *at },
            _ => return None,
        })
    }
}

/// A time in which a lease was certainly held.
#[derive(Debug, Clone, Copy)]
struct Held {
    key: usize,
    from: i64,
    to: i64,
}

/// All that was held.
#[derive(Debug, Default)]
pub(super) struct History {
    held: Vec<Held>,
    generations: BTreeSet<u64>,
    pub(super) calls: u64,
    pub(super) double_grants: u64,
}

impl History {
    /// Adds what one process said until its end, or until it was killed. The lease of a killed process lives on for its
    /// time, and nobody may have its place before.
    pub(super) fn add(&mut self, said: impl IntoIterator<Item = Said>, ttl: Duration, ended: i64) {
        let ttl = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
        let mut running: BTreeMap<u64, (Held, i64)> = BTreeMap::new();
        for said in said {
            match said {
                Said::Begins { generation, key, asked, at } => {
                    self.calls += 1;
                    self.double_grants += u64::from(!self.generations.insert(generation));
                    running.insert(generation, (Held { key, from: at, to: ended }, asked));
                }
                Said::Renewed { generation, before } => {
                    if let Some((_, lives)) = running.get_mut(&generation) {
                        *lives = before;
                    }
                }
                Said::Ends { generation, at } => {
                    self.held.extend(running.remove(&generation).map(|(held, _)| Held { to: at, ..held }));
                }
            }
        }
        self.held.extend(running.into_values().map(|(held, lives)| Held { to: ended.max(lives + ttl), ..held }));
    }

    /// The moments at which more calls began with a key than it allows, and the most that ran with all together.
    pub(super) fn overshoot(&self, caps: &[u32]) -> (u64, i64) {
        // Ends first: a call that ends when another begins does not run beside it.
        let mut moments: Vec<(i64, i64, usize)> = self
            .held
            .iter()
            .flat_map(|held| [(held.from, 1, held.key), (held.to.max(held.from), -1, held.key)])
            .collect();
        moments.sort_unstable();
        let mut running = vec![0_i64; caps.len()];
        let (mut over, mut most) = (0, 0);
        for (_, step, key) in moments {
            running[key] += step;
            over += u64::from(step > 0 && running[key] > i64::from(caps[key]));
            most = most.max(running.iter().sum());
        }
        (over, most)
    }
}
