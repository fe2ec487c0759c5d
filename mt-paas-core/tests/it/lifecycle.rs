//! The state machine of a tenant, as its market sees it.

use chrono::{Days, TimeDelta};
use mt_paas_core::outbox::EventKind;
use mt_paas_core::standard_api::{TenantStatus, Term};
use mt_paas_core::{ErrorKind, StandardAPIHandler};
use serde_json::json;

use crate::stand::{Stand, activation, at, closing, person, settings};

#[tokio::test]
async fn a_repeated_activation_changes_nothing_and_another_one_is_a_conflict() {
    let stand = Stand::new().active().await;
    stand.handler.update_settings(&stand.tenant, settings(&json!({"limits": {"max_users": 3}}))).await.unwrap();
    let before = stand.handler.settings(&stand.tenant).await.unwrap();
    // The features are a set, and unknown members of the configuration do not count.
    let same = activation(&json!({"features": ["chat", "chat"], "config": {"unknown": 1}}));
    assert!(stand.handler.activate_tenant(same).await.unwrap().success);
    for other in [json!({"plan": "premium"}), json!({"features": []}), json!({"config": {"timezone": "Asia/Seoul"}})] {
        let error = stand.handler.activate_tenant(activation(&other)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TenantExists);
    }
    assert_eq!(stand.handler.settings(&stand.tenant).await.unwrap(), before);
    assert_eq!(stand.events().await, [EventKind::TenantActivated]);
}

#[tokio::test]
async fn a_closed_tenant_keeps_its_word_about_data() {
    for preserve in [true, false] {
        let stand = Stand::new().active().await;
        let user = stand.handler.create_user(&stand.tenant, person("u@b.kr")).await.unwrap();
        let born = stand.handler.tenant_status(&stand.tenant).await.unwrap().created_at;
        let closed = stand.handler.deactivate_tenant(&stand.tenant, closing(preserve)).await.unwrap();
        let kept_until = at("2026-11-21T10:00:00Z") + TimeDelta::days(90);
        assert_eq!((closed.data_preserved, closed.data_retention_until), (preserve, preserve.then_some(kept_until)));
        // Again, and with the other wish: the first answer stands.
        stand.clock.advance(TimeDelta::days(1));
        assert_eq!(stand.handler.deactivate_tenant(&stand.tenant, closing(!preserve)).await.unwrap(), closed);
        assert_eq!(stand.handler.settings(&stand.tenant).await.unwrap_err().kind(), ErrorKind::TenantInactive);

        stand.handler.activate_tenant(activation(&json!({"plan": "premium"}))).await.unwrap();
        let status = stand.handler.tenant_status(&stand.tenant).await.unwrap();
        assert_eq!((status.plan.as_str(), status.created_at), ("premium", born));
        assert!(status.updated_at > born);
        assert_eq!(stand.handler.user(&stand.tenant, &user.user_id).await.is_ok(), preserve);
    }
}

#[tokio::test]
async fn a_subscription_renews_itself_and_a_term_does_not() {
    let stand = Stand::new().active().await;
    stand.clock.set(at("2029-06-01T00:00:00Z"));
    let subscription = stand.handler.settings(&stand.tenant).await.unwrap().subscription;
    assert!(subscription.auto_renew && subscription.end_date.unwrap() >= at("2029-06-01T00:00:00Z").date_naive());

    let stand = Stand::new();
    let last = at("2026-11-21T00:00:00Z").date_naive() + Days::new(30);
    let mut demo = activation(&json!({"config": {"timezone": "Asia/Seoul"}}));
    demo.term = Some(Term { end: last });
    stand.handler.activate_tenant(demo.clone()).await.unwrap();
    let user = stand.handler.create_user(&stand.tenant, person("u@b.kr")).await.unwrap();
    // The last day ends where the tenant lives, nine hours before it ends in UTC.
    stand.clock.set(at("2026-12-21T14:59:59Z"));
    assert_eq!(stand.handler.tenant_status(&stand.tenant).await.unwrap().status, TenantStatus::Active);
    stand.clock.set(at("2026-12-21T15:00:00Z"));
    assert_eq!(stand.handler.tenant_status(&stand.tenant).await.unwrap().status, TenantStatus::Suspended);
    assert_eq!(
        stand.handler.list_users(&stand.tenant, Default::default()).await.unwrap_err().kind(),
        ErrorKind::TenantInactive
    );
    // A new activation takes it up again, with everything in it.
    stand.handler.activate_tenant(activation(&json!({"plan": "service"}))).await.unwrap();
    assert!(stand.handler.user(&stand.tenant, &user.user_id).await.is_ok());
}

#[tokio::test]
async fn a_zone_in_which_the_term_is_over_is_refused() {
    let stand = Stand::new();
    let mut demo = activation(&json!({}));
    demo.term = Some(Term { end: at("2026-12-21T00:00:00Z").date_naive() });
    stand.handler.activate_tenant(demo).await.unwrap();
    let zone = |name: &str| stand.handler.update_settings(&stand.tenant, settings(&json!({"timezone": name})));
    // Ten in the evening is the next day in Seoul.
    stand.clock.set(at("2026-12-21T22:00:00Z"));
    let error = zone("Asia/Seoul").await.unwrap_err();
    assert_eq!((error.kind(), error.fields()[0].loc.join(".").as_str()), (ErrorKind::Invalid, "body.timezone"));
    assert_eq!(stand.handler.tenant_status(&stand.tenant).await.unwrap().status, TenantStatus::Active);
    // Where it is still the last day, that day lasts longer.
    zone("America/New_York").await.unwrap();
    stand.clock.set(at("2026-12-22T04:59:59Z"));
    assert_eq!(stand.handler.tenant_status(&stand.tenant).await.unwrap().status, TenantStatus::Active);
    stand.clock.set(at("2026-12-22T05:00:00Z"));
    assert_eq!(stand.handler.tenant_status(&stand.tenant).await.unwrap().status, TenantStatus::Suspended);
}

#[tokio::test]
async fn an_operator_suspends_and_the_market_takes_up_again() {
    let stand = Stand::new().active().await;
    stand.handler.suspend_tenant(&stand.tenant).await.unwrap();
    assert_eq!(stand.handler.tenant_status(&stand.tenant).await.unwrap().status, TenantStatus::Suspended);
    assert_eq!(stand.handler.suspend_tenant(&stand.tenant).await.unwrap_err().kind(), ErrorKind::TenantInactive);
    stand.handler.activate_tenant(activation(&json!({}))).await.unwrap();
    assert_eq!(stand.handler.tenant_status(&stand.tenant).await.unwrap().status, TenantStatus::Active);
}

#[tokio::test]
async fn settings_are_merged_member_by_member() {
    let stand = Stand::new().active().await;
    let tenant = &stand.tenant;
    let colored = settings(&json!({"branding": {"primary_color": "#112233"}, "limits": {"daily_tokens": 5}}));
    stand.handler.update_settings(tenant, colored).await.unwrap();
    let after = stand
        .handler
        .update_settings(tenant, settings(&json!({"features": {"chat": false, "quiz": false}})))
        .await
        .unwrap();
    assert_eq!(after.config.branding.primary_color.as_deref(), Some("#112233"));
    assert_eq!((after.config.limits.daily_tokens, after.config.limits.monthly_tokens), (5, 20_000_000));
    assert_eq!((after.config.max_users, after.config.features["chat"]), (after.config.limits.max_users, false));
    // A feature outside the plan can be off, never on.
    let error =
        stand.handler.update_settings(tenant, settings(&json!({"features": {"quiz": true}}))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FeatureDisabled);
    assert_eq!(stand.handler.limits(tenant).await.unwrap().limits, after.config.limits);
}
