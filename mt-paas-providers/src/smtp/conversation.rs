//! One mail over one connection.

use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::AsyncSmtpConnection as Connection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};

use super::fault::{Fault, Step};
use super::mail::{Mail, Sender};
use super::server::{Security, Server};

/// How long an answer is waited for.
const LIMIT: Duration = Duration::from_secs(10);

/// How long the answer to a whole mail is waited for. Who gives up too early sends it twice.
const CONTENT_LIMIT: Duration = Duration::from_secs(30);

/// How long a farewell is waited for.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// Sends `mail` once.
pub(super) async fn deliver(server: &Server, sender: &Sender, mail: &Mail) -> Result<(), Fault> {
    let mut connection = connect(server).await?;
    let sent = hand_over(&mut connection, server, sender, mail).await;
    // Whether it says goodbye changes nothing.
    let _ = tokio::time::timeout(FAREWELL_LIMIT, connection.quit()).await;
    sent
}

async fn connect(server: &Server) -> Result<Connection, Fault> {
    let tls = match &server.security {
        Security::Tls(tls) => Some(tls.clone()),
        Security::StartTls(_) | Security::Plain => None,
    };
    let (address, hello) = ((&*server.host, server.port), ClientId::default());
    let mut connection =
        within(LIMIT, Step::Connection, Connection::connect_tokio1(address, Some(LIMIT), &hello, tls, None)).await?;
    if let Security::StartTls(tls) = &server.security {
        if !connection.can_starttls() {
            return Err(Fault::NoTls);
        }
        within(LIMIT, Step::StartTls, connection.starttls(tls.clone(), &hello)).await?;
    }
    Ok(connection)
}

async fn hand_over(connection: &mut Connection, server: &Server, sender: &Sender, mail: &Mail) -> Result<(), Fault> {
    if let Some(login) = &server.login {
        within(LIMIT, Step::Login, connection.auth(DEFAULT_MECHANISMS, login)).await?;
    }
    let mut parameters = Vec::new();
    if mail.is_international() {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Fault::NotInternational);
        }
        parameters = vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)];
    }
    let from = MailFrom::new(Some(sender.address().clone()), parameters);
    answered(LIMIT, Step::Sender, connection.command(from)).await?;
    answered(LIMIT, Step::Recipient, connection.command(Rcpt::new(mail.to.clone(), Vec::new()))).await?;
    answered(LIMIT, Step::Data, connection.command(Data)).await?;
    answered(CONTENT_LIMIT, Step::Content, connection.message(mail.content.expose())).await
}

/// Waits for the answer that lets a conversation go on: 3xx to DATA, 2xx to everything else.
async fn answered(
    limit: Duration,
    step: Step,
    answer: impl Future<Output = Result<Response, SmtpError>>,
) -> Result<(), Fault> {
    let answer = within(limit, step, answer).await?;
    let wanted = if step == Step::Data { Severity::PositiveIntermediate } else { Severity::PositiveCompletion };
    if answer.code().severity == wanted { Ok(()) } else { Err(Fault::Garbled(step)) }
}

async fn within<T>(limit: Duration, step: Step, work: impl Future<Output = Result<T, SmtpError>>) -> Result<T, Fault> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(|error| Fault::new(step, &error)),
        Err(_) => Err(Fault::Silent(step)),
    }
}
