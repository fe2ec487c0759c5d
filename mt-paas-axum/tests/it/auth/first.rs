//! The first operator.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Ask, PASSWORD, Stand};
use mt_paas_core::TenantId;
use mt_paas_core::users::UserStore;

#[tokio::test]
async fn of_a_hundred_who_claim_a_service_at_once_one_gets_it() {
    let one = Stand::new().await;
    let two = one.second().await;
    let stands = [std::sync::Arc::new(one), std::sync::Arc::new(two)];
    let mut tokens = Vec::new();
    for stand in &stands {
        tokens.push(stand.accounts.setup_token().await.unwrap().unwrap());
    }
    let mut claims = JoinSet::new();
    for number in 0..100_u8 {
        let process = usize::from(number % 2);
        let body = json!({"token": tokens[process].expose(), "login_name": format!("root{number}"), "name": "R", "password": PASSWORD});
        let stand = stands[process].clone();
        claims.spawn(async move { stand.send(Ask::post("/auth/first").json(&body).from([10, 0, 1, number])).await });
    }
    let (mut made, mut others) = (0, 0);
    while let Some(answer) = claims.join_next().await {
        let answer = answer.unwrap();
        match (answer.status, answer.body["error"].as_str()) {
            (201, _) => made += 1,
            (409, Some("NOT_FIRST")) | (410, Some("LINK_ENDED")) => others += 1,
            _ => panic!("{} {}", answer.status, answer.body),
        }
    }
    assert_eq!((made, others), (1, 99));
    assert_eq!(stands[0].store.count_users(&TenantId::operators()).await.unwrap(), 1);
    assert!(stands[1].accounts.setup_token().await.unwrap().is_none());
}

#[tokio::test]
async fn a_weak_password_or_another_token_claims_nothing() {
    let stand = Stand::new().await;
    let token = stand.accounts.setup_token().await.unwrap().unwrap();
    let claim = async |token: &str, password: &str| -> (u16, Value) {
        let body = json!({"token": token, "login_name": "root", "name": "R", "password": password});
        let answer = stand.send(Ask::post("/auth/first").json(&body)).await;
        (answer.status, answer.body)
    };
    let (status, body) = claim(token.expose(), "short").await;
    assert_eq!((status, &body["details"]["fields"][0]["loc"]), (422, &json!(["body", "password"])));
    for wrong in ["", "x", &"A".repeat(43)] {
        let (status, body) = claim(wrong, PASSWORD).await;
        assert_eq!((status, body["error"].as_str()), (410, Some("LINK_ENDED")), "{wrong}");
    }
    assert_eq!(stand.store.count_users(&TenantId::operators()).await.unwrap(), 0);
    assert_eq!(claim(token.expose(), PASSWORD).await.0, 201);
    let told = stand.trail().await;
    let of = |outcome: &str| {
        let first = told.iter().filter(|entry| entry.event.action.as_str() == "operator.first");
        first.filter(|entry| format!("{:?}", entry.event.outcome) == outcome).count()
    };
    assert_eq!((of("Done"), of("Refused")), (1, 4));
}
