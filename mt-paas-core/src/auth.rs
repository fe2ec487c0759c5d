//! Who is at the door: accounts, passwords, tokens of sessions, keys of clients.
//!
//! Nothing in this module keeps a password, a token or a key: a store gets a [`PasswordHash`] or a [`TokenDigest`], and no
//! way leads back from these.

mod access;
mod account;
mod accounts;
mod client_key;
mod error;
mod issued_key;
mod link;
mod notify;
mod password;
mod policy;
mod random;
mod session;
mod store;
mod throttle;
mod token;

pub use access::Access;
pub use account::{Account, Credential, CredentialChange, CredentialChanged, Epoch, NewAccount};
pub use accounts::{
    Accounts, AccountsBuilder, AddedPerson, FirstOperator, InvalidAccounts, KeyHolder, LinkHolder, LoggedIn, Login,
    NewKey, NewPerson, Opened, People, Person, PersonChange, UnsafeFirstLogin, Visitor,
};
pub use client_key::{ClientKey, ClientKeyId, InvalidClientKey, InvalidClientKeyId, KeyPurpose};
pub use error::{AuthError, KeyRefused};
pub use issued_key::IssuedKey;
pub use link::{LinkPurpose, OneTimeLink};
pub use notify::{LogNotifier, Message, NotSent, Notifier};
pub use password::{
    HashAlgorithm, HasherOptions, HashingError, InvalidPasswordHash, PasswordHash, PasswordHasher, Verified,
};
pub use policy::{InvalidMinimum, MAX_PASSWORD_BYTES, PasswordContext, PasswordPolicy, PasswordRefused};
pub use session::{Principal, Session};
pub use store::{AuthStore, Swept};
pub use throttle::{Admitted, Bucket, PaidUntil, Rate};
pub use token::{InvalidToken, InvalidTokenDigest, OneTimeToken, SessionToken, TokenDigest};
