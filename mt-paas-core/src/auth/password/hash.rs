//! What is kept of a password.

use std::fmt;

use subtle::ConstantTimeEq;

use super::algorithm::{Algorithm, Broken};
use super::stored::{self, InvalidPasswordHash};

/// What a store keeps of a password. It proves nothing: whoever shows it instead of the password is refused.
///
/// # Forms
///
/// | Form | Made by |
/// |---|---|
/// | `pbkdf2_sha256$iterations$salt$hash`, salt of 16 to 64 and hash of 32 bytes in base64url without padding | this crate, earlier services |
/// | `$argon2id$v=19$m=…,t=…,p=…$salt$hash` (PHC) | this crate by option, many others |
/// | `$2a$…`, `$2b$…`, `$2y$…` (bcrypt) | earlier services |
/// | hash and salt apart in hexadecimal | earlier services, [`from_hex`](Self::from_hex) |
#[derive(Clone)]
pub struct PasswordHash {
    pub(super) algorithm: Algorithm,
    pub(super) salt: Box<[u8]>,
    pub(super) digest: Box<[u8]>,
}

impl PasswordHash {
    /// Reads a stored form.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without the text. A hash whose check would take very long is refused too, so that no row of
    /// a database can keep the machine busy.
    pub fn parse(stored: &str) -> Result<Self, InvalidPasswordHash> {
        stored::parse(stored)
    }

    /// A PBKDF2-HMAC-SHA256 hash of 32 bytes whose parts were stored apart, in hexadecimal.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn from_hex(hash: &str, salt: &str, iterations: u32) -> Result<Self, InvalidPasswordHash> {
        let read = |text| hex::decode(text).map_err(|_| InvalidPasswordHash::Encoding);
        stored::pbkdf2(iterations, read(salt)?, read(hash)?)
    }

    /// The text to store. It is no password, but everybody who reads it can try passwords on it.
    pub fn to_stored(&self) -> String {
        stored::text(self)
    }

    /// Whether `password` is the one.
    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, Broken> {
        let digest = self.algorithm.digest(password, &self.salt, self.digest.len())?;
        Ok(digest.ct_eq(&self.digest).into())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({:?}, [redacted])", self.algorithm)
    }
}

/// In a time that does not tell where two forms differ.
impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.to_stored().as_bytes().ct_eq(other.to_stored().as_bytes()).into()
    }
}

impl Eq for PasswordHash {}
