//! What the checksum is worth.

use std::collections::HashSet;

use super::*;
use crate::auth::client_key::base62::ALPHABET;

fn accepted(text: &str) -> bool {
    text.parse::<ClientKey>().is_ok()
}

/// How many typing errors of a key are taken for a key: every other character from `!` to `~` in every place, every one
/// that is missing, doubled, or swapped with its neighbour.
fn survivors(key: &str, accepted: impl Fn(&str) -> bool) -> usize {
    let bytes = key.as_bytes();
    let places = 0..bytes.len();
    let swaps = places.clone().skip(1).filter(|at| bytes[at - 1] != bytes[*at]).map(|at| {
        let mut typed = bytes.to_vec();
        typed.swap(at - 1, at);
        typed
    });
    let missing = places.clone().map(|at| [&bytes[..at], &bytes[at + 1..]].concat());
    let doubled = places.clone().map(|at| [&bytes[..=at], &bytes[at..]].concat());
    let wrong = places.flat_map(|at| {
        (b'!'..=b'~').filter(move |byte| *byte != bytes[at]).map(move |byte| {
            let mut typed = bytes.to_vec();
            typed[at] = byte;
            typed
        })
    });
    let typed = swaps.chain(missing).chain(doubled).chain(wrong);
    typed.filter(|typed| accepted(std::str::from_utf8(typed).unwrap())).count()
}

#[test]
fn every_typing_error_is_refused() {
    for purpose in KeyPurpose::ALL {
        for _ in 0..25 {
            let key = ClientKey::generate(purpose);
            assert!(accepted(key.expose()));
            assert_eq!(survivors(key.expose(), accepted), 0, "{}", key.expose());
        }
    }
    // The controls: a look at the shape alone takes nearly all errors, a plain sum lets swaps pass.
    let key = ClientKey::generate(KeyPurpose::Live);
    let shape = |text: &str| {
        text.len() == 47 && text.starts_with("mtp_live_") && text[9..].bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    assert!(survivors(key.expose(), shape) >= 38 * 61);
    let sum = |text: &str| text.bytes().map(u64::from).sum::<u64>();
    assert!(survivors(key.expose(), |text| shape(text) && sum(text) == sum(key.expose())) > 20);
}

#[test]
fn a_million_keys_differ_and_are_found_in_text() {
    let pattern = regex::Regex::new(ClientKey::PATTERN).unwrap();
    let mut seen = HashSet::new();
    for number in 0..1_000_000_usize {
        let key = ClientKey::generate(KeyPurpose::ALL[number % 4]);
        let mut typed = key.expose().as_bytes().to_vec();
        // One error in each, somewhere behind the prefix.
        let at = 9 + number / 4 % 38;
        let old = typed[at - 1];
        typed[at - 1] = ALPHABET[number % 62];
        let wrong = String::from_utf8(typed.clone()).unwrap();
        assert_eq!(accepted(&wrong), typed[at - 1] == old, "{wrong}");
        if number % 100 == 0 {
            // Particles stand right behind a word.
            let text = format!("키는 «{}»와 {}입니다.", key.expose(), key.expose());
            assert!(pattern.find_iter(&text).map(|found| found.as_str()).eq([key.expose(); 2]), "{text}");
        }
        assert!(seen.insert(*key.digest().as_bytes()), "twice: {}", key.expose());
    }
    assert!(!pattern.is_match("mtp_live_short and mtp_prod_0123456789012345678901234567890123456789"));
}

#[test]
fn each_character_is_as_likely_as_the_others() {
    let mut counts = [0_u32; 128];
    for _ in 0..20_000 {
        let key = ClientKey::generate(KeyPurpose::Test);
        key.expose()[9..41].bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    }
    // 640,000 characters in 62 kinds: 10,323 each, give or take 101; taking bytes modulo 62 would give some a quarter more.
    for byte in ALPHABET {
        let count = counts[usize::from(*byte)];
        assert!((9_600..=11_050).contains(&count), "{}: {count}", char::from(*byte));
    }
}

#[test]
fn the_answer_says_what_is_wrong_and_repeats_nothing() {
    let key = ClientKey::generate(KeyPurpose::Market);
    let text = key.expose();
    let other = if text.ends_with('0') { '1' } else { '0' };
    for (typed, why) in [
        (String::new(), InvalidClientKey::Prefix),
        ("sk-1234".to_owned(), InvalidClientKey::Prefix),
        (text.replace("mkt", "MKT"), InvalidClientKey::Prefix),
        (text.replace("mtp_mkt_", "mtp_live_"), InvalidClientKey::Checksum),
        (text[..45].to_owned(), InvalidClientKey::Length { expected: 46, length: 45 }),
        (format!("{text}\n"), InvalidClientKey::Length { expected: 46, length: 47 }),
        (format!("{}한", &text[..45]), InvalidClientKey::Character { position: 46 }),
        (format!("mtp_mkt_-{}", &text[9..]), InvalidClientKey::Character { position: 9 }),
        (format!("{}{other}", &text[..45]), InvalidClientKey::Checksum),
    ] {
        let error = typed.parse::<ClientKey>().unwrap_err();
        assert_eq!(error, why, "{typed}");
        let said = format!("{error} {error:?}");
        assert!(!said.contains('한') && !said.contains("sk-1234") && !said.contains(&text[9..20]), "{said}");
    }
    assert!(KeyPurpose::ALL.iter().all(|purpose| KeyPurpose::PREFIXES.contains(purpose.prefix())));
}

#[test]
fn a_key_is_kept_shown_and_named_without_being_told() {
    // Made with Python 3.11: `zlib.crc32` in base 62, and `hashlib.sha256` of the whole and of `client key id`, a zero and
    // the whole.
    let text = "mtp_live_0123456789ABCDEFGHIJKLMNOPQRSTUV0i3z3b";
    let key: ClientKey = text.parse().unwrap();
    assert_eq!(key.purpose(), KeyPurpose::Live);
    assert_eq!(key.digest().to_hex(), "4b7f17353a89562f3999b26dba52d4928ab63a297a50a7da5c95b0c749af1d97");
    assert_eq!(key.id().as_str(), "b6f642279c1f040e0cfba51f");
    assert_eq!(key.shown(), "mtp_live_…3z3b");
    assert_eq!(format!("{key:?}"), "ClientKey(mtp_live_[redacted])");
    assert_eq!(key.id().to_string().parse(), Ok(key.id()));
    for bad in ["", "B6F642279C1F040E0CFBA51F", "../../../../etc/passwd..", text] {
        assert_eq!(bad.parse::<ClientKeyId>(), Err(InvalidClientKeyId));
    }
}
