//! What comes of a server that refuses, stalls or breaks off.

use std::time::Duration;

use tokio::time::Instant;

use super::relay::Answer::{self, HangUp, Say, Silence};
use super::*;

/// Whether another try may help.
#[derive(Debug, PartialEq)]
enum Try {
    Again,
    Never,
}

async fn outcome(command: &'static str, answer: Answer) -> (Try, String) {
    let (relay, outcome) = sent_to(Manners::but(command, answer), &message()).await;
    let error = outcome.unwrap_err();
    assert!(relay.heard().mails.is_empty() || command == ".", "{command}");
    let said = error.source().unwrap().to_string();
    match error {
        NotSent::Later(_) => (Try::Again, said),
        NotSent::Never(_) => (Try::Never, said),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_refusal_is_for_good_if_it_is_about_the_recipient_or_the_mail() {
    for (command, reply, expected, said) in [
        ("RCPT", "550 5.1.1 <canary-kim@hallym.ac.kr> unknown", Try::Never, "550 5.1.1 at RCPT"),
        ("RCPT", "550 no such user canary-kim", Try::Never, "550 at RCPT"),
        ("RCPT", "550-5.1.1 no such user\r\n550 5.1.1 canary-kim", Try::Never, "550 5.1.1 at RCPT"),
        ("RCPT", "553 5.1.3 canary", Try::Never, "553 5.1.3 at RCPT"),
        ("DATA", "554 canary", Try::Never, "554 at DATA"),
        (".", "552 5.3.4 too big, canary", Try::Never, "552 5.3.4 at the end of the mail"),
        ("RCPT", "450 4.2.1 canary busy", Try::Again, "450 4.2.1 at RCPT"),
        ("RCPT", "451 4.7.1 greylisted, canary", Try::Again, "451 4.7.1 at RCPT"),
        ("RCPT", "421 4.3.2 canary closing", Try::Again, "421 4.3.2 at RCPT"),
        (".", "451 canary", Try::Again, "451 at the end of the mail"),
        ("DATA", "421 canary", Try::Again, "421 at DATA"),
    ] {
        let (tried, told) = outcome(command, Say(reply)).await;
        assert_eq!(tried, expected, "{command} {reply}");
        assert_eq!(told, format!("the mail server answered {said}"));
    }
}

#[tokio::test]
async fn a_refusal_that_the_operator_can_mend_is_tried_again() {
    for (command, reply) in [
        ("greeting", "554 canary no service"),
        ("greeting", "421 canary busy"),
        ("EHLO", "550 canary go away"),
        ("AUTH", "535 5.7.8 canary-user refused"),
        ("AUTH", "454 4.7.0 canary"),
        ("AUTH", "504 canary"),
        ("MAIL", "530 5.7.0 canary log in first"),
        ("MAIL", "550 5.1.8 canary sender refused"),
        ("MAIL", "451 canary"),
        ("RCPT", "530 5.7.0 canary log in first"),
        ("RCPT", "535 canary"),
        ("RCPT", "554 5.7.1 <canary-kim@hallym.ac.kr>: relay access denied"),
        (".", "550 5.7.1 canary looks like spam"),
    ] {
        assert_eq!(outcome(command, Say(reply)).await.0, Try::Again, "{command} {reply}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_tried_again() {
    for command in ["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."] {
        assert_eq!(outcome(command, HangUp).await.0, Try::Again, "{command}");
        for garbage in ["canary", "999 canary", "2", "", "\u{0}canary"] {
            assert_eq!(outcome(command, Say(garbage)).await.0, Try::Again, "{command} {garbage:?}");
        }
    }
    assert_eq!(
        outcome("DATA", Say("250 canary")).await,
        (Try::Again, "the mail server cannot be understood, or hung up, at DATA".into())
    );
    assert_eq!(outcome(".", Say("354 canary")).await.0, Try::Again);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://canary:canary@{}", listener.local_addr().unwrap());
    drop(listener);
    let error = notifier(&url).send(&message()).await.unwrap_err();
    assert!(matches!(error, NotSent::Later(_)) && !told(&error).contains("canary"));
    assert!(told(&error).contains("at the beginning: connection refused"), "{}", told(&error));
}

#[tokio::test]
async fn a_silent_server_is_left_after_a_while() {
    // At most the time for an answer and the time for a farewell, which this server does not answer either.
    for (command, least, most) in [
        ("greeting", 10, 10),
        ("EHLO", 10, 10),
        ("AUTH", 10, 11),
        ("MAIL", 10, 11),
        ("RCPT", 10, 11),
        ("DATA", 10, 11),
        (".", 30, 31),
    ] {
        let start = Instant::now();
        let (tried, told) = outcome(command, Silence).await;
        let took = start.elapsed();
        assert!(tried == Try::Again && told.starts_with("the mail server did not answer in time at "), "{told}");
        tokio::time::resume();
        // What went before took real time, on a machine that may be busy.
        let most = Duration::from_secs(most + 5);
        assert!(took >= Duration::from_secs(least) && took <= most, "{command}: {took:?}");
    }
}

#[tokio::test]
async fn who_says_no_goodbye_has_the_mail_all_the_same() {
    for answer in [Silence, HangUp, Say("500 canary")] {
        let (relay, outcome) = sent_to(Manners::but("QUIT", answer), &message()).await;
        outcome.unwrap();
        assert_eq!(relay.heard().mails.len(), 1);
        if matches!(answer, Silence) {
            tokio::time::resume();
        }
    }
}
