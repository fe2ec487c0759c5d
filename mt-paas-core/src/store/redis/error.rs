//! Why the server was of no use, in a sentence.

use redis::{ErrorKind, RedisError};

use crate::store::StoreError;

/// A list on Redis could not be opened. No message holds the address's password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address cannot be read.
    #[error("a Redis address is redis://user:password@host:port/database, or begins with rediss:// for TLS")]
    InvalidUrl(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The prefix cannot be part of a key with a hash tag.
    #[error("the prefix of keys must be 1 to 100 visible ASCII characters without braces")]
    InvalidPrefix,
    /// Nobody answers, or the server does not let the user in.
    #[error("no use could be made of a Redis server")]
    Unreachable(#[source] StoreError),
}

/// What the server at an address said, or that it said nothing.
#[derive(Debug, thiserror::Error)]
#[error("the Redis server at {at} failed")]
struct ServerFailed {
    at: String,
    source: RedisError,
}

/// Somebody else has the turn, again and again.
#[derive(Debug, thiserror::Error)]
#[error("others kept their turn at the Redis server at {at} for {seconds} seconds")]
struct TurnKept {
    at: String,
    seconds: u64,
}

pub(super) fn failed(at: &str, source: RedisError) -> StoreError {
    match source.kind() {
        ErrorKind::UnexpectedReturnType | ErrorKind::Parse => {
            StoreError::Corrupt { what: "list of a key pool", source: source.into() }
        }
        _ => StoreError::Unavailable(Box::new(ServerFailed { at: at.to_owned(), source })),
    }
}

pub(super) fn turn_kept(at: &str, seconds: u64) -> StoreError {
    StoreError::Unavailable(Box::new(TurnKept { at: at.to_owned(), seconds }))
}
