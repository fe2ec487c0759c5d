//! Mail, against a server that behaves well or badly.

mod mailbox;
mod refusals;
mod relay;
mod tls;
mod whole;

use std::error::Error;
use std::time::Duration;

use mt_paas_core::Secret;
use mt_paas_core::auth::{LinkPurpose, Message, NotSent, Notifier};
use mt_paas_providers::SmtpNotifier;
use tokio::time::timeout;
use uuid::Uuid;

use relay::{Manners, Relay};

const LINK: &str = "https://advisor.hallym.ac.kr/t/hallym/password#canary-link-3f9c1e";

const SENDER: &str = "한림대학교 상담 <noreply@한림.kr>";

fn message() -> Message {
    Message {
        link_id: Uuid::from_u128(0x5eed),
        purpose: LinkPurpose::Welcome,
        tenant: "hallym_univ".parse().unwrap(),
        user: "user_1".parse().unwrap(),
        email: "canary-kim@hallym.ac.kr".into(),
        name: "김철수".into(),
        service: "AI 상담".into(),
        tenant_name: Some("한림대학교".into()),
        link: Secret::from(LINK),
        expires_at: "2026-11-28T15:04:05Z".parse().unwrap(),
        zone: "Asia/Seoul".parse().unwrap(),
    }
}

fn notifier(url: &str) -> SmtpNotifier {
    SmtpNotifier::new(&Secret::from(url), SENDER).unwrap()
}

/// Sends one message to a server with such manners. What comes of it must not tell anybody's secrets.
async fn sent_to(manners: Manners, message: &Message) -> (Relay, Result<(), NotSent>) {
    let relay = Relay::start(manners).await;
    let url = format!("smtp://canary-user:canary-password@{}", relay.address);
    let limit = Duration::from_secs(120);
    let outcome = timeout(limit, notifier(&url).send(message)).await.expect("a try ends within two minutes");
    if let Err(error) = &outcome {
        let told = told(error);
        assert!(!told.contains("canary") && !told.contains("127.0.0.1"), "{told}");
    }
    (relay, outcome)
}

/// Everything that an error can say.
fn told(error: &NotSent) -> String {
    let mut told = format!("{error:?} {error:#?}");
    let mut source: Option<&dyn Error> = Some(error);
    while let Some(error) = source {
        told += &format!(" | {error} {error:?}");
        source = error.source();
    }
    told
}
