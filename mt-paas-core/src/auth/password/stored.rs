//! Stored forms of password hashes, read and written.

use std::ops::RangeInclusive;

use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine};

use super::algorithm::Algorithm;
use super::hash::PasswordHash;

/// Why a text is no stored password. Nothing of the text is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPasswordHash {
    /// None of the known forms.
    #[error("the stored password has an unknown form")]
    UnknownForm,
    /// Parts are missing, or one is not a number where one belongs.
    #[error("the stored password is malformed")]
    Malformed,
    /// The salt or hash is not in the encoding of its form.
    #[error("the salt or hash of the stored password cannot be decoded")]
    Encoding,
    /// The salt or hash is too short or too long.
    #[error("the salt or hash of the stored password has a wrong length")]
    Length,
    /// So little work that the password is all but readable, or so much that a check would take very long.
    #[error("the work factor of the stored password is out of bounds")]
    Work,
}

/// Iterations of PBKDF2: 10⁷ take about one and a half seconds.
const ITERATIONS: RangeInclusive<u32> = 1_000..=10_000_000;

/// Memory of Argon2id in KiB.
const MEMORY: RangeInclusive<u32> = 1_024..=262_144;

/// Passes of Argon2id.
const PASSES: RangeInclusive<u32> = 1..=16;

/// Lanes of Argon2id.
const LANES: RangeInclusive<u32> = 1..=16;

/// Logarithm of bcrypt's rounds: 16 take about four seconds.
const COST: RangeInclusive<u32> = 4..=16;

/// bcrypt writes base64 in an order of its own.
const BASE64_BCRYPT: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// Reads any form.
pub(super) fn parse(stored: &str) -> Result<PasswordHash, InvalidPasswordHash> {
    let parts: Vec<&str> = stored.split('$').collect();
    match parts[..] {
        ["pbkdf2_sha256", iterations, salt, hash] => {
            let read = |text| BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidPasswordHash::Encoding);
            pbkdf2(number(iterations)?, read(salt)?, read(hash)?)
        }
        ["", "argon2id", "v=19", work, salt, hash] => argon2id(work, salt, hash),
        ["", "2a", cost, rest] => bcrypt('a', cost, rest),
        ["", "2b", cost, rest] => bcrypt('b', cost, rest),
        ["", "2y", cost, rest] => bcrypt('y', cost, rest),
        ["pbkdf2_sha256", ..] | ["", "argon2id" | "2a" | "2b" | "2y", ..] => Err(InvalidPasswordHash::Malformed),
        _ => Err(InvalidPasswordHash::UnknownForm),
    }
}

/// Puts the parts of a PBKDF2 hash together.
pub(super) fn pbkdf2(iterations: u32, salt: Vec<u8>, digest: Vec<u8>) -> Result<PasswordHash, InvalidPasswordHash> {
    within(iterations, &ITERATIONS)?;
    sized(Algorithm::Pbkdf2 { iterations }, salt, 16..=64, digest, 32..=32)
}

fn argon2id(work: &str, salt: &str, hash: &str) -> Result<PasswordHash, InvalidPasswordHash> {
    let parts: Vec<&str> = work.split(',').collect();
    let [memory, passes, lanes] = parts[..] else { return Err(InvalidPasswordHash::Malformed) };
    let setting = |text: &str, name| number(text.strip_prefix(name).ok_or(InvalidPasswordHash::Malformed)?);
    let (memory, passes, lanes) = (setting(memory, "m=")?, setting(passes, "t=")?, setting(lanes, "p=")?);
    within(memory, &MEMORY)?;
    within(passes, &PASSES)?;
    within(lanes, &LANES)?;
    let read = |text| BASE64_STANDARD_NO_PAD.decode(text).map_err(|_| InvalidPasswordHash::Encoding);
    sized(Algorithm::Argon2id { memory, passes, lanes }, read(salt)?, 8..=64, read(hash)?, 16..=64)
}

fn bcrypt(version: char, cost: &str, rest: &str) -> Result<PasswordHash, InvalidPasswordHash> {
    if cost.len() != 2 {
        return Err(InvalidPasswordHash::Malformed);
    }
    let cost = number(cost)?;
    within(cost, &COST)?;
    let (salt, hash) = rest.split_at_checked(22).ok_or(InvalidPasswordHash::Length)?;
    let read = |text| BASE64_BCRYPT.decode(text).map_err(|_| InvalidPasswordHash::Encoding);
    sized(Algorithm::Bcrypt { version, cost }, read(salt)?, 16..=16, read(hash)?, 23..=23)
}

/// Writes the one form of each algorithm.
pub(super) fn text(hash: &PasswordHash) -> String {
    let PasswordHash { algorithm, salt, digest } = hash;
    match *algorithm {
        Algorithm::Pbkdf2 { iterations } => {
            let [salt, digest] = [salt, digest].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
            format!("pbkdf2_sha256${iterations}${salt}${digest}")
        }
        Algorithm::Argon2id { memory, passes, lanes } => {
            let [salt, digest] = [salt, digest].map(|part| BASE64_STANDARD_NO_PAD.encode(part));
            format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${digest}")
        }
        Algorithm::Bcrypt { version, cost } => {
            let [salt, digest] = [salt, digest].map(|part| BASE64_BCRYPT.encode(part));
            format!("$2{version}${cost:02}${salt}{digest}")
        }
    }
}

/// Digits alone: Rust's own reading would take a sign too.
fn number(text: &str) -> Result<u32, InvalidPasswordHash> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or(InvalidPasswordHash::Malformed)
}

fn within(value: u32, bounds: &RangeInclusive<u32>) -> Result<(), InvalidPasswordHash> {
    if bounds.contains(&value) { Ok(()) } else { Err(InvalidPasswordHash::Work) }
}

fn sized(
    algorithm: Algorithm,
    salt: Vec<u8>,
    salts: RangeInclusive<usize>,
    digest: Vec<u8>,
    digests: RangeInclusive<usize>,
) -> Result<PasswordHash, InvalidPasswordHash> {
    let fits = salts.contains(&salt.len()) && digests.contains(&digest.len());
    fits.then(|| PasswordHash { algorithm, salt: salt.into(), digest: digest.into() })
        .ok_or(InvalidPasswordHash::Length)
}
