//! Usage, from the event to the figure.

use chrono::TimeDelta;
use mt_paas_core::standard_api::TopUsersQuery;
use mt_paas_core::usage::{Recorded, UsageEvent};
use mt_paas_core::{ErrorKind, NanoUsd, StandardAPIHandler, UserId};
use serde_json::json;

use crate::stand::{Stand, at, person, settings};

fn event(stand: &Stand, id: &str, user: &UserId, when: &str) -> UsageEvent {
    UsageEvent {
        user: Some(user.clone()),
        session: Some("s1".into()),
        messages: 2,
        model: Some("gpt-4o".into()),
        input_tokens: 1_000_000,
        output_tokens: 100_000,
        ..UsageEvent::new(id, stand.tenant.clone(), at(when))
    }
}

#[tokio::test]
async fn every_figure_follows_from_the_events_and_all_agree() {
    let stand = Stand::new().active().await;
    let tenant = &stand.tenant;
    let user = stand.handler.create_user(tenant, person("u@b.kr")).await.unwrap().user_id;
    let gone = stand.handler.create_user(tenant, person("gone@b.kr")).await.unwrap().user_id;
    let unpriced = UsageEvent { model: Some("own-model".into()), ..event(&stand, "e3", &user, "2026-11-20T09:00:00Z") };
    let stored =
        UsageEvent { storage_bytes: Some((3 << 20) + 1), ..event(&stand, "e4", &gone, "2026-11-19T09:00:00Z") };
    let events = [
        event(&stand, "e1", &user, "2026-11-21T09:00:00Z"),
        event(&stand, "e2", &user, "2026-11-20T23:00:00Z"),
        unpriced,
        stored,
    ];
    let usage = stand.handler.usage();
    assert_eq!(usage.record_many(events.clone()).await.unwrap(), Recorded { new: 4, repeated: 0 });
    assert_eq!(usage.record_many(events).await.unwrap(), Recorded { new: 0, repeated: 4 });
    stand.handler.delete_user(tenant, &gone).await.unwrap();

    let stats = stand.handler.tenant_stats(tenant, "30d".parse().unwrap()).await.unwrap();
    let costs = stand.handler.tenant_costs(tenant, "30d".parse().unwrap()).await.unwrap();
    let month = stand.handler.tenant_usage(tenant, "2026-11".parse().unwrap()).await.unwrap().usage;
    // Three priced events of 2.5 + 1 dollars; one session; two users were there, one is left.
    assert_eq!(stats.summary.estimated_cost_usd, NanoUsd::new(10_500_000_000));
    assert_eq!(costs.total_cost_usd, stats.summary.estimated_cost_usd);
    assert_eq!(costs.unpriced_models, ["own-model"]);
    assert_eq!(
        (stats.summary.total_sessions, stats.summary.total_messages, stats.summary.total_tokens),
        (1, 8, 4_400_000)
    );
    assert_eq!((stats.summary.total_users, stats.summary.active_users, month.active_users), (1, 1, 2));
    assert_eq!((month.api_calls, month.ai_tokens, month.storage_mb, month.total_sessions), (4, 4_400_000, 4, 1));
    assert_eq!(costs.by_user_top10.len(), 1);
    let top = TopUsersQuery { period: Default::default(), limit: 10 };
    let top = stand.handler.top_users(tenant, top).await.unwrap().users;
    assert_eq!((top.len(), top[0].tokens, top[0].last_active), (1, 3_300_000, at("2026-11-21T09:00:00Z")));
    let day = stand.handler.tenant_stats(tenant, "1d".parse().unwrap()).await.unwrap();
    assert_eq!((day.summary.total_messages, day.trends.daily.len()), (2, 1));
    assert_eq!(stand.handler.limits(tenant).await.unwrap().used.daily_tokens, 1_100_000);
    let old = stand.handler.tenant_usage(tenant, "1999-01".parse().unwrap()).await.unwrap().usage;
    assert_eq!(old, Default::default());
}

#[tokio::test]
async fn a_new_calendar_moves_events_to_other_days() {
    let stand = Stand::new().active().await;
    let user = stand.handler.create_user(&stand.tenant, person("u@b.kr")).await.unwrap().user_id;
    stand.handler.usage().record(event(&stand, "e1", &user, "2026-10-31T16:00:00Z")).await.unwrap();
    let november =
        async || stand.handler.tenant_usage(&stand.tenant, "2026-11".parse().unwrap()).await.unwrap().usage.api_calls;
    assert_eq!(november().await, 0);
    stand.handler.update_settings(&stand.tenant, settings(&json!({"timezone": "Asia/Seoul"}))).await.unwrap();
    assert_eq!(november().await, 1);
    let patterns = stand.handler.usage_patterns(&stand.tenant, "30d".parse().unwrap()).await.unwrap();
    assert_eq!((patterns.peak_hour, patterns.by_hour[1].messages, patterns.by_weekday[6].messages), (Some(1), 2, 2));
}

#[tokio::test]
async fn a_faulty_batch_is_refused_as_a_whole_and_by_name() {
    let stand = Stand::new().active().await;
    let user = UserId::random();
    let good = event(&stand, "e1", &user, "2026-11-21T09:00:00Z");
    let bad = UsageEvent {
        id: String::new(),
        model: None,
        messages: 2_000_000,
        at: at("2026-11-21T10:00:00Z") + TimeDelta::days(2),
        ..good.clone()
    };
    let error = stand.handler.usage().record_many([good.clone(), bad]).await.unwrap_err();
    let places: Vec<String> = error.fields().iter().map(|fault| fault.loc.join(".")).collect();
    assert_eq!(places, ["events.1.id", "events.1.model", "events.1.messages", "events.1.at"]);
    assert!(stand.handler.usage().record(good.clone()).await.unwrap());
    let stranger = UsageEvent { tenant: "t2".parse().unwrap(), ..good };
    assert_eq!(stand.handler.usage().record(stranger).await.unwrap_err().kind(), ErrorKind::TenantNotFound);
}
