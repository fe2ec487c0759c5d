//! What the ready-made handler says in the trail.

use async_trait::async_trait;
use chrono::DateTime;
use mt_paas_core::audit::{
    Actor, ActorKind, AuditContext, AuditEntry, AuditEvent, AuditQuery, Chain, Line, Outcome, action,
};
use mt_paas_core::fields::FromFields;
use mt_paas_core::standard_api::{Role, UpdateUserRequest};
use mt_paas_core::tenants::{Tenant, TenantHooks};
use mt_paas_core::{ApiError, StandardAPIHandler, TenantId};
use serde_json::json;

use crate::stand::{Stand, activation, closing, person, settings};

fn market() -> AuditContext {
    let actor = Actor::new(ActorKind::MarketKey, "key-1");
    AuditContext::new(actor).by(Some("r-1".into()), Some("10.0.0.7".parse().unwrap()))
}

/// Everything in the trail, the oldest first.
async fn trail(stand: &Stand) -> Vec<AuditEntry> {
    let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
    let mut entries = stand.store.audit_entries(&query).await.unwrap();
    entries.sort_by_key(|entry| entry.seq);
    entries
}

/// Action, outcome and target.
async fn told(stand: &Stand) -> Vec<String> {
    let say = |entry: &AuditEntry| {
        let event = &entry.event;
        let target = event.target.as_ref().map(|target| format!(" {} {}", target.kind, target.id));
        format!("{} {}{}", event.action, event.outcome, target.unwrap_or_default())
    };
    trail(stand).await.iter().map(say).collect()
}

#[tokio::test]
async fn every_change_has_an_entry_with_who_made_it_and_what_came_to_nothing_has_none() {
    let stand = Stand::new();
    let user = market()
        .scope(async {
            let handler = &stand.handler;
            handler.activate_tenant(activation(&json!({}))).await.unwrap();
            handler.activate_tenant(activation(&json!({"plan": "other"}))).await.unwrap_err();
            let user = handler.create_user(&stand.tenant, person("a@b.kr")).await.unwrap().user_id;
            handler.create_user(&stand.tenant, person("A@b.kr")).await.unwrap_err();
            let change =
                UpdateUserRequest { role: Some(Role::Moderator), name: Some("이름".to_owned()), status: None };
            handler.update_user(&stand.tenant, &user, change.clone()).await.unwrap();
            handler.update_user(&stand.tenant, &"nobody".parse().unwrap(), change).await.unwrap_err();
            handler.update_settings(&stand.tenant, settings(&json!({"limits": {"max_users": 7}}))).await.unwrap();
            handler.update_settings(&stand.tenant, settings(&json!({"limits": {"max_users": 7}}))).await.unwrap();
            handler.delete_user(&stand.tenant, &user).await.unwrap();
            handler.delete_user(&stand.tenant, &user).await.unwrap_err();
            handler.deactivate_tenant(&stand.tenant, closing(false)).await.unwrap();
            handler.deactivate_tenant(&stand.tenant, closing(false)).await.unwrap();
            user
        })
        .await;
    let expected = [
        "tenant.activate done tenant t1".to_owned(),
        format!("user.create done user {user}"),
        format!("user.update done user {user}"),
        "settings.update done settings t1".to_owned(),
        format!("user.delete done user {user}"),
        "tenant.deactivate done tenant t1".to_owned(),
    ];
    assert_eq!(told(&stand).await, expected);
    let entries = trail(&stand).await;
    for event in entries.iter().map(|entry| &entry.event) {
        assert_eq!((event.actor.kind, event.actor.id.as_deref()), (ActorKind::MarketKey, Some("key-1")));
        assert_eq!((event.request_id.as_deref(), event.tenant.as_ref()), (Some("r-1"), Some(&stand.tenant)));
        assert_eq!(event.address.unwrap().to_string(), "10.0.0.7");
    }
    let details = |at: usize| serde_json::to_value(&entries[at].event.details).unwrap();
    assert_eq!(details(2), json!({"role": "moderator", "name": "changed"}), "names of people are not repeated");
    assert_eq!(details(3), json!({"changed": "limits"}));
    assert_eq!(details(5), json!({"reason": "admin_request", "data": "removed"}));
}

#[tokio::test]
async fn outside_of_a_request_the_service_itself_acts() {
    let stand = Stand::new().active().await;
    stand.handler.suspend_tenant(&stand.tenant).await.unwrap();
    assert_eq!(told(&stand).await, ["tenant.activate done tenant t1", "tenant.suspend done tenant t1"]);
    let actors: Vec<Actor> = trail(&stand).await.into_iter().map(|entry| entry.event.actor).collect();
    assert_eq!(actors, [Actor::SYSTEM, Actor::SYSTEM]);
}

struct Fails(bool);

#[async_trait]
impl TenantHooks for Fails {
    async fn after_activate(&self, _: &Tenant, _: bool) -> Result<(), ApiError> {
        if self.0 { Err(ApiError::unavailable("planted")) } else { Ok(()) }
    }
}

#[tokio::test]
async fn what_a_hook_has_to_follow_is_begun_first_and_then_done_or_failed() {
    for (fails, end) in [(false, Outcome::Done), (true, Outcome::Failed)] {
        let stand = Stand::with_hooks(Fails(fails));
        let context = market();
        let activated = context.clone().scope(stand.handler.activate_tenant(activation(&json!({})))).await;
        assert_eq!(activated.is_err(), fails);
        let entries = trail(&stand).await;
        let outcomes: Vec<Outcome> = entries.iter().map(|entry| entry.event.outcome).collect();
        assert_eq!(outcomes, [Outcome::Begun, end]);
        assert!(entries.iter().all(|entry| entry.event.request_id == Some(Line::from("r-1"))));
        assert_eq!(entries[1].event.reason.as_deref(), fails.then_some("hook_failed"));
        assert!(context.is_told(), "the doors would tell it once more");
    }
}

#[test]
fn what_operators_do_among_themselves_reads_back() {
    let event = AuditEvent::new(Actor::SYSTEM, action::LOGIN, DateTime::UNIX_EPOCH).of(&TenantId::operators());
    let written = Chain::begin().push(event);
    assert_eq!(written.raw().entry().unwrap(), written);
    let query = AuditQuery::from_query(json!({"tenant_id": "_operators"}).as_object().unwrap()).unwrap();
    assert_eq!(query.tenant, Some(TenantId::operators()));
}
