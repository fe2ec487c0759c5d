//! Users of a tenant.

use std::sync::Arc;

use chrono::TimeDelta;
use mt_paas_core::idempotency::{KEPT, Scope};
use mt_paas_core::outbox::EventKind;
use mt_paas_core::standard_api::{CreateUserRequest, Page, UpdateUserRequest, UserFilters, UserUsage};
use mt_paas_core::usage::UsageEvent;
use mt_paas_core::{ErrorKind, StandardAPIHandler};
use serde_json::json;

use crate::stand::{Stand, activation, at, person, settings};

#[tokio::test]
async fn a_taken_address_is_reported_before_the_quota_and_a_deleted_one_is_free() {
    let stand = Stand::new().active().await;
    stand.handler.update_settings(&stand.tenant, settings(&json!({"limits": {"max_users": 1}}))).await.unwrap();
    let first = stand.handler.create_user(&stand.tenant, person("Kim@B.kr")).await.unwrap();
    assert!(first.temporary_password && first.email == "Kim@B.kr");
    let kind = |error: mt_paas_core::ApiError| error.kind();
    assert_eq!(
        stand.handler.create_user(&stand.tenant, person(" kim@b.kr ")).await.map_err(kind),
        Err(ErrorKind::UserExists)
    );
    assert_eq!(
        stand.handler.create_user(&stand.tenant, person("lee@b.kr")).await.map_err(kind),
        Err(ErrorKind::QuotaExceeded)
    );
    stand.handler.delete_user(&stand.tenant, &first.user_id).await.unwrap();
    assert_eq!(
        stand.handler.delete_user(&stand.tenant, &first.user_id).await.map_err(kind),
        Err(ErrorKind::UserNotFound)
    );
    let again = stand.handler.create_user(&stand.tenant, person("kim@b.kr")).await.unwrap();
    assert_ne!(again.user_id, first.user_id);
}

#[tokio::test]
async fn the_market_hears_of_a_full_tenant_once_an_hour() {
    let stand = Stand::new();
    stand.handler.activate_tenant(activation(&json!({"config": {"max_users": 0}}))).await.unwrap();
    let refuse = async || stand.handler.create_user(&stand.tenant, person("a@b.kr")).await.unwrap_err();
    for _ in 0..3 {
        assert_eq!(refuse().await.kind(), ErrorKind::QuotaExceeded);
    }
    assert_eq!(stand.events().await, [EventKind::TenantActivated, EventKind::QuotaExceeded]);
    stand.clock.advance(TimeDelta::hours(1) + TimeDelta::microseconds(1));
    refuse().await;
    assert_eq!(stand.events().await.len(), 3);
}

#[tokio::test]
async fn many_at_once_fill_a_tenant_exactly() {
    let stand = Arc::new(Stand::new());
    stand.handler.activate_tenant(activation(&json!({"config": {"limits": {"max_users": 5}}}))).await.unwrap();
    let tries = (0..16).map(|n| {
        let stand = stand.clone();
        tokio::spawn(
            async move { stand.handler.create_user(&stand.tenant, person(&format!("u{n}@b.kr"))).await.is_ok() },
        )
    });
    let mut made = 0;
    for one in tries.collect::<Vec<_>>() {
        made += u32::from(one.await.unwrap());
    }
    assert_eq!(made, 5);
}

#[tokio::test]
async fn a_change_touches_what_it_names() {
    let stand = Stand::new().active().await;
    let made = stand.handler.create_user(&stand.tenant, person("u@b.kr")).await.unwrap();
    let rename = UpdateUserRequest { name: Some("김철수".into()), ..UpdateUserRequest::default() };
    let changed = stand.handler.update_user(&stand.tenant, &made.user_id, rename).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.role, changed.status), ("김철수", made.role, made.status));
    let page = Page { limit: 1, offset: 5 };
    let filters = UserFilters { search: Some("김철".into()), page, ..UserFilters::default() };
    let list = stand.handler.list_users(&stand.tenant, filters).await.unwrap();
    assert_eq!((list.total, list.users.len(), list.limit, list.offset), (1, 0, 1, 5));
}

#[tokio::test]
async fn a_second_run_of_a_request_finds_the_user_of_the_first() {
    let stand = Stand::new().active().await;
    let run = |email: &str| {
        stand.handler.create_user(&stand.tenant, CreateUserRequest { run: Some(scope()), ..person(email) })
    };
    let first = run("a@b.kr").await.unwrap();
    assert_eq!(run(" A@b.kr").await.unwrap(), first);
    // The same key for somebody else is no user of that run.
    assert_ne!(run("c@b.kr").await.unwrap().user_id, first.user_id);
    stand.clock.advance(TimeDelta::minutes(59));
    assert_eq!(run("a@b.kr").await.unwrap(), first);
    stand.clock.advance(TimeDelta::minutes(1));
    assert_eq!(run("a@b.kr").await.unwrap_err().kind(), ErrorKind::UserExists);
}

#[tokio::test]
async fn a_deleted_user_comes_back_under_no_key() {
    let stand = Stand::new().active().await;
    let run = || {
        let request = CreateUserRequest { run: Some(scope()), ..person("a@b.kr") };
        stand.handler.create_user(&stand.tenant, request)
    };
    let first = run().await.unwrap().user_id;
    let mut event = UsageEvent::new("e1", stand.tenant.clone(), at("2026-11-21T10:00:00Z"));
    event.user = Some(first.clone());
    stand.handler.usage().record(event).await.unwrap();
    stand.handler.delete_user(&stand.tenant, &first).await.unwrap();
    // At once, which takes a first run without an answer, and when the answer is no longer kept.
    let second = run().await.unwrap().user_id;
    let second = stand.handler.user(&stand.tenant, &second).await.unwrap();
    assert!(second.user_id != first && second.usage == Some(UserUsage::default()), "{second:?}");
    stand.handler.delete_user(&stand.tenant, &second.user_id).await.unwrap();
    stand.clock.advance(KEPT);
    assert_ne!(run().await.unwrap().user_id, first);
}

fn scope() -> Scope {
    Scope { market_key: "m".to_owned(), route: "POST /mt/tenant/t1/users".to_owned(), key: "k".to_owned() }
}

#[tokio::test]
async fn settings_of_many_callers_at_once_all_land() {
    let stand = Arc::new(Stand::new().active().await);
    let changes = (0..60).map(|n| {
        let stand = stand.clone();
        let feature = format!("f{n}");
        tokio::spawn(async move {
            let change = settings(&json!({"features": {feature: false}}));
            stand.handler.update_settings(&stand.tenant, change).await.is_ok()
        })
    });
    for change in changes.collect::<Vec<_>>() {
        assert!(change.await.unwrap());
    }
    assert_eq!(stand.handler.settings(&stand.tenant).await.unwrap().config.features.len(), 61);
}
