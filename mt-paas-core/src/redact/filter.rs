//! Finds quickly where something may begin that is worth a closer look.

/// Which rules a closer look is for, as bits.
pub(super) type Kinds = u8;

pub(super) const SHAPE: Kinds = 1;
pub(super) const NAME: Kinds = 2;
pub(super) const SCHEME: Kinds = 4;
pub(super) const ADDRESS: Kinds = 8;
pub(super) const PEM: Kinds = 16;
pub(super) const KNOWN: Kinds = 32;
/// Given away by its `@` alone, and not by the filter.
pub(super) const MAIL: Kinds = 64;

/// Four bytes at a time are looked up.
pub(super) const WIDTH: usize = 4;

/// A set of four-byte beginnings in which letter case makes no difference. The bitmap answers for nearly every byte of
/// an ordinary text, at a few instructions each; the table behind it is exact.
#[derive(Clone)]
pub(super) struct Filter {
    bitmap: Box<[u64; WORDS]>,
    /// Sorted by hash.
    entries: Vec<(u32, Kinds)>,
    /// Where the entries begin whose hash has these upper bits.
    starts: Vec<u32>,
}

const WORDS: usize = 2048;
const BUCKET_BITS: u32 = 12;

impl Filter {
    /// Makes the set. Beginnings of other lengths than [`WIDTH`] do not fit and are a mistake of the caller.
    pub(super) fn new(beginnings: impl IntoIterator<Item = ([u8; WIDTH], Kinds)>) -> Self {
        let mut entries: Vec<(u32, Kinds)> =
            beginnings.into_iter().map(|(bytes, kinds)| (hash(u32::from_le_bytes(bytes)), kinds)).collect();
        entries.sort_unstable();
        entries.dedup_by(|later, first| {
            let same = later.0 == first.0;
            first.1 |= if same { later.1 } else { 0 };
            same
        });
        let mut bitmap = Box::new([0_u64; WORDS]);
        for (hash, _) in &entries {
            bitmap[(hash >> 21) as usize] |= 1 << ((hash >> 15) & 63);
        }
        let bucket = |hash: u32| hash >> (32 - BUCKET_BITS);
        let starts = (0..=1_u32 << BUCKET_BITS)
            .map(|wanted| entries.partition_point(|(hash, _)| bucket(*hash) < wanted) as u32)
            .collect();
        Self { bitmap, entries, starts }
    }

    /// The first place at or behind `from` where a beginning stands, and what it may be the beginning of.
    pub(super) fn find(&self, bytes: &[u8], from: usize) -> Option<(usize, Kinds)> {
        let mut at = from;
        loop {
            at += bytes.get(at..)?.windows(WIDTH).position(|four| self.may_hold(hash(word(four))))?;
            let kinds = self.kinds(hash(word(&bytes[at..])));
            if kinds != 0 {
                return Some((at, kinds));
            }
            at += 1;
        }
    }

    /// Everything that begins anywhere in `bytes`.
    pub(super) fn all(&self, bytes: &[u8]) -> Kinds {
        let (mut all, mut at) = (0, 0);
        while let Some((found, kinds)) = self.find(bytes, at) {
            all |= kinds;
            at = found + 1;
        }
        all
    }

    fn may_hold(&self, hash: u32) -> bool {
        self.bitmap[(hash >> 21) as usize] >> ((hash >> 15) & 63) & 1 != 0
    }

    fn kinds(&self, hash: u32) -> Kinds {
        let bucket = (hash >> (32 - BUCKET_BITS)) as usize;
        let range = self.starts[bucket] as usize..self.starts[bucket + 1] as usize;
        self.entries[range].iter().find(|(known, _)| *known == hash).map_or(0, |(_, kinds)| *kinds)
    }
}

fn word(four: &[u8]) -> u32 {
    u32::from_le_bytes([four[0], four[1], four[2], four[3]])
}

/// One to one, once letter case is gone: the bit that is set tells `A` from `a`, and `@` from a back-tick, which is no loss.
fn hash(word: u32) -> u32 {
    (word | 0x2020_2020).wrapping_mul(0x9E37_79B1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_found_in_any_letter_case_and_nothing_else_is() {
        let filter = Filter::new([(*b"pass", NAME), (*b"AKIA", SHAPE), (*b"akia", KNOWN)]);
        assert_eq!(filter.find(b"my PaSsword", 0), Some((3, NAME)));
        assert_eq!(filter.find(b"xAKIA", 0), Some((1, SHAPE | KNOWN)));
        assert_eq!(filter.find(b"xAKIA", 2), None);
        assert_eq!(filter.find(b"pas", 0), None);
        assert_eq!(filter.find(b"", 5), None);
        assert_eq!(filter.all(b"pass akia"), NAME | SHAPE | KNOWN);
        let mut others = 0;
        for word in (0..=u32::MAX).step_by(4099) {
            let four = word.to_le_bytes();
            let known = [b"pass", b"akia"].iter().any(|known| (u32::from_le_bytes(**known)) == word | 0x2020_2020);
            assert_eq!(filter.find(&four, 0).is_some(), known, "{four:?}");
            others += 1;
        }
        assert!(others > 1_000_000);
    }
}
