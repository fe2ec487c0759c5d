//! Messages to people, and who hands them over.

mod log;
mod message;

use async_trait::async_trait;

pub use log::LogNotifier;
pub use message::Message;

/// Hands messages to people: by mail, by a message of the service's own, or to the operator's eyes.
///
/// A message is a secret, because of the link that it holds: nobody writes it to a log.
#[async_trait]
pub trait Notifier: Send + Sync + 'static {
    /// Hands a message over to the next station on its way, such as a mail server.
    ///
    /// # Errors
    ///
    /// [`NotSent`] says whether another try may help.
    async fn send(&self, message: &Message) -> Result<(), NotSent>;
}

/// A message was not handed over. Neither text nor source hold the message or anybody's address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// Another try may help.
    #[error("the message was not sent; another try may help")]
    Later(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nobody takes a message for this address.
    #[error("the message was refused for good")]
    Never(#[source] Box<dyn std::error::Error + Send + Sync>),
}
