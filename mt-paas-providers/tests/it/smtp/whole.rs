//! What arrives.

use super::*;

#[tokio::test]
async fn a_message_arrives_whole() {
    let (relay, outcome) = sent_to(Manners::default(), &message()).await;
    outcome.unwrap();
    assert_eq!(relay.verbs(), ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]);
    let commands: Vec<String> = relay.heard().commands.into_iter().map(|(command, _)| command).collect();
    assert_eq!(commands[2], "MAIL FROM:<noreply@xn--4y2b581c.kr>");
    assert_eq!(commands[3], "RCPT TO:<canary-kim@hallym.ac.kr>");

    let mail = &relay.heard().mails[0];
    assert!(mail.is_ascii() && mail.split("\r\n").all(|line| line.len() <= 78 && !line.contains(['\r', '\n'])));
    let header = |name| mailbox::header(mail, name).unwrap_or_else(|| panic!("no {name}: {mail}"));
    assert_eq!(header("From"), "한림대학교 상담 <noreply@xn--4y2b581c.kr>");
    assert_eq!(header("To"), "canary-kim@hallym.ac.kr");
    assert_eq!(header("Subject"), "[AI 상담] 비밀번호를 설정해 주세요 / Set your password");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("MIME-Version"), "1.0");
    assert!(header("Date").ends_with(" +0000"));
    let id = header("Message-ID");
    assert!(id.starts_with("<00000000-0000-0000-0000-000000005eed.") && id.ends_with("@xn--4y2b581c.kr>"), "{id}");
    let expected = message().text().expose().clone();
    assert_eq!(mailbox::text(mail).replace("\r\n", "\n"), expected);
    assert!(expected.contains(LINK) && expected.contains("김철수 님"));
}

#[tokio::test]
async fn each_try_is_a_mail_of_its_own() {
    let relay = Relay::start(Manners::default()).await;
    let notifier = notifier(&format!("smtp://{}", relay.address));
    for _ in 0..2 {
        notifier.send(&message()).await.unwrap();
    }
    let ids = relay.heard().mails.iter().map(|mail| mailbox::header(mail, "Message-ID").unwrap()).collect::<Vec<_>>();
    assert!(ids.len() == 2 && ids[0] != ids[1]);
    assert!(!relay.verbs().contains(&"AUTH".to_owned()));
}

#[tokio::test]
async fn no_name_adds_a_header_a_recipient_or_a_command() {
    let (calm, _) = sent_to(Manners::default(), &message()).await;
    let hostile = "x\r\n.\r\nQUIT\r\nBcc: b@evil.kr\r\n\r\n\u{202e}<a@b.kr>,";
    let message =
        Message { name: hostile.into(), service: hostile.into(), tenant_name: Some(hostile.into()), ..message() };
    let (relay, outcome) = sent_to(Manners::default(), &message).await;
    outcome.unwrap();
    assert_eq!(relay.verbs(), calm.verbs());
    let (mail, calm) = (&relay.heard().mails[0], &calm.heard().mails[0]);
    assert_eq!(mailbox::header_names(mail), mailbox::header_names(calm));
    assert_eq!(mailbox::header(mail, "To"), mailbox::header(calm, "To"));
    assert!(mailbox::header(mail, "Subject").unwrap().starts_with("[x "));
}

#[tokio::test]
async fn addresses_of_other_scripts_are_written_as_the_server_can_take_them() {
    let to = |email: &str| Message { email: email.into(), ..message() };
    let (relay, outcome) = sent_to(Manners::default(), &to("kim@한림.kr")).await;
    outcome.unwrap();
    assert!(relay.heard().commands.iter().any(|(command, _)| command == "RCPT TO:<kim@xn--4y2b581c.kr>"));

    let (relay, outcome) = sent_to(Manners::default(), &to("김@한림.kr")).await;
    assert!(matches!(outcome, Err(NotSent::Never(_))));
    assert!(!relay.verbs().contains(&"MAIL".to_owned()));

    let manners = Manners { offers: vec!["8BITMIME", "SMTPUTF8"], ..Manners::default() };
    let (relay, outcome) = sent_to(manners, &to("김@한림.kr")).await;
    outcome.unwrap();
    let commands: Vec<String> = relay.heard().commands.into_iter().map(|(command, _)| command).collect();
    assert_eq!(commands[2], "MAIL FROM:<noreply@xn--4y2b581c.kr> SMTPUTF8 BODY=8BITMIME");
    assert_eq!(commands[3], "RCPT TO:<김@한림.kr>");
    assert_eq!(mailbox::header(&relay.heard().mails[0], "To").unwrap(), "김@한림.kr");
}

#[tokio::test]
async fn what_is_no_address_is_never_sent() {
    for email in ["", "kim", "a@b.kr\r\nRCPT TO:<c@d.kr>", "a@b.kr>, <c@d.kr", "a@[127.0.0.1]", "\"a b\"@c.kr"] {
        let (relay, outcome) = sent_to(Manners::default(), &Message { email: email.into(), ..message() }).await;
        assert!(matches!(outcome, Err(NotSent::Never(_))), "{email}");
        assert!(relay.verbs().is_empty(), "{email}");
    }
}
