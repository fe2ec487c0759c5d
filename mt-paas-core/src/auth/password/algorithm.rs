//! Slow functions of passwords.

use argon2::{Argon2, Version};
use pbkdf2::pbkdf2_hmac_with_params;

use super::hash::PasswordHash;
use crate::auth::random;

/// How new hashes of passwords are made. The default is [`PBKDF2`](Self::PBKDF2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashAlgorithm(pub(super) Algorithm);

impl HashAlgorithm {
    /// PBKDF2-HMAC-SHA256 with 600,000 iterations (OWASP, NIST SP 800-132).
    pub const PBKDF2: Self = Self(Algorithm::Pbkdf2 { iterations: 600_000 });

    /// Argon2id with 19 MiB, two passes and one lane (OWASP, RFC 9106).
    pub const ARGON2ID: Self = Self(Algorithm::Argon2id { memory: 19_456, passes: 2, lanes: 1 });

    /// Far too weak, and fast enough for tests that log many people in.
    #[cfg(any(test, feature = "testing"))]
    pub const FOR_TESTS: Self = Self(Algorithm::Pbkdf2 { iterations: 1_000 });

    /// A new hash of `password`, with a salt of its own.
    pub(super) fn hash(self, password: &[u8]) -> Result<PasswordHash, Broken> {
        let salt = random::bytes::<SALT>();
        let digest = self.0.digest(password, &salt, DIGEST)?;
        Ok(PasswordHash { algorithm: self.0, salt: salt.into(), digest: digest.into() })
    }

    /// A hash that no password has, and that takes as long to check as any other of this algorithm.
    pub(super) fn decoy(self) -> PasswordHash {
        PasswordHash { algorithm: self.0, salt: random::bytes::<SALT>().into(), digest: [0; DIGEST].into() }
    }

    /// Whether `hash` is of another algorithm or easier to guess from than a new one.
    pub(super) fn outdates(self, hash: &PasswordHash) -> bool {
        hash.salt.len() < SALT || hash.digest.len() < DIGEST || self.0.outdates(hash.algorithm)
    }
}

impl Default for HashAlgorithm {
    fn default() -> Self {
        Self::PBKDF2
    }
}

/// Why the work broke off.
pub(super) type Broken = Box<dyn std::error::Error + Send + Sync>;

/// Bytes of a new salt.
const SALT: usize = 16;

/// Bytes of a new digest.
const DIGEST: usize = 32;

/// A slow function with what it was set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// PBKDF2-HMAC-SHA256.
    Pbkdf2 { iterations: u32 },
    /// Argon2id, version 19. Memory is in KiB.
    Argon2id { memory: u32, passes: u32, lanes: u32 },
    /// bcrypt, written `2a`, `2b` or `2y`, which mean the same. No new hash is made with it.
    Bcrypt { version: char, cost: u32 },
}

impl Algorithm {
    /// The first `length` bytes that the function makes of a password. Salts of bcrypt are 16 bytes long.
    pub(super) fn digest(self, password: &[u8], salt: &[u8], length: usize) -> Result<Vec<u8>, Broken> {
        let mut digest = vec![0; length];
        match self {
            Self::Pbkdf2 { iterations } => {
                let params = pbkdf2::Params::new(iterations)?;
                // Not the generic function, which a debug build would leave without optimisation.
                pbkdf2_hmac_with_params(password, salt, pbkdf2::Algorithm::Pbkdf2Sha256, params, &mut digest);
            }
            Self::Argon2id { memory, passes, lanes } => {
                let params = argon2::Params::new(memory, passes, lanes, Some(length))?;
                Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                    password,
                    salt,
                    &mut digest,
                )?;
            }
            Self::Bcrypt { cost, .. } => {
                let mut fixed = [0; 16];
                fixed.copy_from_slice(salt);
                digest.copy_from_slice(&bcrypt::bcrypt(cost, fixed, &bcrypt_key(password))[..length]);
            }
        }
        Ok(digest)
    }

    /// Whether a hash of `old` should be replaced by one of this.
    fn outdates(self, old: Self) -> bool {
        match (self, old) {
            (Self::Pbkdf2 { iterations }, Self::Pbkdf2 { iterations: old }) => old < iterations,
            (Self::Argon2id { memory, passes, .. }, Self::Argon2id { memory: old_memory, passes: old_passes, .. }) => {
                old_memory < memory || old_passes < passes
            }
            _ => true,
        }
    }

    /// What is left to do after a check with `done`, so that it takes as long as one with this.
    pub(super) fn shortfall(self, done: Self) -> Option<Self> {
        match (self, done) {
            (Self::Pbkdf2 { iterations }, Self::Pbkdf2 { iterations: done }) => {
                // A thousand is the least that the function does, and far less than what anybody could see.
                let rest = iterations.checked_sub(done).filter(|rest| *rest >= 1_000)?;
                Some(Self::Pbkdf2 { iterations: rest })
            }
            _ => None,
        }
    }
}

/// What bcrypt looks at: the password and a zero, of these the first 72 bytes. The makers of the stored hashes looked no
/// further, so neither may we.
fn bcrypt_key(password: &[u8]) -> Vec<u8> {
    password.iter().copied().chain([0]).take(72).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_of_a_weaker_hash_is_made_as_long_as_one_of_a_new_hash() {
        let Algorithm::Pbkdf2 { iterations: full } = HashAlgorithm::PBKDF2.0 else { panic!("the default") };
        for old in [1_000, 100_000, 200_000, 599_000] {
            let rest = HashAlgorithm::PBKDF2.0.shortfall(Algorithm::Pbkdf2 { iterations: old });
            assert_eq!(rest, Some(Algorithm::Pbkdf2 { iterations: full - old }));
        }
        for old in [599_001, 600_000, 700_000] {
            assert_eq!(HashAlgorithm::PBKDF2.0.shortfall(Algorithm::Pbkdf2 { iterations: old }), None);
        }
        // A user who is not there costs what a new hash costs.
        for algorithm in [HashAlgorithm::PBKDF2, HashAlgorithm::ARGON2ID] {
            assert_eq!(algorithm.decoy().algorithm, algorithm.0);
            assert!(!algorithm.outdates(&algorithm.decoy()));
        }
    }

    #[test]
    fn less_memory_or_fewer_passes_are_weaker_and_more_are_not() {
        let outdated =
            |memory, passes| HashAlgorithm::ARGON2ID.0.outdates(Algorithm::Argon2id { memory, passes, lanes: 1 });
        assert!(outdated(19_455, 2) && outdated(19_456, 1));
        assert!(!outdated(19_456, 2) && !outdated(65_536, 3));
    }

    #[test]
    fn a_short_salt_is_replaced_too() {
        let short = PasswordHash { salt: [7; 8].into(), ..HashAlgorithm::ARGON2ID.decoy() };
        assert!(HashAlgorithm::ARGON2ID.outdates(&short));
        let short = PasswordHash { digest: [7; 16].into(), ..HashAlgorithm::ARGON2ID.decoy() };
        assert!(HashAlgorithm::ARGON2ID.outdates(&short));
    }
}
