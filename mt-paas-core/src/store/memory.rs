//! Everything in memory: the executable specification of a store, and good enough for a try.
//!
//! Each operation is one critical section, which is what a transaction must look like from outside.

mod audit;
mod auth;
mod key_pool;
mod usage;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::audit::Trail;
use self::auth::Auth;
pub use self::key_pool::MemoryKeyPool;
use self::usage::UsageOfTenant;
use super::{Store, StoreError};
use crate::audit::AuditEvent;
use crate::auth::{Credential, NewAccount};
use crate::idempotency::{CLAIMED, Claim, Claimed, IdempotencyStore, KEPT, Scope, StoredAnswer};
use crate::ids::{TenantId, UserId};
use crate::outbox::{OutboxEvent, OutboxStore};
use crate::standard_api::{UpdateUserRequest, UserStatus, UserUsage};
use crate::tenants::{Revision, Saved, Tenant, TenantStore};
use crate::users::{Changed, Inserted, User, UserList, UserSearch, UserStore};

/// A store that is gone when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    tenants: BTreeMap<TenantId, Arc<Tenant>>,
    users: HashMap<TenantId, BTreeMap<UserId, User>>,
    usage: HashMap<TenantId, UsageOfTenant>,
    claims: HashMap<Scope, (Claim, Option<StoredAnswer>)>,
    outbox: Vec<OutboxEvent>,
    audit: Trail,
    auth: Auth,
    revision: Revision,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic of one caller inside a critical section has changed nothing by halves: each ends with plain inserts.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stale(&self, tenant: &TenantId, revision: Revision) -> bool {
        self.tenants.get(tenant).is_none_or(|found| found.revision != revision)
    }

    /// Puts a row in place under a new revision, which no row ever had.
    fn put(&mut self, tenant: &Tenant) -> Revision {
        self.revision += 1;
        let row = Tenant { revision: self.revision, ..tenant.clone() };
        self.usage.entry(row.id.clone()).or_default().use_zone(row.zone);
        self.tenants.insert(row.id.clone(), Arc::new(row));
        self.revision
    }

    /// Users changed: figures that tell existing users from others must be read again.
    fn users_of(&mut self, tenant: &TenantId) -> &mut BTreeMap<UserId, User> {
        if let Some(usage) = self.usage.get_mut(tenant) {
            usage.forget_answers();
        }
        self.users.entry(tenant.clone()).or_default()
    }

    fn insert(
        &mut self,
        revision: Revision,
        account: NewAccount<'_>,
        audit: &[AuditEvent],
    ) -> Result<Inserted, StoreError> {
        let NewAccount { user, event, max_users, only_first, .. } = account;
        if self.stale(&user.tenant, revision) {
            return Ok(Inserted::Stale);
        }
        let users = self.users_of(&user.tenant);
        let clash = |other: &User| {
            other.login_name == user.login_name || (user.email.is_some() && other.email_key() == user.email_key())
        };
        if only_first && !users.is_empty() {
            return Ok(Inserted::NotFirst);
        }
        let taken = users.contains_key(&user.id) || users.values().any(clash);
        let users = users.len() as u64;
        if taken || self.usage.get_mut(&user.tenant).is_some_and(|usage| usage.knows(&user.id)) {
            return Ok(Inserted::Taken);
        }
        if users >= max_users {
            return Ok(Inserted::OverQuota);
        }
        self.audit.add(audit)?;
        self.users_of(&user.tenant).insert(user.id.clone(), user.clone());
        self.outbox.extend(event.cloned());
        Ok(Inserted::Done)
    }

    fn used_by(&mut self, tenant: &TenantId, user: &UserId) -> UserUsage {
        self.usage.get_mut(tenant).map(|usage| usage.of_user(user)).unwrap_or_default()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// There is nothing to put away.
    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl TenantStore for MemoryStore {
    async fn tenant(&self, tenant: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        Ok(self.state().tenants.get(tenant).cloned())
    }

    async fn tenants(&self, after: Option<&TenantId>, limit: u32) -> Result<Vec<Arc<Tenant>>, StoreError> {
        let state = self.state();
        let operators = TenantId::operators();
        let later =
            state.tenants.values().filter(|row| row.id != operators && after.is_none_or(|after| row.id > *after));
        Ok(later.take(limit as usize).cloned().collect())
    }

    async fn save_tenant(
        &self,
        tenant: &Tenant,
        based_on: Option<Revision>,
        purge: bool,
        events: &[OutboxEvent],
        audit: &[AuditEvent],
    ) -> Result<Saved, StoreError> {
        let mut state = self.state();
        if state.tenants.get(&tenant.id).map(|row| row.revision) != based_on {
            return Ok(Saved::Stale);
        }
        state.audit.add(audit)?;
        if purge {
            state.users_of(&tenant.id).clear();
            state.auth.forget(&tenant.id, None);
        }
        state.outbox.extend_from_slice(events);
        Ok(Saved::Done(state.put(tenant)))
    }

    async fn restore_tenant(
        &self,
        tenant: &TenantId,
        before: Option<&Tenant>,
        written: Revision,
        events: &[Uuid],
        audit: &[AuditEvent],
    ) -> Result<Saved, StoreError> {
        let mut state = self.state();
        if state.stale(tenant, written) {
            return Ok(Saved::Stale);
        }
        state.audit.add(audit)?;
        state.outbox.retain(|event| !events.contains(&event.id));
        if let Some(before) = before {
            return Ok(Saved::Done(state.put(before)));
        }
        state.users_of(tenant).clear();
        state.auth.forget(tenant, None);
        state.tenants.remove(tenant);
        state.usage.remove(tenant);
        Ok(Saved::Done(written))
    }

    async fn purge_users(&self, tenant: &TenantId, revision: Revision) -> Result<Saved, StoreError> {
        let mut state = self.state();
        if state.stale(tenant, revision) {
            return Ok(Saved::Stale);
        }
        state.users_of(tenant).clear();
        state.auth.forget(tenant, None);
        Ok(Saved::Done(revision))
    }
}

#[async_trait]
impl UserStore for MemoryStore {
    async fn insert_user(
        &self,
        revision: Revision,
        user: &User,
        max_users: u64,
        event: &OutboxEvent,
        audit: &[AuditEvent],
    ) -> Result<Inserted, StoreError> {
        let (credential, link, only_first) = (&Credential::NONE, None, false);
        let account = NewAccount { user, credential, link, event: Some(event), max_users, only_first };
        self.state().insert(revision, account, audit)
    }

    async fn user(&self, tenant: &TenantId, user: &UserId) -> Result<Option<(User, UserUsage)>, StoreError> {
        let mut state = self.state();
        let found = state.users.get(tenant).and_then(|users| users.get(user)).cloned();
        Ok(found.map(|found| (found, state.used_by(tenant, user))))
    }

    async fn users(&self, tenant: &TenantId, search: &UserSearch) -> Result<UserList, StoreError> {
        let mut state = self.state();
        let matches = |user: &&User| {
            search.role.is_none_or(|role| user.role == role)
                && search.status.is_none_or(|status| user.status == status)
                && search.folded.as_deref().is_none_or(|text| user.search_key().contains(text))
        };
        let mut found: Vec<User> =
            state.users.get(tenant).into_iter().flat_map(BTreeMap::values).filter(matches).cloned().collect();
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        let total = found.len() as u64;
        let skip = usize::try_from(search.page.offset).unwrap_or(usize::MAX);
        let page = found.into_iter().skip(skip).take(search.page.limit as usize);
        let users = page.map(|user| (user.clone(), state.used_by(tenant, &user.id))).collect();
        Ok(UserList { total, users })
    }

    async fn count_users(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        Ok(self.state().users.get(tenant).map_or(0, |users| users.len() as u64))
    }

    async fn update_user(
        &self,
        tenant: &TenantId,
        revision: Revision,
        user: &UserId,
        change: &UpdateUserRequest,
        at: DateTime<Utc>,
        audit: &[AuditEvent],
    ) -> Result<Changed<(User, UserUsage)>, StoreError> {
        let mut state = self.state();
        if state.stale(tenant, revision) {
            return Ok(Changed::Stale);
        }
        let Some(mut found) = state.users_of(tenant).get(user).cloned() else { return Ok(Changed::Missing) };
        let stops = found.status == UserStatus::Active && change.status.is_some_and(|to| to != UserStatus::Active);
        if stops && state.is_last_super_admin(&found) {
            return Ok(Changed::LastSuperAdmin);
        }
        state.audit.add(audit)?;
        found.apply(change.clone(), at);
        state.users_of(tenant).insert(user.clone(), found.clone());
        if stops {
            state.auth.end_sessions(tenant, user);
        }
        Ok(Changed::Done((found, state.used_by(tenant, user))))
    }

    async fn delete_user(
        &self,
        tenant: &TenantId,
        revision: Revision,
        user: &UserId,
        audit: &[AuditEvent],
    ) -> Result<Changed<()>, StoreError> {
        let mut state = self.state();
        if state.stale(tenant, revision) {
            return Ok(Changed::Stale);
        }
        let Some(found) = state.users_of(tenant).get(user).cloned() else { return Ok(Changed::Missing) };
        if state.is_last_super_admin(&found) {
            return Ok(Changed::LastSuperAdmin);
        }
        state.audit.add(audit)?;
        state.users_of(tenant).remove(user);
        state.auth.forget(tenant, Some(user));
        Ok(Changed::Done(()))
    }
}

#[async_trait]
impl IdempotencyStore for MemoryStore {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let mut state = self.state();
        state.claims.retain(|_, (held, answer)| {
            let kept = if answer.is_some() { KEPT } else { CLAIMED };
            claim.at < held.at + kept
        });
        match state.claims.get(&claim.scope) {
            Some((held, _)) if held.fingerprint != claim.fingerprint => Ok(Claimed::Mismatch),
            Some((_, Some(answer))) => Ok(Claimed::Replay(answer.clone())),
            Some((_, None)) => Ok(Claimed::InProgress),
            None => {
                state.claims.insert(claim.scope.clone(), (claim.clone(), None));
                Ok(Claimed::Fresh)
            }
        }
    }

    async fn finish(&self, claim: &Claim, answer: &StoredAnswer) -> Result<(), StoreError> {
        if let Some((held, stored)) = self.state().claims.get_mut(&claim.scope)
            && held.token == claim.token
        {
            *stored = Some(answer.clone());
        }
        Ok(())
    }

    async fn abandon(&self, claim: &Claim) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.claims.get(&claim.scope).is_some_and(|(held, _)| held.token == claim.token) {
            state.claims.remove(&claim.scope);
        }
        Ok(())
    }
}

#[async_trait]
impl OutboxStore for MemoryStore {
    async fn queue_unless_recent(&self, event: &OutboxEvent, since: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut state = self.state();
        let recent =
            |other: &OutboxEvent| other.tenant == event.tenant && other.kind == event.kind && other.at >= since;
        if state.outbox.iter().any(recent) {
            return Ok(false);
        }
        state.outbox.push(event.clone());
        Ok(true)
    }

    async fn unsent_events(&self, limit: u32) -> Result<Vec<OutboxEvent>, StoreError> {
        let mut events = self.state().outbox.clone();
        events.sort_by_key(|event| (event.at, event.id));
        events.truncate(limit as usize);
        Ok(events)
    }
}
