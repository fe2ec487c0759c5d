//! Characters that follow from those before them.

/// What a password repeats, if it is something shorter twice or oftener; what stands at the end may be cut off.
pub(super) fn repeated(folded: &str) -> Option<String> {
    let characters: Vec<char> = folded.chars().collect();
    let repeats = |period: &usize| characters.iter().zip(&characters[*period..]).all(|(before, this)| before == this);
    let period = (1..=characters.len() / 2).find(repeats)?;
    Some(characters[..period].iter().collect())
}

/// A password without its runs: three or more characters that are the same, or stand side by side in the alphabet, among
/// the digits or in a row of the keyboard, in either direction.
pub(super) fn without_runs(folded: &str) -> String {
    let characters: Vec<char> = folded.chars().collect();
    let mut rest = String::new();
    let mut at = 0;
    while at < characters.len() {
        let run = ORDERS.iter().map(|order| run(order, &characters[at..])).max().unwrap_or(1);
        if run < 3 {
            rest.push(characters[at]);
        }
        at += if run < 3 { 1 } else { run };
    }
    rest
}

/// The orders in which people type, each twice over so that it may go round.
const ORDERS: [&str; 5] = [
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "12345678901234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
];

/// How many of the first characters are one run in an order; at least 1.
fn run(order: &str, characters: &[char]) -> usize {
    let steps = |follows: fn(&str, char, char) -> bool| {
        1 + characters.windows(2).take_while(|pair| follows(order, pair[0], pair[1])).count()
    };
    let same = steps(|_, one, next| one == next);
    let up = steps(|order, one, next| order.contains(String::from_iter([one, next]).as_str()));
    let down = steps(|order, one, next| order.contains(String::from_iter([next, one]).as_str()));
    same.max(up).max(down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_taken_out_and_nothing_else() {
        for (password, rest) in [
            ("12345678", ""),
            ("9012345678", ""),
            ("0987654321", ""),
            ("qwertyuiopasdfghjkl", ""),
            ("abc123def456", ""),
            ("aaaabbbbcccc", ""),
            ("zyxwvuts", ""),
            ("rain1234", "rain"),
            ("12ab89xy", "12ab89xy"),
            ("correct horse", "correct horse"),
        ] {
            assert_eq!(without_runs(password), rest, "{password}");
        }
    }

    #[test]
    fn a_repetition_is_found_also_when_cut_off() {
        assert_eq!(repeated("aaaaaaaa").as_deref(), Some("a"));
        assert_eq!(repeated("abcdabcd").as_deref(), Some("abcd"));
        assert_eq!(repeated("abcdabcdab").as_deref(), Some("abcd"));
        assert_eq!(repeated("abcdabc"), None);
        assert_eq!(repeated(""), None);
    }
}
