//! Passwords that everybody tries first.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::keyboard;

/// Whether a folded password is among the most common ones.
pub(super) fn common(folded: &str) -> bool {
    COMMON.contains(folded)
}

/// Korean words that everybody would try, folded.
pub(super) fn words() -> &'static [String] {
    &WORDS
}

/// Whether a folded password counts up or down, or repeats something shorter than `minimum` or common.
pub(super) fn monotonous(folded: &str, minimum: usize) -> bool {
    let characters: Vec<char> = folded.chars().collect();
    counts(&characters) || repeats(&characters, minimum)
}

/// Whether every character follows the one before it, upwards or downwards; after 9 comes 0.
fn counts(characters: &[char]) -> bool {
    let step = |pair: &[char]| match (pair[1] as i64) - (pair[0] as i64) {
        -9 if pair == ['9', '0'] => 1,
        9 if pair == ['0', '9'] => -1,
        step => step,
    };
    let mut steps = characters.windows(2).map(step);
    steps.next().is_some_and(|first| first.abs() == 1 && steps.all(|step| step == first))
}

/// Whether a password is a shorter one twice or oftener, and that one is not good enough. What stands at the end may be
/// cut off.
fn repeats(characters: &[char], minimum: usize) -> bool {
    let period = (1..=characters.len() / 2)
        .find(|period| characters.iter().zip(&characters[*period..]).all(|(before, character)| before == character));
    period.is_some_and(|period| {
        let unit: String = characters[..period].iter().collect();
        period < minimum || common(&unit) || counts(&characters[..period])
    })
}

/// The most common passwords of eight and more characters, one on each line, in the order of their bytes. The ranking is
/// that of the list by Royce Williams that Django ships (public domain), cut to its upper part.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Words of Korean, and names that services and their administrators have everywhere.
static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| include_str!("words.txt").lines().map(keyboard::fold).collect());
