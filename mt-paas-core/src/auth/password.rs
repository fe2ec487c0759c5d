//! Passwords: the forms they are stored in, and the work of checking them.

mod algorithm;
mod hash;
mod hasher;
mod stored;
#[cfg(test)]
mod tests;

pub use algorithm::HashAlgorithm;
pub use hash::PasswordHash;
pub use hasher::{HasherOptions, HashingError, PasswordHasher, Verified};
pub use stored::InvalidPasswordHash;
