//! What accounts are made with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Notify;
use url::Url;

use super::login::{AT_ONCE_FROM_ADDRESS, LOGIN_PATIENCE};
use super::recent::Recent;
use super::{Accounts, Inner};
use crate::auth::{Access, LogNotifier, Notifier, PasswordHasher, PasswordPolicy};
use crate::clock::{Clock, SystemClock};
use crate::store::Store;
use crate::turns::Turns;

/// The optional parts of [`Accounts`].
pub struct AccountsBuilder {
    store: Arc<dyn Store>,
    service: String,
    clock: Arc<dyn Clock>,
    hasher: Option<PasswordHasher>,
    notifier: Option<Arc<dyn Notifier>>,
    public_url: String,
    users: PasswordPolicy,
    session: TimeDelta,
    operator_session: TimeDelta,
    idle: Option<TimeDelta>,
    scopes: BTreeMap<String, Access>,
    most_keys: u32,
}

/// Accounts cannot be made from what was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAccounts {
    /// The public address is not an absolute http or https address.
    #[error("the public address '{0}' is not an absolute http or https address")]
    PublicUrl(String),
    /// A session has to be usable and has to end.
    #[error("a session lasts 5 minutes to 90 days")]
    Session,
    /// Use is noted once a minute, so that a shorter limit would end sessions that are used.
    #[error("a session may stay unused for 5 minutes at least, and no longer than it lasts")]
    Idle,
    /// A scope is a word.
    #[error("the scope '{0}' is not 1 to 64 of a-z, 0-9, '.', ':', '_' and '-'")]
    Scope(String),
}

impl AccountsBuilder {
    pub(super) fn new(store: Arc<dyn Store>, service: String) -> Self {
        Self {
            store,
            service,
            clock: Arc::new(SystemClock),
            hasher: None,
            notifier: None,
            public_url: "http://127.0.0.1:8000".to_owned(),
            users: PasswordPolicy::USERS,
            session: TimeDelta::hours(24),
            operator_session: TimeDelta::hours(24),
            idle: None,
            scopes: BTreeMap::new(),
            most_keys: 100,
        }
    }

    /// Where people reach the service, without a path; one-time links lead there.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = url.into();
        self
    }

    /// What hands messages to people, instead of the log.
    #[must_use]
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// What hashes passwords, instead of a hasher of its own.
    #[must_use]
    pub fn hasher(mut self, hasher: PasswordHasher) -> Self {
        self.hasher = Some(hasher);
        self
    }

    /// Which passwords the people of tenants may choose, instead of [`PasswordPolicy::USERS`].
    #[must_use]
    pub fn user_passwords(mut self, policy: PasswordPolicy) -> Self {
        self.users = policy;
        self
    }

    /// How long a session of a tenant's user lasts, whatever happens, instead of 24 hours.
    #[must_use]
    pub fn session(mut self, lasts: TimeDelta) -> Self {
        self.session = lasts;
        self
    }

    /// How long an operator's session lasts, whatever happens, instead of 24 hours.
    #[must_use]
    pub fn operator_session(mut self, lasts: TimeDelta) -> Self {
        self.operator_session = lasts;
        self
    }

    /// How long a session may stay unused; without this, as long as it lasts.
    #[must_use]
    pub fn idle(mut self, limit: Option<TimeDelta>) -> Self {
        self.idle = limit;
        self
    }

    /// A scope that clients' keys may have, and the access that their owner needs for it.
    #[must_use]
    pub fn scope(mut self, name: impl Into<String>, needs: Access) -> Self {
        self.scopes.insert(name.into(), needs);
        self
    }

    /// How many keys that work a user may have, instead of 100.
    #[must_use]
    pub fn most_keys(mut self, most: u32) -> Self {
        self.most_keys = most;
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The accounts.
    ///
    /// # Errors
    ///
    /// [`InvalidAccounts`] names the part that cannot be used.
    pub fn build(self) -> Result<Accounts, InvalidAccounts> {
        let url = Url::parse(&self.public_url).ok();
        if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(InvalidAccounts::PublicUrl(self.public_url));
        }
        let lasting = TimeDelta::minutes(5)..=TimeDelta::days(90);
        if !lasting.contains(&self.session) || !lasting.contains(&self.operator_session) {
            return Err(InvalidAccounts::Session);
        }
        let longest = self.session.min(self.operator_session);
        if self.idle.is_some_and(|idle| idle < TimeDelta::minutes(5) || idle > longest) {
            return Err(InvalidAccounts::Idle);
        }
        if let Some(scope) = self.scopes.keys().find(|scope| !is_scope(scope)) {
            return Err(InvalidAccounts::Scope(scope.clone()));
        }
        Ok(Accounts(Arc::new(Inner {
            store: self.store,
            clock: self.clock,
            hasher: self.hasher.unwrap_or_default(),
            notifier: self.notifier.unwrap_or_else(|| Arc::new(LogNotifier::default())),
            service: self.service,
            public_url: self.public_url.trim_end_matches('/').to_owned(),
            users: self.users,
            session: self.session,
            operator_session: self.operator_session,
            idle: self.idle,
            scopes: self.scopes,
            most_keys: self.most_keys,
            account_turns: Turns::new(1, LOGIN_PATIENCE),
            address_turns: Turns::new(AT_ONCE_FROM_ADDRESS, LOGIN_PATIENCE),
            throttled: moka::sync::Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(60)).build(),
            setup: Mutex::new(None),
            sessions: Recent::new(),
            keys: Recent::new(),
            link_waits: Notify::new(),
        })))
    }
}

fn is_scope(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".:_-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(legal)
}
