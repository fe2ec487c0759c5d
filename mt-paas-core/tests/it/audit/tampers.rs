//! What somebody can do who may write to the database and knows how hashes are made.

use mt_paas_core::audit::{AuditHash, RawAuditRow};

use super::world::{Dice, ENDED, World, rehash};

#[derive(Debug, Clone, Copy)]
pub(super) enum Tamper {
    Edit,
    EditAndRehash,
    Delete,
    Reorder,
    SwapContents,
    CutTail,
    Rechain,
    RechainShorter,
    RechainLonger,
    SwapWriters,
    SwapChains,
    Insert,
    InsertStranger,
}

impl Tamper {
    pub(super) const ALL: [Self; 13] = [
        Self::Edit,
        Self::EditAndRehash,
        Self::Delete,
        Self::Reorder,
        Self::SwapContents,
        Self::CutTail,
        Self::Rechain,
        Self::RechainShorter,
        Self::RechainLonger,
        Self::SwapWriters,
        Self::SwapChains,
        Self::Insert,
        Self::InsertStranger,
    ];

    /// The rows after it, and what was done. `None`: nothing came of it.
    pub(super) fn on(self, world: &World, dice: &mut Dice) -> Option<(Vec<RawAuditRow>, String)> {
        let chain = dice.below(world.writers.len());
        let writer = world.writers[chain].as_str();
        let length = world.length(chain);
        let seq = 1 + dice.below(usize::try_from(length).ok()?) as i64;
        let other = 1 + dice.below(usize::try_from(length).ok()?) as i64;
        let what = format!("{self:?} of {writer} {seq} of {length} with {other}");
        let rows = match self {
            Self::Edit => {
                let column = dice.below(COLUMNS.len());
                let mut changed = None;
                let rows = world.changed(chain, seq, |row| {
                    let before = row.clone();
                    COLUMNS[column](row, dice);
                    changed = (*row != before).then_some(());
                });
                changed?;
                return Some((rows, format!("{what}, column {column}")));
            }
            Self::EditAndRehash => world.changed(chain, seq, |row| {
                row.details = format!("{{\"forged\":\"{other}\"}}");
                row.hash = row.computed().0.to_vec();
            }),
            Self::Delete => {
                let through = (seq + dice.below(3) as i64).min(length);
                world.without(chain, seq..=through)
            }
            Self::Reorder => (seq != other).then(|| world.swapped(chain, seq, other))?,
            Self::SwapContents => {
                let find = |wanted| world.rows.iter().find(|row| row.writer == writer && row.seq == wanted).cloned();
                let (one, two) = (find(seq)?, find(other)?);
                let keep = |from: &RawAuditRow, place: &RawAuditRow| RawAuditRow {
                    seq: place.seq,
                    previous: place.previous.clone(),
                    hash: place.hash.clone(),
                    ..from.clone()
                };
                let mut rows = world.rows.clone();
                for row in rows.iter_mut().filter(|row| row.writer == writer) {
                    if row.seq == seq {
                        *row = keep(&two, row);
                    } else if row.seq == other {
                        *row = keep(&one, row);
                    }
                }
                (seq != other).then_some(rows)?
            }
            Self::CutTail => world.without(chain, seq..=length),
            Self::Rechain => world.rechained(chain, seq),
            Self::RechainShorter => {
                let mut rows = world.without(chain, seq..=seq);
                for row in rows.iter_mut().filter(|row| row.writer == writer && row.seq > seq) {
                    row.seq -= 1;
                }
                rehash(&mut rows, writer);
                rows
            }
            Self::RechainLonger => {
                let mut rows = world.rows.clone();
                let mut forged = rows.iter().find(|row| row.writer == writer && row.seq == seq)?.clone();
                forged.action = "tenant.suspend".to_owned();
                for row in rows.iter_mut().filter(|row| row.writer == writer && row.seq >= seq) {
                    row.seq += 1;
                }
                rows.push(forged);
                rehash(&mut rows, writer);
                rows
            }
            Self::SwapWriters => {
                let second = (chain + 1 + dice.below(world.writers.len() - 1)) % world.writers.len();
                let second = world.writers[second].clone();
                let mut rows = world.rows.clone();
                for row in rows.iter_mut().filter(|row| row.seq == seq) {
                    if row.writer == writer {
                        row.writer = second.clone();
                    } else if row.writer == second {
                        row.writer = writer.to_owned();
                    }
                }
                rows
            }
            Self::SwapChains => {
                let second = (chain + 1 + dice.below(world.writers.len() - 1)) % world.writers.len();
                let second = world.writers[second].clone();
                let mut rows = world.rows.clone();
                for row in &mut rows {
                    if row.writer == writer {
                        row.writer = second.clone();
                    } else if row.writer == second {
                        row.writer = writer.to_owned();
                    }
                }
                if dice.below(2) == 0 {
                    rehash(&mut rows, writer);
                    rehash(&mut rows, &second);
                }
                rows
            }
            // Behind the end of a chain that has none a row can be put: nobody has kept that it is not one.
            Self::Insert if chain < ENDED => world.continued(chain),
            Self::Insert => {
                let mut rows = world.rows.clone();
                let first = rows.iter().find(|row| row.writer == writer && row.seq == seq)?.clone();
                rows.push(RawAuditRow { seq: -(dice.below(5) as i64), ..first });
                rows
            }
            Self::InsertStranger => world.with_stranger(),
        };
        Some((rows, what))
    }
}

/// How each column is changed.
const COLUMNS: [fn(&mut RawAuditRow, &mut Dice); 17] = [
    |row, _| row.writer = mt_paas_core::audit::WriterId::new().to_string(),
    |row, dice| row.seq += 1000 + dice.below(1000) as i64,
    |row, dice| letter(&mut row.id, dice),
    |row, dice| row.at += 1 - 2 * (dice.below(2) as i64),
    |row, dice| optional(&mut row.tenant, dice),
    |row, dice| letter(&mut row.actor_kind, dice),
    |row, dice| optional(&mut row.actor_id, dice),
    |row, dice| letter(&mut row.action, dice),
    |row, dice| optional(&mut row.target_kind, dice),
    |row, dice| optional(&mut row.target_id, dice),
    |row, dice| letter(&mut row.outcome, dice),
    |row, dice| optional(&mut row.reason, dice),
    |row, dice| optional(&mut row.request_id, dice),
    |row, dice| optional(&mut row.address, dice),
    |row, dice| letter(&mut row.details, dice),
    |row, dice| bit(&mut row.previous, dice),
    |row, dice| bit(&mut row.hash, dice),
];

fn letter(text: &mut String, dice: &mut Dice) {
    match dice.below(3) {
        0 => text.push(' '),
        1 => drop(text.pop()),
        _ => {
            let at = dice.below(text.len() + 1);
            let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            text.insert(at, 'x');
        }
    }
}

fn optional(text: &mut Option<String>, dice: &mut Dice) {
    match text {
        Some(_) if dice.below(3) == 0 => *text = None,
        Some(text) => letter(text, dice),
        None => *text = Some(String::new()),
    }
}

fn bit(bytes: &mut Vec<u8>, dice: &mut Dice) {
    if dice.below(8) == 0 {
        bytes.truncate(AuditHash::default().0.len() - 1);
    } else {
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
    }
}
