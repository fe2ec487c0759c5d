//! Encrypted conversations.

use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::relay::Answer::{HangUp, Say};
use super::*;

/// Where the process of the inner test finds what the outer one made.
const MADE: &str = "MT_PAAS_TEST_CERTIFICATE";

/// An authority that nobody but these tests trusts, and its certificate for `localhost`.
struct Made {
    authority: String,
    certificate: String,
    key: String,
}

impl Made {
    fn new() -> Self {
        let (key, own) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&own).unwrap().pem();
        let issuer = Issuer::new(params, own);
        let certificate =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        Self { authority, certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Of this process: what another one made for it, or its own.
    fn acceptor() -> TlsAcceptor {
        #[allow(clippy::disallowed_methods, reason = "the outer test speaks to the inner one by it")]
        let folder = std::env::var_os(MADE).map(std::path::PathBuf::from);
        let read = |folder: std::path::PathBuf| {
            let read = |name| std::fs::read_to_string(folder.join(name)).unwrap();
            Self { authority: read("authority"), certificate: read("certificate"), key: read("key") }
        };
        let made = folder.map_or_else(Self::new, read);
        let certificate = CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

async fn starttls(
    answers: Vec<(&'static str, relay::Answer)>,
    offers: Vec<&'static str>,
) -> (Relay, Result<(), NotSent>) {
    let relay = Relay::start(Manners { offers, answers, tls: Some(Made::acceptor()), tls_first: false }).await;
    let url = format!("smtp://canary-user:canary-password@localhost:{}?tls=required", relay.address.port());
    let outcome = notifier(&url).send(&message()).await;
    (relay, outcome)
}

/// Only `EHLO`, `STARTTLS` and `QUIT` may be said in the clear.
fn nothing_in_the_clear(relay: &Relay) {
    for (command, encrypted) in relay.heard().commands {
        let harmless = ["EHLO ", "STARTTLS", "QUIT"].iter().any(|known| command.starts_with(known));
        assert!(encrypted || harmless, "{command:?}");
    }
}

fn is_later(outcome: Result<(), NotSent>) -> String {
    let error = outcome.unwrap_err();
    let told = told(&error);
    assert!(matches!(error, NotSent::Later(_)) && !told.contains("canary"), "{told}");
    told
}

#[tokio::test]
async fn nothing_is_sent_without_the_tls_that_is_required() {
    let (relay, outcome) = starttls(vec![], vec![]).await;
    assert!(is_later(outcome).contains("the mail server offers no STARTTLS"));
    assert_eq!(relay.verbs(), ["EHLO"]);
    for answer in [Say("454 4.7.0 canary"), Say("500 canary"), HangUp] {
        let (relay, outcome) = starttls(vec![("STARTTLS", answer)], vec!["STARTTLS"]).await;
        is_later(outcome);
        nothing_in_the_clear(&relay);
    }
}

#[tokio::test]
async fn a_certificate_of_nobody_is_refused() {
    let (relay, outcome) = starttls(vec![], vec!["STARTTLS"]).await;
    assert!(is_later(outcome).contains("at STARTTLS"));
    assert_eq!(relay.verbs(), ["EHLO", "STARTTLS"]);
    let relay = Relay::start(Manners { tls: Some(Made::acceptor()), tls_first: true, ..Manners::default() }).await;
    let url = format!("smtps://canary-user:canary-password@localhost:{}", relay.address.port());
    is_later(notifier(&url).send(&message()).await);
    assert!(relay.verbs().is_empty());
}

/// The list of authorities is the process's, so another process has another.
#[test]
fn a_certificate_of_a_known_authority_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let Made { authority, certificate, key } = Made::new();
    for (name, text) in [("authority", authority), ("certificate", certificate), ("key", key)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let inner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "smtp::tls::with_the_authority_of_tests"])
        .env("SSL_CERT_FILE", folder.path().join("authority"))
        .env(MADE, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inner.stdout);
    assert!(inner.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "another test runs it in a process of its own"]
async fn with_the_authority_of_tests() {
    let (relay, outcome) = starttls(vec![], vec!["STARTTLS"]).await;
    outcome.unwrap();
    assert_eq!(relay.verbs(), ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]);
    nothing_in_the_clear(&relay);
    assert_eq!(mailbox::text(&relay.heard().mails[0]).replace("\r\n", "\n"), *message().text().expose());

    let relay = Relay::start(Manners { tls: Some(Made::acceptor()), tls_first: true, ..Manners::default() }).await;
    let port = relay.address.port();
    notifier(&format!("smtps://u:p@localhost:{port}")).send(&message()).await.unwrap();
    assert!(relay.heard().mails.len() == 1 && relay.heard().commands.iter().all(|(_, encrypted)| *encrypted));
    // This reaches the same server, and is no name of its certificate.
    let other = notifier(&format!("smtps://u:p@127.0.0.1:{port}"));
    is_later(other.send(&message()).await);
    assert_eq!(relay.heard().mails.len(), 1);
}
