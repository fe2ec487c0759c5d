//! A handler, its store and its clock.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mt_paas_core::clock::StillClock;
use mt_paas_core::fields::FromFields;
use mt_paas_core::outbox::{EventKind, OutboxStore};
use mt_paas_core::standard_api::{
    ActivateRequest, CreateUserRequest, DeactivateReason, DeactivateRequest, UpdateSettingsRequest,
};
use mt_paas_core::store::Store;
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::tenants::{StoreHandlerBuilder, TenantHooks};
use mt_paas_core::{StandardAPIHandler, StoreHandler, TenantId};
use serde_json::{Value, json};

pub(crate) struct Stand {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<StillClock>,
    pub(crate) handler: StoreHandler,
    pub(crate) tenant: TenantId,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with_hooks(hooks: impl TenantHooks) -> Self {
        Self::with(|builder| builder.hooks(hooks))
    }

    pub(crate) fn with(change: impl FnOnce(StoreHandlerBuilder) -> StoreHandlerBuilder) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let clock = Arc::new(StillClock::at(at("2026-11-21T10:00:00Z")));
        let builder = StoreHandler::builder(store.clone(), "test", "1.0.0").clock(clock.clone());
        let handler = change(builder).build().unwrap();
        Self { store, clock, handler, tenant: "t1".parse().unwrap() }
    }

    pub(crate) async fn active(self) -> Self {
        self.handler.activate_tenant(activation(&json!({}))).await.unwrap();
        self
    }

    pub(crate) async fn events(&self) -> Vec<EventKind> {
        let events = OutboxStore::unsent_events(&*self.store, 100).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An activation of `t1`, changed by the members of `change`.
pub(crate) fn activation(change: &Value) -> ActivateRequest {
    let mut body = json!({
        "tenant_id": "t1", "tenant_name": "T", "plan": "basic", "features": ["chat"],
        "contact": {"email": "a@b.kr", "name": "A"}
    });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    ActivateRequest::from_body(body.as_object().unwrap()).unwrap()
}

pub(crate) fn closing(preserve_data: bool) -> DeactivateRequest {
    DeactivateRequest { reason: DeactivateReason::AdminRequest, preserve_data }
}

pub(crate) fn person(email: &str) -> CreateUserRequest {
    CreateUserRequest::from_body(json!({"email": email, "name": "N"}).as_object().unwrap()).unwrap()
}

pub(crate) fn settings(body: &Value) -> UpdateSettingsRequest {
    UpdateSettingsRequest::from_body(body.as_object().unwrap()).unwrap()
}
