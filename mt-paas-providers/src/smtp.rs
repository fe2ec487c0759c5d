//! Mail by way of the operator's own server.

mod conversation;
mod fault;
mod mail;
mod server;

use std::fmt;

use async_trait::async_trait;
use mt_paas_core::Secret;
use mt_paas_core::auth::{Message, NotSent, Notifier};

use mail::{Mail, Sender};
use server::Server;

/// Sends messages by SMTP (RFC 5321), each over a connection of its own: they are rare, and a connection that was kept
/// may be dead.
///
/// | Address of the server | |
/// |---|---|
/// | `smtps://user:password@host:465` | TLS from the beginning |
/// | `smtp://user:password@host:587?tls=required` | STARTTLS, and nothing is sent without it |
/// | `smtp://127.0.0.1:25` | No TLS, for a server on the same machine |
/// | `smtp://host:25?tls=none` | No TLS over a network that is trusted with passwords and links |
///
/// Ports may be left out if they are those. User and password are percent-encoded, and both or neither are given.
/// Authorities that sign certificates are those of the machine, or of the file that `SSL_CERT_FILE` names.
///
/// An answer is waited for 10 seconds, the last one, before which servers look into the mail, 30 seconds. A server that does
/// not know the recipient refuses for good; refusals of the sender, of the login or by a policy are the operator's to mend,
/// so that another try may help.
pub struct SmtpNotifier {
    server: Server,
    sender: Sender,
}

impl SmtpNotifier {
    /// A client of the server at `url`, for mail from `from`: an address, or `name <address>`.
    ///
    /// # Errors
    ///
    /// [`InvalidSmtp`], which repeats neither.
    pub fn new(url: &Secret<String>, from: &str) -> Result<Self, InvalidSmtp> {
        Ok(Self { server: Server::at(url)?, sender: Sender::new(from)? })
    }
}

#[async_trait]
impl Notifier for SmtpNotifier {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let sent = match Mail::new(&self.sender, message) {
            Ok(mail) => conversation::deliver(&self.server, &self.sender, &mail).await,
            Err(fault) => Err(fault),
        };
        sent.map_err(|fault| {
            let never = fault.is_for_good();
            let source = Box::new(fault);
            if never { NotSent::Never(source) } else { NotSent::Later(source) }
        })
    }
}

impl fmt::Debug for SmtpNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpNotifier").field("host", &self.server.host).field("port", &self.server.port).finish()
    }
}

/// The mail server or the sender cannot be made out. The message says why and repeats neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSmtp(&'static str);
