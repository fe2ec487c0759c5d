//! Passwords and words that everybody tries first.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::keyboard;

/// Whether a folded password is among the most common ones.
pub(super) fn common(folded: &str) -> bool {
    COMMON.contains(folded)
}

/// Words that everybody would try in Korea, folded.
pub(super) fn words() -> &'static [String] {
    &WORDS
}

/// The most common passwords of eight and more characters, folded, in the order of their bytes: the upper part of the
/// list that Django ships, all of its long ones, and what people in Korea make of keyboard rows and words.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Words of Korean, and names that services and their administrators have everywhere.
static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| include_str!("words.txt").lines().map(keyboard::fold).collect());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_folded_and_of_use() {
        for list in [include_str!("common.txt"), include_str!("words.txt")] {
            assert!(list.lines().is_sorted_by(|one, next| one < next), "sorted, each line once");
            assert!(list.lines().all(|line| line.trim() == line && !line.is_empty()));
        }
        assert!(COMMON.len() > 4_000);
        for common in COMMON.iter() {
            assert_eq!(keyboard::fold(common), *common);
            assert!(common.chars().count() >= 8, "{common} is too short to be taken anyway");
        }
    }
}
