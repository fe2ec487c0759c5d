//! Keys that somebody could guess.

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest, Sha256};

use super::key::{KEY, SealKeyId};

/// Why a key is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Weakness {
    /// It repeats a few bytes, or only one.
    FewBytes,
    /// Bytes or letters count up or down.
    Sequence,
    /// It is text that somebody typed, put into base64.
    Text,
    /// It spells what stands in for a key in samples.
    Placeholder,
    /// It is the SHA-256 of a common password.
    HashedWord,
    /// It stands in a specification, or in the documentation or the tests of known software.
    Published,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FewBytes => "repeats the same few bytes",
            Self::Sequence => "counts up or down",
            Self::Text => "is text and not random bytes",
            Self::Placeholder => "spells a word, as placeholders do",
            Self::HashedWord => "is the SHA-256 of a common word",
            Self::Published => "is published, as a sample or in tests",
        })
    }
}

/// What is wrong with a key, if anything is. `text` is how it was given. Of random keys some in ten millions are refused,
/// because they spell a word by chance.
pub(super) fn weakness(text: &str, key: &[u8; KEY]) -> Option<Weakness> {
    let lower = text.to_ascii_lowercase();
    let id = SealKeyId::of(key);
    // A random key has about 30 different bytes.
    if key.iter().collect::<BTreeSet<_>>().len() <= KEY / 2 {
        Some(Weakness::FewBytes)
    } else if counts(key) || counts(text.as_bytes()) {
        Some(Weakness::Sequence)
    } else if std::str::from_utf8(key).is_ok_and(|text| !text.chars().any(char::is_control)) {
        Some(Weakness::Text)
    } else if WORDS.iter().any(|word| lower.contains(word)) {
        Some(Weakness::Placeholder)
    } else if COMMON.iter().chain(WORDS).any(|word| SealKeyId::of(&Sha256::digest(word).into()) == id) {
        Some(Weakness::HashedWord)
    } else if PUBLISHED.iter().any(|published| SealKeyId::of(published) == id) {
        Some(Weakness::Published)
    } else {
        None
    }
}

/// Whether a long part of it goes on by the same step, which is not 0.
fn counts(bytes: &[u8]) -> bool {
    let steps: Vec<u8> = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    steps.windows(7).any(|run| run[0] != 0 && run.iter().all(|step| *step == run[0]))
}

/// Long enough not to turn up in a random key.
const WORDS: &[&str] = &[
    "change",
    "secret",
    "passwor",
    "default",
    "example",
    "sample",
    "replace",
    "placeholder",
    "insecure",
    "qwerty",
    "123456",
    "verysecure",
    "testkey",
    "yourkey",
    "mykey",
];

/// Common passwords too short to be looked for inside of a key.
const COMMON: &[&str] = &[
    "",
    "a",
    "key",
    "test",
    "admin",
    "root",
    "user",
    "demo",
    "foo",
    "hello",
    "letmein",
    "iloveyou",
    "changeme",
    "password",
    "password123",
];

const PUBLISHED: &[[u8; KEY]] = &[
    // RFC 8439, A.5
    *b"\x1c\x92\x40\xa5\xeb\x55\xd3\x8a\xf3\x33\x88\x86\x04\xf6\xb5\xf0\x47\x39\x17\xc1\x40\x2b\x80\x09\x9d\xca\x5c\xbc\x20\x70\x75\xc0",
    // NaCl, tests
    *b"\x1b\x27\x55\x64\x73\xe9\x85\xd4\x62\xcd\x51\x19\x7a\x9a\x46\xc7\x60\x09\x54\x9e\xac\x64\x74\xf2\x06\xc4\xee\x08\x44\xf6\x83\x89",
    // Fernet, specification
    *b"\x73\x0f\xf4\xc7\xaf\x3d\x46\x92\x3e\x8e\xd4\x51\xee\x81\x3c\x87\xf7\x90\xb0\xa2\x26\xbc\x96\xa9\x2d\xe4\x9b\x5e\x9c\x05\xe1\xee",
    // Airflow, container samples
    *b"\xe3\xa0\x4a\x26\x84\x18\x94\xf3\xce\x7b\x1a\xb4\x3a\x10\xd9\x9c\x89\x4d\x7a\x92\x85\x7f\xce\xd6\x17\x02\xdb\x7f\x3a\x83\x0e\x1a",
    // Airflow, container samples
    *b"\xf3\x51\xea\x0e\xd6\xea\x03\x2c\x0a\x48\xeb\xa6\x4a\x16\xb7\x06\x15\x8d\x39\xd4\x36\xea\xc9\x53\xe8\xad\x18\x69\x97\x99\xc8\xfb",
    // Laravel, tests of packages
    *b"\xd9\xf9\x7e\x2a\xdb\xe4\x7e\x5f\x85\xbb\x3e\x10\xa7\xf0\x3b\xe4\x6d\x91\x4e\x25\x95\x03\xf6\x68\x29\x9b\xe9\xe9\xf8\xa2\x33\x5d",
];

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

    use super::*;
    use crate::seal::{KeyFault, Keyring};

    fn of(text: &str) -> Option<Weakness> {
        match Keyring::parse(text) {
            Ok(_) => None,
            Err(error) => match error.fault {
                KeyFault::Weak(weakness) => Some(weakness),
                other => panic!("{text}: {other}"),
            },
        }
    }

    fn of_bytes(key: &[u8]) -> Option<Weakness> {
        of(&BASE64_STANDARD.encode(key))
    }

    #[test]
    fn keys_that_somebody_could_guess_are_refused() {
        for byte in 0..=255 {
            assert_eq!(of_bytes(&[byte; KEY]), Some(Weakness::FewBytes), "{byte}");
        }
        for length in 2..=16 {
            let pattern: Vec<u8> =
                (0..length).map(|at: u8| at.wrapping_mul(89).wrapping_add(150)).cycle().take(KEY).collect();
            assert_eq!(of_bytes(&pattern), Some(Weakness::FewBytes), "{pattern:?}");
        }
        for (start, step) in [(0, 1), (1, 1), (0x80, 1), (255, 255), (31, 255), (7, 8), (3, 37)] {
            let sequence: Vec<u8> = (0..32_u8).map(|at| at.wrapping_mul(step).wrapping_add(start)).collect();
            assert!(of_bytes(&sequence).is_some(), "{sequence:?}");
        }
        for text in ["The quick brown fox jumps over 7", "우리학교비밀열쇠입니!7"] {
            assert_eq!(of_bytes(text.as_bytes()), Some(Weakness::Text), "{text}");
        }
        for (text, weakness) in [
            ("ChangeMeBeforeYouPutThisIntoProductionOkay8=", Weakness::Placeholder),
            ("ThisIsMySecretKeyPleaseDoNotShareItWithAny8=", Weakness::Placeholder),
            ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ=", Weakness::Sequence),
            ("changemechangemechangemechangemechangemechA=", Weakness::FewBytes),
            ("XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=", Weakness::HashedWord),
            ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", Weakness::HashedWord),
            ("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=", Weakness::Published),
            ("46BKJoQYlPPOexq0OhDZnIlNepKFf87WFwLbfzqDDho=", Weakness::Published),
            ("2fl+Ktvkfl+Fuz4Qp/A75G2RTiWVA/ZoKZvp6fiiM10=", Weakness::Published),
        ] {
            assert_eq!(of(text), Some(weakness), "{text}");
        }
        for key in PUBLISHED {
            assert_eq!(of(&BASE64_URL_SAFE.encode(key)), Some(Weakness::Published));
        }
    }

    #[test]
    fn a_refusal_does_not_repeat_the_key() {
        let said = Keyring::parse("changemechangemechangemechangemechangemechA=").unwrap_err().to_string();
        assert_eq!(said, "key 1 repeats the same few bytes; `openssl rand -base64 32` makes a better one");
    }

    #[test]
    fn random_keys_are_taken() {
        let refused = (0..20_000_u32).filter(|number| {
            let key: [u8; KEY] = Sha256::digest(number.to_be_bytes()).into();
            weakness(&BASE64_STANDARD.encode(key), &key).is_some()
        });
        assert_eq!(refused.count(), 0);
    }
}
