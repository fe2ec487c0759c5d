//! Mail: a server that speaks RFC 5321 and answers as each test wants.

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mt_paas_core::Secret;
use mt_paas_core::auth::{LinkPurpose, Message, NotSent, Notifier};
use mt_paas_providers::smtp::{InvalidSmtp, SmtpNotifier};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// How the server answers, where it differs from a good one.
#[derive(Clone, Copy, Default)]
struct Answers {
    greeting: Option<&'static str>,
    auth: Option<&'static str>,
    rcpt: Option<&'static str>,
    data: Option<&'static str>,
    /// Says nothing at all.
    silent: bool,
    /// Hangs up in the middle of the message.
    hangs_up: bool,
    /// Takes letters of all scripts in addresses.
    utf8: bool,
}

/// Everything that the client said, a connection at a time.
async fn server(answers: Answers) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let heard = talk(stream, answers).await;
            let _ = tell.send(heard);
        }
    });
    (address, told)
}

async fn talk(stream: TcpStream, answers: Answers) -> String {
    if answers.silent {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut heard = String::new();
    let greeting = answers.greeting.unwrap_or("220 mail.example ESMTP");
    let _ = write.write_all(format!("{greeting}\r\n").as_bytes()).await;
    let mut in_data = false;
    while let Ok(Some(line)) = lines.next_line().await {
        heard.push_str(&line);
        heard.push('\n');
        let answer = match line.split(' ').next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "." if in_data => {
                in_data = false;
                "250 queued"
            }
            _ if in_data && answers.hangs_up => return heard,
            _ if in_data => continue,
            "EHLO" if answers.utf8 => "250-mail.example\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "EHLO" => "250-mail.example\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => answers.auth.unwrap_or("235 welcome"),
            "RCPT" => answers.rcpt.unwrap_or("250 ok"),
            "DATA" => {
                let answer = answers.data.unwrap_or("354 go on");
                in_data = answer.starts_with('3');
                answer
            }
            "QUIT" => {
                let _ = write.write_all(b"221 bye\r\n").await;
                return heard;
            }
            _ => "250 ok",
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            break;
        }
    }
    heard
}

fn notifier(address: SocketAddr, user: &str) -> SmtpNotifier {
    let url = format!("smtp://{user}127.0.0.1:{}", address.port());
    SmtpNotifier::new(&Secret::new(url), "Advisor <advisor@example.com>").unwrap()
}

fn message(email: &str) -> Message {
    Message {
        link_id: uuid::Uuid::nil(),
        purpose: LinkPurpose::Welcome,
        tenant: "hallym_univ".parse().unwrap(),
        user: "u1".parse().unwrap(),
        email: email.to_owned(),
        name: "김철수".to_owned(),
        service: "advisor".to_owned(),
        tenant_name: Some("한림대학교".to_owned()),
        link: "https://ai.example.com/set-password/CANARY-LINK".into(),
        expires_at: "2026-11-24T15:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap(),
        zone: "Asia/Seoul".parse().unwrap(),
    }
}

/// An error with all that is beneath it.
fn chain(error: &NotSent) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        said = format!("{said}: {error}");
        source = error.source();
    }
    format!("{said} {error:?}")
}

/// The text of a mail with one part.
fn decoded(mail: &str) -> String {
    let (head, body) = mail.split_once("\n\n").unwrap();
    let lower = head.to_ascii_lowercase();
    if lower.contains("content-transfer-encoding: base64") {
        let text: String = body.lines().take_while(|line| *line != ".").collect();
        return String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap();
    }
    assert!(lower.contains("8bit") || lower.contains("7bit"), "{head}");
    body.lines().take_while(|line| *line != ".").collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_message_arrives_whole_and_says_that_no_person_wrote_it() {
    let (address, mut told) = server(Answers::default()).await;
    let message = message("kim@example.com");
    notifier(address, "user:p%40ss%2Fword@").send(&message).await.unwrap();
    let heard = told.recv().await.unwrap();
    let proof = heard.lines().find_map(|line| line.strip_prefix("AUTH PLAIN ")).unwrap();
    assert_eq!(BASE64_STANDARD.decode(proof).unwrap(), b"\0user\0p@ss/word");
    assert!(heard.contains("MAIL FROM:<advisor@example.com>") && heard.contains("RCPT TO:<kim@example.com>"));
    for header in ["Auto-Submitted: auto-generated", "Message-ID: <", "Date: ", "To: kim@example.com"] {
        assert_eq!(heard.lines().filter(|line| line.starts_with(header)).count(), 1, "{header}\n{heard}");
    }
    let mail = heard.split_once("DATA\n").unwrap().1;
    let text = decoded(mail).replace("\r\n", "\n");
    assert_eq!(text.trim(), message.text().expose().trim());
}

#[tokio::test]
async fn refusals_for_now_and_for_good_are_told_apart_and_hold_no_secret() {
    let good = Answers::default();
    for (answers, later) in [
        (Answers { greeting: Some("421 busy"), ..good }, true),
        (Answers { auth: Some("535 no user user:CANARY-PASS here"), ..good }, true),
        (Answers { rcpt: Some("451 kim@example.com is greylisted"), ..good }, true),
        (Answers { rcpt: Some("550 no kim@example.com here"), ..good }, false),
        (Answers { data: Some("554 no"), ..good }, false),
        (Answers { hangs_up: true, ..good }, true),
    ] {
        let (address, _told) = server(answers).await;
        let error = notifier(address, "user:CANARY-PASS@").send(&message("kim@example.com")).await.unwrap_err();
        assert_eq!(matches!(error, NotSent::Later(_)), later, "{error:?}");
        let said = chain(&error);
        for secret in ["CANARY", "kim@", "advisor@"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let error = notifier(nobody, "").send(&message("kim@example.com")).await.unwrap_err();
    assert!(matches!(error, NotSent::Later(_)), "{error:?}");
    let (address, _told) = server(Answers { silent: true, ..Answers::default() }).await;
    let began = Instant::now();
    let error = notifier(address, "").send(&message("kim@example.com")).await.unwrap_err();
    assert!(matches!(error, NotSent::Later(_)), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn nothing_is_sent_unencrypted_where_encryption_is_asked_for() {
    let (address, mut told) = server(Answers::default()).await;
    let url = format!("smtp://user:CANARY-PASS@127.0.0.1:{}?tls=required", address.port());
    let notifier = SmtpNotifier::new(&Secret::new(url), "advisor@example.com").unwrap();
    let error = notifier.send(&message("kim@example.com")).await.unwrap_err();
    let heard = told.recv().await.unwrap();
    assert!(!heard.contains("AUTH") && !heard.contains("DATA"), "{heard}");
    // A server that offers no encryption today may do so tomorrow.
    assert!(matches!(error, NotSent::Later(_)), "{error:?}");
}

#[tokio::test]
async fn an_address_of_other_letters_needs_a_server_that_takes_it() {
    let (address, mut told) = server(Answers { utf8: true, ..Answers::default() }).await;
    notifier(address, "").send(&message("김@한림.kr")).await.unwrap();
    assert!(told.recv().await.unwrap().contains("RCPT TO:<김@"));
    let (address, _told) = server(Answers::default()).await;
    let error = notifier(address, "").send(&message("김@한림.kr")).await.unwrap_err();
    assert!(matches!(error, NotSent::Never(_)), "{error:?}");
    notifier(address, "").send(&message("kim@한림.kr")).await.unwrap();
}

#[test]
fn what_is_no_mail_server_is_refused_without_its_password() {
    for url in [
        "mail.example.com",
        "http://user:CANARY@mail.example.com",
        "smtp://",
        "smtp://user:CANARY@mail.example.com?tls=maybe",
        "smtps://user:CANARY@mail.example.com?tls=none",
        "smtp://user:CANARY%ff@127.0.0.1",
    ] {
        let error = SmtpNotifier::new(&Secret::from(url), "a@b.kr").unwrap_err();
        assert!(matches!(error, InvalidSmtp::Url), "{url}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("CANARY"));
    }
    let error = SmtpNotifier::new(&Secret::from("smtp://127.0.0.1"), "nobody").unwrap_err();
    assert!(matches!(error, InvalidSmtp::From(_)));
}
