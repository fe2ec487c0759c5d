//! Hooks: when they are called, and what their failure takes back.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mt_paas_core::clock::Clock;
use mt_paas_core::standard_api::{ActivateRequest, DeactivateRequest, TenantStatus};
use mt_paas_core::tenants::{HookAfter, PendingHook, Tenant, TenantHooks};
use mt_paas_core::{ApiError, ErrorKind, StandardAPIHandler, TenantId};
use serde_json::json;

use crate::stand::{Stand, activation, closing, person};

/// Writes down its calls, and fails at the one that it is told to fail at.
#[derive(Clone, Default)]
struct Spy {
    calls: Arc<Mutex<Vec<String>>>,
    fails_at: Arc<Mutex<&'static str>>,
}

impl Spy {
    fn called(&self, name: &'static str, detail: &str) -> Result<(), ApiError> {
        self.calls.lock().unwrap().push(format!("{name} {detail}").trim_end().to_owned());
        if *self.fails_at.lock().unwrap() == name { Err(ApiError::unavailable("planted")) } else { Ok(()) }
    }

    fn fail_at(&self, name: &'static str) {
        *self.fails_at.lock().unwrap() = name;
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }
}

#[async_trait]
impl TenantHooks for Spy {
    async fn before_activate(&self, _: &ActivateRequest) -> Result<(), ApiError> {
        self.called("before_activate", "")
    }

    async fn after_activate(&self, _: &Tenant, first: bool) -> Result<(), ApiError> {
        self.called("after_activate", if first { "first" } else { "again" })
    }

    async fn before_deactivate(&self, _: &TenantId, _: &DeactivateRequest) -> Result<(), ApiError> {
        self.called("before_deactivate", "")
    }

    async fn after_deactivate(&self, tenant: &Tenant) -> Result<(), ApiError> {
        self.called("after_deactivate", if tenant.data_preserved { "keeps" } else { "purges" })
    }
}

#[tokio::test]
async fn hooks_stand_around_changes_and_not_around_repeats() {
    let spy = Spy::default();
    let stand = Stand::with_hooks(spy.clone());
    stand.handler.activate_tenant(activation(&json!({}))).await.unwrap();
    stand.handler.activate_tenant(activation(&json!({}))).await.unwrap();
    stand.handler.activate_tenant(activation(&json!({"plan": "other"}))).await.unwrap_err();
    assert_eq!(spy.calls(), ["before_activate", "after_activate first"]);
    stand.handler.deactivate_tenant(&stand.tenant, closing(false)).await.unwrap();
    stand.handler.deactivate_tenant(&stand.tenant, closing(true)).await.unwrap();
    assert_eq!(spy.calls(), ["before_deactivate", "after_deactivate purges"]);
    stand.handler.activate_tenant(activation(&json!({}))).await.unwrap();
    assert_eq!(spy.calls(), ["before_activate", "after_activate again"]);
}

#[tokio::test]
async fn a_failing_hook_leaves_a_new_tenant_unknown_and_the_market_untold() {
    for hook in ["before_activate", "after_activate"] {
        let spy = Spy::default();
        let stand = Stand::with_hooks(spy.clone());
        spy.fail_at(hook);
        let error = stand.handler.activate_tenant(activation(&json!({}))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{hook}");
        let status = stand.handler.tenant_status(&stand.tenant).await;
        assert_eq!(status.unwrap_err().kind(), ErrorKind::TenantNotFound, "{hook}");
        assert!(stand.events().await.is_empty(), "{hook}");
        spy.fail_at("");
        stand.handler.activate_tenant(activation(&json!({}))).await.unwrap();
    }
}

#[tokio::test]
async fn a_failing_hook_leaves_an_open_tenant_open_with_all_its_data() {
    for hook in ["before_deactivate", "after_deactivate"] {
        let spy = Spy::default();
        let stand = Stand::with_hooks(spy.clone()).active().await;
        let user = stand.handler.create_user(&stand.tenant, person("u@b.kr")).await.unwrap();
        let told = stand.events().await;
        spy.fail_at(hook);
        stand.handler.deactivate_tenant(&stand.tenant, closing(false)).await.unwrap_err();
        assert_eq!(stand.handler.tenant_status(&stand.tenant).await.unwrap().status, TenantStatus::Active, "{hook}");
        assert!(stand.handler.user(&stand.tenant, &user.user_id).await.is_ok(), "{hook}");
        assert_eq!(stand.events().await, told, "{hook}");
    }
}

/// Stands still in its hook until it is let go.
#[derive(Clone, Default)]
struct Slow(Arc<tokio::sync::Notify>, Arc<Mutex<u32>>);

#[async_trait]
impl TenantHooks for Slow {
    async fn after_activate(&self, _: &Tenant, _: bool) -> Result<(), ApiError> {
        *self.1.lock().unwrap() += 1;
        self.0.notified().await;
        Ok(())
    }
}

#[tokio::test]
async fn nobody_uses_a_tenant_before_its_hook_has_ended_and_who_hangs_up_stops_nothing() {
    let slow = Slow::default();
    let stand = Arc::new(Stand::with_hooks(slow.clone()));
    let activate = |stand: &Arc<Stand>| {
        let stand = stand.clone();
        tokio::spawn(async move { stand.handler.activate_tenant(activation(&json!({}))).await })
    };
    let first = activate(&stand);
    while *slow.1.lock().unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    let refused = stand.handler.create_user(&stand.tenant, person("u@b.kr")).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
    // A repeat waits for the one whose caller has gone, and runs no second hook.
    let repeat = activate(&stand);
    tokio::task::yield_now().await;
    assert!(!repeat.is_finished());
    slow.0.notify_one();
    assert!(repeat.await.unwrap().unwrap().success);
    assert_eq!(*slow.1.lock().unwrap(), 1);
    assert!(stand.handler.create_user(&stand.tenant, person("u@b.kr")).await.is_ok());
}

/// Puts the mark of another process's hook on the tenant, so many seconds old.
async fn abandon(stand: &Stand, after: HookAfter, age: i64) {
    let row = (*stand.store.tenant(&stand.tenant).await.unwrap().unwrap()).clone();
    let since = stand.clock.now() - chrono::TimeDelta::seconds(age);
    let mark = PendingHook { after, owner: uuid::Uuid::new_v4(), since };
    let died = Tenant { hook: Some(mark), ..row.clone() };
    stand.store.save_tenant(&died, Some(row.revision), false, &[], &[]).await.unwrap();
}

/// Waits for what a task beside the caller does.
async fn until(done: impl AsyncFn() -> bool) {
    let seen = async {
        while !done().await {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), seen).await.expect("it did not happen");
}

#[tokio::test]
async fn a_hook_whose_process_died_is_run_again_by_the_next_activation() {
    for (age, hooks_run) in [(61, 1), (5, 0)] {
        let spy = Spy::default();
        let stand = Stand::with_hooks(spy.clone()).active().await;
        spy.calls();
        abandon(&stand, HookAfter::FirstActivation, age).await;
        assert!(stand.handler.settings(&stand.tenant).await.is_err());
        let patience = std::time::Duration::from_millis(300);
        let again = tokio::time::timeout(patience, stand.handler.activate_tenant(activation(&json!({})))).await;
        // A younger mark may be at work in another process: the caller waits.
        assert_eq!((again.is_ok(), spy.calls().len()), (hooks_run == 1, hooks_run), "{age}");
        assert_eq!(stand.handler.settings(&stand.tenant).await.is_ok(), hooks_run == 1);
    }
}

#[tokio::test]
async fn a_request_after_a_minute_finishes_an_abandoned_hook_and_tries_once_a_minute() {
    let spy = Spy::default();
    let stand = Stand::with_hooks(spy.clone()).active().await;
    spy.calls();
    abandon(&stand, HookAfter::Activation, 59).await;
    let refused = async || stand.handler.settings(&stand.tenant).await.is_err();
    let marked = async || stand.store.tenant(&stand.tenant).await.unwrap().unwrap().hook.is_some();
    let rest = async || tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    assert!(refused().await);
    rest().await;
    assert!(spy.calls().is_empty(), "another process may be at it");

    spy.fail_at("after_activate");
    stand.clock.advance(chrono::TimeDelta::seconds(2));
    assert!(refused().await);
    until(async || spy.calls() == ["after_activate again"]).await;
    assert!(refused().await);
    rest().await;
    assert!(refused().await && spy.calls().is_empty(), "a hook that fails is left alone for a minute");

    spy.fail_at("");
    stand.clock.advance(chrono::TimeDelta::seconds(61));
    assert!(refused().await);
    until(async || !marked().await).await;
    assert!(!refused().await);
    assert_eq!(spy.calls(), ["after_activate again"]);
}

#[tokio::test]
async fn a_request_to_a_closed_tenant_finishes_its_hook_and_the_removal_behind_it() {
    let spy = Spy::default();
    let stand = Stand::with_hooks(spy.clone()).active().await;
    stand.handler.create_user(&stand.tenant, person("u@b.kr")).await.unwrap();
    let open = stand.store.tenant(&stand.tenant).await.unwrap().unwrap();
    let closed = Tenant { status: TenantStatus::Deactivated, data_preserved: false, ..(*open).clone() };
    stand.store.save_tenant(&closed, Some(open.revision), false, &[], &[]).await.unwrap();
    abandon(&stand, HookAfter::Deactivation, 61).await;
    spy.calls();
    assert_eq!(stand.handler.settings(&stand.tenant).await.unwrap_err().kind(), ErrorKind::TenantInactive);
    until(async || stand.store.count_users(&stand.tenant).await.unwrap() == 0).await;
    assert_eq!(spy.calls(), ["after_deactivate purges"]);
}

#[tokio::test]
async fn a_hook_that_panics_takes_its_change_back() {
    struct Panics;

    #[async_trait]
    impl TenantHooks for Panics {
        async fn after_activate(&self, _: &Tenant, _: bool) -> Result<(), ApiError> {
            panic!("planted")
        }
    }

    let stand = Stand::with_hooks(Panics);
    let error = stand.handler.activate_tenant(activation(&json!({}))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    let status = stand.handler.tenant_status(&stand.tenant).await;
    assert_eq!(status.unwrap_err().kind(), ErrorKind::TenantNotFound);
}
