//! One spelling for a word typed on a Korean keyboard, in whichever mode it was.

use unicode_normalization::UnicodeNormalization;

/// The form in which passwords and words are compared: small letters without accents, and for Hangul the keys that type
/// it on a two-set (dubeolsik) keyboard, so that `비밀번호`, `qlalfqjsgh` and `QLALFQJSGH` are one.
pub(super) fn fold(text: &str) -> String {
    // NFKD takes syllables apart into letters, and gives those typed alone the same code points.
    let plain = text.nfkd().filter(|character| !('\u{300}'..='\u{36f}').contains(character));
    plain.flat_map(|character| keys(character).chars().chain(other(character))).flat_map(char::to_lowercase).collect()
}

fn other(character: char) -> Option<char> {
    keys(character).is_empty().then_some(character)
}

/// The keys of a letter of Hangul, in small letters: shift makes no other word. Empty for anything else.
fn keys(letter: char) -> &'static str {
    let at = |keys: &[&'static str], first: u32| {
        (letter as u32).checked_sub(first).and_then(|index| keys.get(index as usize)).copied()
    };
    at(&INITIAL, 0x1100).or_else(|| at(&VOWEL, 0x1161)).or_else(|| at(&FINAL, 0x11a8)).unwrap_or_default()
}

/// ㄱ ㄲ ㄴ ㄷ ㄸ ㄹ ㅁ ㅂ ㅃ ㅅ ㅆ ㅇ ㅈ ㅉ ㅊ ㅋ ㅌ ㅍ ㅎ
const INITIAL: [&str; 19] =
    ["r", "r", "s", "e", "e", "f", "a", "q", "q", "t", "t", "d", "w", "w", "c", "z", "x", "v", "g"];

/// ㅏ ㅐ ㅑ ㅒ ㅓ ㅔ ㅕ ㅖ ㅗ ㅘ ㅙ ㅚ ㅛ ㅜ ㅝ ㅞ ㅟ ㅠ ㅡ ㅢ ㅣ
const VOWEL: [&str; 21] =
    ["k", "o", "i", "o", "j", "p", "u", "p", "h", "hk", "ho", "hl", "y", "n", "nj", "np", "nl", "b", "m", "ml", "l"];

/// ㄱ ㄲ ㄳ ㄴ ㄵ ㄶ ㄷ ㄹ ㄺ ㄻ ㄼ ㄽ ㄾ ㄿ ㅀ ㅁ ㅂ ㅄ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ
const FINAL: [&str; 27] = [
    "r", "r", "rt", "s", "sw", "sg", "e", "f", "fr", "fa", "fq", "ft", "fx", "fv", "fg", "a", "q", "qt", "t", "t", "d",
    "w", "c", "z", "x", "v", "g",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_same_in_either_mode_of_the_keyboard() {
        for (text, keys) in [
            ("비밀번호", "qlalfqjsgh"),
            ("안녕하세요", "dkssudgktpdy"),
            ("닭값의왜", "ekfrrkqtdmldho"),
            ("ㅂㅈㄷㄱ", "qwer"),
            ("ㅔㅁㄴㄴ재ㄱㅇ", "password"),
            ("Ｐａｓｓ", "pass"),
            ("Ünïcode ½ 日本", "unicode 1\u{2044}2 日本"),
        ] {
            assert_eq!(fold(text), keys, "{text}");
        }
        // Every syllable there is has keys, and nothing of it is left over.
        assert!(('가'..='힣').all(|syllable| fold(&syllable.to_string()).bytes().all(|key| key.is_ascii_lowercase())));
    }
}
