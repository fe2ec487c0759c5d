//! Accounts: who logs in, with what, and what they may do to each other.

mod builder;
mod first;
mod keys;
mod links;
mod login;
mod password;
mod people;
mod recent;
mod rights;
mod sessions;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

pub use builder::{AccountsBuilder, InvalidAccounts};
pub use first::{FirstOperator, UnsafeFirstLogin};
pub use keys::{KeyHolder, NewKey};
pub use links::LinkHolder;
pub use login::{Login, Opened, Visitor};
pub use people::{AddedPerson, NewPerson, People, Person, PersonChange};
pub use sessions::LoggedIn;

use self::first::SetupToken;
use self::keys::Remembered;
use self::recent::Recent;
use super::{
    Access, AuthError, CredentialChange, CredentialChanged, Epoch, Notifier, PasswordHasher, PasswordPolicy, Principal,
    TokenDigest,
};
use crate::audit::{Action, AuditContext, AuditEvent};
use crate::clock::Clock;
use crate::ids::{TenantId, UserId};
use crate::standard_api::TenantStatus;
use crate::store::Store;
use crate::tenants::{Tenant, current};
use crate::turns::{Turns, pause};

/// Everything about accounts on top of a [`Store`]. Cloning is cheap; clones share everything.
///
/// # Promises
///
/// * Whatever ends a session or a key (a logout, a new password, less access, an inactive user, a tenant that is not in
///   use) has its effect in every process within a second: what a process remembers of a session or key is never
///   older than [`FRESH`](Self::FRESH).
/// * What is done, and what is refused to somebody, stands in the audit trail, in the same transaction as the change.
/// * Of passwords, tokens and keys nothing is kept but hashes.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hasher: PasswordHasher,
    notifier: Arc<dyn Notifier>,
    service: String,
    public_url: String,
    users: PasswordPolicy,
    session: TimeDelta,
    operator_session: TimeDelta,
    idle: Option<TimeDelta>,
    scopes: BTreeMap<String, Access>,
    most_keys: u32,
    /// Logins of one account in this process.
    account_turns: Turns<String>,
    /// Logins from one address in this process.
    address_turns: Turns<IpAddr>,
    /// Whose throttling was told of in the last minute.
    throttled: moka::sync::Cache<String, ()>,
    /// What lets the first operator in.
    setup: Mutex<Option<SetupToken>>,
    sessions: Recent<TokenDigest, Arc<LoggedIn>>,
    keys: Recent<TokenDigest, Remembered>,
    /// Says that a link waits to be sent.
    link_waits: Notify,
}

/// How often an operation decides again because somebody changed the same account under it.
const TRIES: usize = 16;

impl Accounts {
    /// How old what a process remembers of a session or a key may be: what happened since is not known yet.
    pub const FRESH: std::time::Duration = std::time::Duration::from_millis(900);

    /// Begins accounts on a store; `service` is the name that messages and passwords' rules know.
    pub fn builder(store: Arc<dyn Store>, service: impl Into<String>) -> AccountsBuilder {
        AccountsBuilder::new(store, service.into())
    }

    /// The password rules of a tenant's people.
    pub fn policy(&self, tenant: &TenantId) -> PasswordPolicy {
        if *tenant == TenantId::operators() { PasswordPolicy::OPERATORS } else { self.0.users }
    }

    /// Where people reach the service, without a path and without a slash at its end.
    pub fn public_url(&self) -> &str {
        &self.0.public_url
    }

    /// What scopes of keys there are, and what access each needs.
    pub fn scopes(&self) -> &BTreeMap<String, Access> {
        &self.0.scopes
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// Lets pass whoever has at least this access in a tenant that is in use.
    async fn demand(&self, by: &Principal, needs: Access, tenant: &TenantId) -> Result<(), AuthError> {
        by.demand(needs, tenant)?;
        self.tenant(tenant).await.map(drop)
    }

    /// A tenant that is in use.
    async fn tenant(&self, tenant: &TenantId) -> Result<Arc<Tenant>, AuthError> {
        let found = self.0.store.tenant(tenant).await?.ok_or(AuthError::Missing("tenant"))?;
        let active = current(&found, self.now()).0 == TenantStatus::Active;
        if active { Ok(found) } else { Err(AuthError::Missing("tenant")) }
    }

    /// Changes a credential, whatever it was before.
    async fn change_credential(
        &self,
        tenant: &TenantId,
        user: &UserId,
        change: &CredentialChange,
        told: &AuditEvent,
    ) -> Result<Epoch, AuthError> {
        for tries in 0..TRIES {
            let account = self.0.store.account_of(tenant, user).await?.ok_or(AuthError::Missing("user"))?;
            let changed =
                self.0.store.change_credential(tenant, user, account.epoch, change, std::slice::from_ref(told)).await?;
            match changed {
                CredentialChanged::Done(epoch) => return Ok(epoch),
                CredentialChanged::Missing => return Err(AuthError::Missing("user")),
                CredentialChanged::LastSuperAdmin => return Err(AuthError::LastSuperAdmin),
                CredentialChanged::Stale => pause(tries).await,
            }
        }
        Err(AuthError::Contended)
    }

    /// Something that somebody does to what belongs to a tenant.
    fn told(&self, by: &Principal, action: Action, tenant: &TenantId) -> AuditEvent {
        AuditContext::current().acting(by.actor()).event(action, self.now()).of(tenant)
    }

    /// Writes a refusal down. It stands also if that fails: nothing was changed.
    async fn refused(&self, event: AuditEvent) {
        AuditContext::current().tell();
        if let Err(error) = self.0.store.record_audit(&[event]).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a refusal is missing from the audit trail");
        }
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("service", &self.0.service).finish_non_exhaustive()
    }
}
