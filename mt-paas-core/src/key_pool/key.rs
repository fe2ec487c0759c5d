//! Keys of providers and what they allow.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::health::Health;
use super::moment::Moment;
use crate::ids::TenantId;

/// Who a key opens the door to: 1 to 64 of `A-Z a-z 0-9 _ -`, such as `openai`, `legnext` or `kling`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Provider(Arc<str>);

/// The text names no provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a provider is 1 to 64 letters, digits, '_' or '-'")]
pub struct InvalidProvider;

impl Provider {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Provider {
    type Error = InvalidProvider;

    fn try_from(name: String) -> Result<Self, InvalidProvider> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        ((1..=64).contains(&name.len()) && name.bytes().all(legal)).then(|| Self(name.into())).ok_or(InvalidProvider)
    }
}

impl FromStr for Provider {
    type Err = InvalidProvider;

    fn from_str(name: &str) -> Result<Self, InvalidProvider> {
        Self::try_from(name.to_owned())
    }
}

impl From<Provider> for String {
    fn from(provider: Provider) -> Self {
        provider.0.as_ref().to_owned()
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a key in its pool. It is never given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub u64);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which tenants a key serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantScope {
    /// Every tenant.
    #[default]
    All,
    /// These and no others.
    Only(BTreeSet<TenantId>),
}

impl TenantScope {
    /// Whether a key with this scope serves `tenant`.
    pub fn covers(&self, tenant: &TenantId) -> bool {
        match self {
            Self::All => true,
            Self::Only(tenants) => tenants.contains(tenant),
        }
    }
}

/// What a provider sold: a key and how much it allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySpec {
    /// Whose key it is.
    pub provider: Provider,
    /// Its name, unique among the keys of its provider: 1 to 100 characters.
    pub name: String,
    /// The key itself, sealed.
    pub sealed_payload: String,
    /// How many calls may run at once: 1 to 100,000.
    pub concurrency: u32,
    /// How many requests are allowed in any sixty seconds; `None`: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// How many requests a UTC day are allowed, by model; a model that is not listed has no limit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests_per_day: BTreeMap<String, u32>,
    /// Whom it serves.
    #[serde(default)]
    pub scope: TenantScope,
    /// Keys with a higher priority are taken first.
    #[serde(default)]
    pub priority: i32,
    /// Whether it may be used.
    pub active: bool,
    /// When it ends; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
}

/// The most calls at once, or requests in a time, that a limit can allow.
pub const MAX_CONCURRENCY: u32 = 100_000;
/// The most requests a minute or a day that a limit can name.
pub const MAX_REQUESTS: u32 = 100_000_000;

/// A key cannot be kept as it was given; the message names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {demand}")]
pub struct InvalidKey {
    /// The field, as in `KEY_POOL_JSON`.
    pub field: String,
    /// What it must be.
    pub demand: &'static str,
}

impl KeySpec {
    /// Refuses limits that cannot be meant.
    ///
    /// # Errors
    ///
    /// The first field that is out of its range.
    pub fn check(&self) -> Result<(), InvalidKey> {
        let fault = |field: &str, demand| Err(InvalidKey { field: field.to_owned(), demand });
        let length = self.name.chars().count();
        if !(1..=100).contains(&length) || crate::text::forbidden_control(&self.name).is_some() {
            return fault("name", "must be 1 to 100 characters");
        }
        if !(1..=MAX_CONCURRENCY).contains(&self.concurrency) {
            return fault("concurrency_limit", "must be 1 to 100000");
        }
        if self.requests_per_minute.is_some_and(|limit| !(1..=MAX_REQUESTS).contains(&limit)) {
            return fault("rpm_limit", "must be 1 to 100000000, or null for no limit");
        }
        match self.requests_per_day.iter().find(|(_, limit)| !(1..=MAX_REQUESTS).contains(*limit)) {
            Some((model, _)) => {
                fault(&format!("rpd_limits.{model}"), "must be 1 to 100000000; leave it out for no limit")
            }
            None => Ok(()),
        }
    }
}

/// A key of the pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its number.
    pub id: KeyId,
    /// What was sold.
    #[serde(flatten)]
    pub spec: KeySpec,
    /// What its provider said of it last.
    #[serde(default)]
    pub health: Health,
    /// The fingerprint of the seeded entry that it comes from; `None` if somebody added it by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// When it came into the pool.
    pub created_at: Moment,
    /// When it was changed last.
    pub updated_at: Moment,
}

impl Key {
    /// Whether it may be lent at all at `now`, whatever is in use.
    pub fn is_usable(&self, now: Moment) -> bool {
        self.spec.active && self.spec.expires_at.is_none_or(|end| now < end) && self.health.free_at(now) == Some(now)
    }
}
