//! One-time links.

use mt_paas_core::StoreHandler;
use mt_paas_core::auth::{LinkPurpose, PasswordRefused};
use mt_paas_core::fields::FromFields;
use mt_paas_core::standard_api::{ActivateRequest, CreateUserRequest, StandardAPIHandler};
use serde_json::json;

use super::*;

async fn market(house: &House) -> StoreHandler {
    let handler = StoreHandler::builder(house.store.clone(), "advisor", "1")
        .clock(house.clock.clone())
        .accounts(house.accounts.clone())
        .build()
        .unwrap();
    let body = json!({ "tenant_id": "school", "tenant_name": "한림대학교", "plan": "basic", "features": [],
        "contact": { "email": "it@example.com", "name": "IT" } });
    handler.activate_tenant(ActivateRequest::from_body(body.as_object().unwrap()).unwrap()).await.unwrap();
    handler
}

async fn add(handler: &StoreHandler, body: serde_json::Value) -> UserId {
    let request = CreateUserRequest::from_body(body.as_object().unwrap()).unwrap();
    handler.create_user(&school(), request).await.unwrap().user_id
}

fn letters(house: &House) -> Vec<(String, String)> {
    house.mail.messages.lock().unwrap().clone()
}

#[tokio::test]
async fn a_new_user_of_the_market_is_sent_a_link_sets_a_password_and_logs_in() {
    let house = House::new();
    let handler = market(&house).await;
    add(&handler, json!({ "email": "Kim@example.com", "name": "Kim" })).await;
    assert_eq!(house.accounts.send_links().await.unwrap(), 1);
    assert_eq!(house.accounts.send_links().await.unwrap(), 0);
    let (to, link) = letters(&house).pop().unwrap();
    assert_eq!(to, "Kim@example.com");
    let token = token_of(&link);
    let holder = house.accounts.link(&token).await.unwrap();
    assert_eq!((holder.purpose, holder.minimum), (LinkPurpose::Welcome, 8));
    // A refused password leaves the link as good as it was.
    let refused = house.accounts.set_password(&token, &"kim@example.com".into(), &Visitor::default()).await;
    assert!(matches!(refused, Err(AuthError::Password(PasswordRefused::Context))), "{refused:?}");
    let opened = house.accounts.set_password(&token, &GOOD.into(), &Visitor::default()).await.unwrap();
    house.accounts.session(&opened.token).await.unwrap();
    house.log_in(&school(), "kim@example.com", GOOD).await.unwrap();
    let again = house.accounts.set_password(&token, &"eight cranes at dawn".into(), &Visitor::default()).await;
    assert!(matches!(again, Err(AuthError::LinkEnded)));
}

#[tokio::test]
async fn a_password_of_the_market_lets_in_once_to_be_changed() {
    let house = House::new();
    let handler = market(&house).await;
    let body = json!({ "email": "kim@example.com", "name": "Kim", "password": "temp_password_123", "send_welcome_email": false });
    add(&handler, body).await;
    assert_eq!(house.accounts.send_links().await.unwrap(), 0);
    let opened = house.log_in(&school(), "kim@example.com", "temp_password_123").await.unwrap();
    assert!(opened.principal.must_change);
}

#[tokio::test]
async fn a_link_that_could_not_be_sent_is_sent_later_with_another_token() {
    let house = House::new();
    let handler = market(&house).await;
    add(&handler, json!({ "email": "kim@example.com", "name": "Kim" })).await;
    *house.mail.refuse.lock().unwrap() = Some(true);
    assert_eq!(house.accounts.send_links().await.unwrap(), 0);
    *house.mail.refuse.lock().unwrap() = None;
    assert_eq!(house.accounts.send_links().await.unwrap(), 0, "not before its time");
    house.clock.advance(TimeDelta::seconds(30));
    assert_eq!(house.accounts.send_links().await.unwrap(), 1);
    house.accounts.link(&token_of(&letters(&house)[0].1)).await.unwrap();
    house.clock.advance(TimeDelta::days(3));
    let late = house.accounts.link(&token_of(&letters(&house)[0].1)).await;
    assert!(matches!(late, Err(AuthError::LinkEnded)));
}

#[tokio::test]
async fn a_process_that_dies_between_two_steps_of_sending_loses_no_link() {
    let house = House::new();
    let handler = market(&house).await;
    add(&handler, json!({ "email": "kim@example.com", "name": "Kim" })).await;
    // It took the link, and died.
    let now = house.clock.now();
    assert_eq!(house.store.links_to_send(now, now + TimeDelta::minutes(2), 10).await.unwrap().len(), 1);
    assert_eq!(house.another().send_links().await.unwrap(), 0);
    house.clock.advance(TimeDelta::minutes(2));
    assert_eq!(house.another().send_links().await.unwrap(), 1);
}

#[tokio::test]
async fn an_address_that_takes_nothing_is_not_tried_again() {
    let house = House::new();
    let handler = market(&house).await;
    add(&handler, json!({ "email": "kim@example.com", "name": "Kim" })).await;
    *house.mail.refuse.lock().unwrap() = Some(false);
    house.accounts.send_links().await.unwrap();
    *house.mail.refuse.lock().unwrap() = None;
    house.clock.advance(TimeDelta::days(1));
    assert_eq!(house.accounts.send_links().await.unwrap(), 0);
}

#[tokio::test]
async fn whoever_forgot_their_password_is_sent_a_link_and_strangers_learn_nothing() {
    let house = House::new();
    let handler = market(&house).await;
    add(&handler, json!({ "email": "kim@example.com", "name": "Kim", "send_welcome_email": false })).await;
    for name in ["kim@example.com", "nobody@example.com"] {
        house.accounts.forgot(&school(), name, &from("10.0.0.1")).await.unwrap();
    }
    let sent = async {
        while house.accounts.send_links().await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), sent).await.unwrap();
    let letters = letters(&house);
    assert_eq!(letters.len(), 1);
    house.accounts.set_password(&token_of(&letters[0].1), &GOOD.into(), &Visitor::default()).await.unwrap();
}

#[tokio::test]
async fn a_new_password_ends_the_links_of_before() {
    let house = House::new();
    let kim = house.person(&school(), "kim", Access::User).await;
    let link = house.accounts.give_link(&super_admin(), &school(), &kim.principal.user, true).await.unwrap().unwrap();
    house.accounts.link(&token_of(link.expose())).await.unwrap();
    let new = "eight cranes at dawn".into();
    house.accounts.change_password(&logged_in(&kim), &GOOD.into(), &new, &Visitor::default()).await.unwrap();
    assert!(matches!(house.accounts.link(&token_of(link.expose())).await, Err(AuthError::LinkEnded)));
}

#[tokio::test]
async fn a_market_takes_the_tenant_over_that_people_joined_by_themselves() {
    let house = House::new();
    let joined = house.person(&school(), "kim", Access::User).await;
    let handler = market(&house).await;
    let status = handler.tenant_status(&school()).await.unwrap();
    assert_eq!(status.plan, "basic");
    handler.user(&school(), &joined.principal.user).await.unwrap();
    house.log_in(&school(), "kim@example.com", GOOD).await.unwrap();
}
