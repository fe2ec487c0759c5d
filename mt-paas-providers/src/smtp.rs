//! Messages to people by mail.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use lettre::address::AddressError;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use mt_paas_core::Secret;
use mt_paas_core::auth::{Message, NotSent, Notifier};
use url::{Host, Url};

/// How long a server may take for a message, from the connection to its last answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// The server knows no such user, or another password (RFC 4954).
const REFUSED_LOGINS: [&str; 3] = ["530", "534", "535"];

/// Hands messages to a mail server (RFC 5321), over TLS unless the address says otherwise.
///
/// # Addresses of servers
///
/// * `smtp://user:password@host:587`: encrypted by STARTTLS, or nothing is sent;
/// * `smtps://user:password@host:465`: encrypted from the first byte;
/// * `smtp://127.0.0.1:25`: a server on the same machine, unencrypted; any other with `?tls=none`.
///
/// Characters of the password that mean something in an address are percent-encoded.
#[derive(Debug)]
pub struct SmtpNotifier {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// The mail server cannot be used. The message never holds its password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSmtp {
    /// It is not such an address.
    #[error("the mail server's address must look like smtp://user:password@host:587 or smtps://user:password@host:465")]
    Url,
    /// The sender is no address that mail can come from.
    #[error("the sender must be an e-mail address such as service@example.com or Service <service@example.com>")]
    From(#[source] AddressError),
    /// TLS cannot be set up here.
    #[error("the mail server's certificate cannot be checked on this machine")]
    Tls(#[source] lettre::transport::smtp::Error),
}

impl SmtpNotifier {
    /// Uses the server at `url`; messages come from `from`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`InvalidSmtp`] says which of both cannot be used.
    pub fn new(url: &Secret<String>, from: &str) -> Result<Self, InvalidSmtp> {
        let from = from.parse().map_err(InvalidSmtp::From)?;
        let url = Url::parse(url.expose()).map_err(|_| InvalidSmtp::Url)?;
        let host = url.host_str().ok_or(InvalidSmtp::Url)?.trim_matches(['[', ']']).to_owned();
        let (tls, port) = encryption(&url, &host)?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(PATIENCE));
        if !url.username().is_empty() {
            let [user, password] = [url.username(), url.password().unwrap_or_default()].map(decoded);
            builder = builder.credentials(Credentials::new(user?, password?));
        }
        Ok(Self { transport: builder.build(), from })
    }

    fn mail(&self, message: &Message) -> Result<lettre::Message, NotSent> {
        let to = recipient(&message.email).ok_or_else(|| never("the address cannot be written to"))?;
        // The name is a stranger's, and stands in the text, where it can do no harm.
        MessageBuilder::new()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject())
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .message_id(None)
            .date_now()
            .body(message.text().expose().clone())
            .map_err(|_| never("the message cannot be written as mail"))
    }
}

#[async_trait]
impl Notifier for SmtpNotifier {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let mail = self.mail(message)?;
        let ascii = mail.envelope().to().iter().all(|to| AsRef::<str>::as_ref(to).is_ascii());
        match tokio::time::timeout(PATIENCE, self.transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            // The server takes ASCII alone.
            Ok(Err(error)) if error.is_client() && !ascii => Err(never("the mail server cannot take this address")),
            Ok(Err(error)) => Err(not_sent(&error)),
            Err(_) => Err(NotSent::Later("the mail server does not answer in time".into())),
        }
    }
}

/// The address that a message goes to. Its domain is written in ASCII, as every server knows it.
fn recipient(email: &str) -> Option<Address> {
    let (mailbox, domain) = email.trim().rsplit_once('@')?;
    let domain = Host::parse(domain).ok()?.to_string();
    Address::new(mailbox, domain).ok()
}

/// What a server's refusal means. Its words are left out: servers repeat addresses and logins in them.
fn not_sent(error: &lettre::transport::smtp::Error) -> NotSent {
    let code = error.status().map(|code| code.to_string());
    match code {
        // The operator can mend that.
        Some(code) if REFUSED_LOGINS.contains(&code.as_str()) => {
            NotSent::Later(format!("the mail server refuses the user or password of SMTP_URL ({code})").into())
        }
        Some(code) if error.is_permanent() => NotSent::Never(format!("the mail server answered {code}").into()),
        Some(code) => NotSent::Later(format!("the mail server answered {code}").into()),
        None if error.is_timeout() => NotSent::Later("the mail server does not answer in time".into()),
        None if error.is_tls() => NotSent::Later("the mail server cannot be reached over TLS".into()),
        None if error.is_client() => NotSent::Later("the mail server lacks what sending needs, such as TLS".into()),
        None => NotSent::Later("the mail server cannot be reached".into()),
    }
}

fn never(why: &str) -> NotSent {
    NotSent::Never(why.into())
}

/// How the way to a server is encrypted, and its usual port.
fn encryption(url: &Url, host: &str) -> Result<(Tls, u16), InvalidSmtp> {
    let parameters = || TlsParameters::new(host.to_owned()).map_err(InvalidSmtp::Tls);
    match (url.scheme(), url.query()) {
        ("smtps", None) => Ok((Tls::Wrapper(parameters()?), 465)),
        ("smtp", Some("tls=required")) => Ok((Tls::Required(parameters()?), 587)),
        ("smtp", Some("tls=none")) => Ok((Tls::None, 25)),
        ("smtp", None) if is_loopback(url) => Ok((Tls::None, 25)),
        ("smtp", None) => Ok((Tls::Required(parameters()?), 587)),
        _ => Err(InvalidSmtp::Url),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        // Outside of http a name or a number is only text to the parser.
        Some(Host::Domain(name)) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        None => false,
    }
}

fn decoded(part: &str) -> Result<String, InvalidSmtp> {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(part).collect();
    String::from_utf8(bytes).map_err(|_| InvalidSmtp::Url)
}

/// Says that nobody wrote this, so that nobody's absence is answered to it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
