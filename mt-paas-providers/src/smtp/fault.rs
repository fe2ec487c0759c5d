//! Why mail was not sent, without anything that a server repeated: addresses, names of users, whole mails.

use std::error::Error;
use std::fmt;
use std::io;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::response::Code;

/// Why mail was not sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the recipient has no address that mail can be sent to")]
    NoAddress,
    #[error("the mail cannot be written")]
    NotWritten,
    #[error("the mail server takes no address that is not ASCII before the @")]
    NotInternational,
    #[error("the mail server offers no STARTTLS")]
    NoTls,
    #[error("the mail server answered {code}{} at {step}", detail.as_deref().map(|detail| format!(" {detail}")).unwrap_or_default())]
    Refused { step: Step, code: u16, detail: Option<String> },
    #[error("the mail server did not answer in time at {0}")]
    Silent(Step),
    #[error("the connection to the mail server failed at {0}: {1}")]
    Broken(Step, io::ErrorKind),
    #[error("the mail server cannot be understood, or hung up, at {0}")]
    Garbled(Step),
}

/// How far a conversation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Connection,
    StartTls,
    Login,
    Sender,
    Recipient,
    Data,
    Content,
}

impl Fault {
    /// What lettre says, less every word of the server's.
    pub(super) fn new(step: Step, error: &SmtpError) -> Self {
        if let Some(code) = error.status() {
            return Self::refused(step, code, error.source().map(|said| said.to_string()).unwrap_or_default().trim());
        }
        let mut source: Option<&(dyn Error + 'static)> = error.source();
        while let Some(inner) = source {
            if let Some(io) = inner.downcast_ref::<io::Error>() {
                return Self::Broken(step, io.kind());
            }
            source = inner.source();
        }
        Self::Garbled(step)
    }

    /// A refusal with the words that came with it.
    pub(super) fn refused(step: Step, code: Code, said: &str) -> Self {
        Self::Refused { step, code: code.into(), detail: enhanced(said) }
    }

    /// Whether no other try will help. Before the recipient is named, nothing is known of them; and a login that is missing
    /// or refused, or a policy (RFC 3463, X.7), is for the operator to mend.
    pub(super) fn is_for_good(&self) -> bool {
        match self {
            Self::NoAddress | Self::NotInternational => true,
            Self::Refused { step, code, detail } => {
                let policy = detail.as_deref().is_some_and(|detail| detail.starts_with("5.7."));
                *step >= Step::Recipient && *code >= 500 && !matches!(code, 530 | 534 | 535 | 538) && !policy
            }
            _ => false,
        }
    }
}

/// The enhanced status code (RFC 3463) at the beginning of an answer: digits and points, so nothing of anybody's.
fn enhanced(said: &str) -> Option<String> {
    let first = said.split_whitespace().next()?;
    let parts: Vec<&str> = first.split('.').collect();
    let digits = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    (parts.len() == 3 && parts[0].len() == 1 && parts.iter().all(digits)).then(|| first.to_owned())
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "the beginning",
            Self::StartTls => "STARTTLS",
            Self::Login => "the login",
            Self::Sender => "MAIL",
            Self::Recipient => "RCPT",
            Self::Data => "DATA",
            Self::Content => "the end of the mail",
        })
    }
}
