//! Who is at the door: passwords, tokens of sessions, keys of clients.
//!
//! Only rules live here. Nothing in this module keeps a password, a token or a key: a store gets a [`PasswordHash`] or a
//! [`TokenDigest`], and no way leads back from these.

mod client_key;
mod password;
mod policy;
mod random;
mod token;

pub use client_key::{ClientKey, ClientKeyId, InvalidClientKey, InvalidClientKeyId, KeyPurpose};
pub use password::{
    HashAlgorithm, HasherOptions, HashingError, InvalidPasswordHash, PasswordHash, PasswordHasher, Verified,
};
pub use policy::{InvalidMinimum, MAX_PASSWORD_BYTES, PasswordContext, PasswordPolicy, PasswordRefused};
pub use token::{InvalidToken, InvalidTokenDigest, OneTimeToken, SessionToken, TokenDigest};
