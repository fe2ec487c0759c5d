//! The keys.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, State};
use chrono::{DateTime, Utc};
use http::StatusCode;
use http::request::Parts;
use mt_paas_core::ApiError;
use mt_paas_core::audit::{AuditEvent, action};
use mt_paas_core::fields::{self, Fields, FromFields};
use mt_paas_core::key_pool::{
    Complaint, Health, Key, KeyChange, KeyId, KeyPool, KeyView, Moment, NewKey, PoolView, TenantScope,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::refusals::{BodyRefusals, KeyRefusals, NameRefusals, Refusals};
use crate::audit::Trail;
use crate::error::Problem;
use crate::extract::{ContractJson, path_parameter};

/// A key, without what it is made of.
#[derive(Serialize, ToSchema)]
pub(super) struct PoolKey {
    /// Its number. It is never given again.
    id: u64,
    /// Whose key it is.
    provider: String,
    /// Its name, unique among the keys of its provider.
    name: String,
    /// How many calls may run at once.
    concurrency_limit: u32,
    /// How many requests are allowed in any sixty seconds; `null`: any number.
    rpm_limit: Option<u32>,
    /// How many requests a UTC day are allowed, by model; others have no limit.
    rpd_limits: BTreeMap<String, u32>,
    /// Keys with a higher priority are taken first.
    priority: i32,
    /// The tenants that it serves, separated by commas; `*`: all.
    tenant_scope: String,
    /// Whether it may be used.
    is_active: bool,
    /// When it ends; `null`: never.
    expires_at: Option<DateTime<Utc>>,
    /// Whether it comes from `KEY_POOL_JSON`.
    seeded: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    health: KeyHealth,
}

/// Whether a key may be lent, as far as its provider is concerned.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyHealth {
    /// `well`, `cooling` until a time, or `quarantined` until it is released.
    state: &'static str,
    /// What the provider said: `unauthorized` (401, 403), `out_of_credit` (402) or `slow_down` (429).
    reason: Option<&'static str>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

/// A key and how much of it is in use.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyInUse {
    #[serde(flatten)]
    key: PoolKey,
    usage: KeyUsage,
}

/// How much of a key is in use.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyUsage {
    /// Calls that run.
    running: u32,
    /// Requests of the last sixty seconds.
    requests_this_minute: u64,
    /// Requests of this UTC day by model.
    requests_today: BTreeMap<String, u32>,
}

/// All keys of a pool.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyList {
    /// By provider and number.
    keys: Vec<KeyInUse>,
}

/// A key to be added. A field that is not listed here is refused.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; core reads it")]
pub(super) struct AddKey {
    /// 1 to 64 letters, digits, `_` or `-`.
    provider: String,
    /// Unique among the keys of its provider.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[serde(flatten)]
    terms: ChangeKey,
}

/// What a key is made of and allows. A field that is not sent keeps its value.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; core reads it")]
pub(super) struct ChangeKey {
    /// The secret of openai, legnext and others.
    api_key: Option<String>,
    /// The secret of kling, together with `secret_key`.
    access_key: Option<String>,
    secret_key: Option<String>,
    /// The secret of any other provider.
    #[schema(value_type = Option<Object>)]
    key_payload: Option<Map<String, Value>>,
    #[schema(minimum = 1, maximum = 100_000, default = 1)]
    concurrency_limit: Option<u32>,
    /// `null`: any number.
    #[schema(minimum = 1, maximum = 100_000_000)]
    rpm_limit: Option<u32>,
    /// Requests a UTC day by model.
    rpd_limits: Option<BTreeMap<String, u32>>,
    #[schema(default = 0)]
    priority: Option<i32>,
    /// `*` for all tenants, or tenants separated by commas.
    tenant_scope: Option<String>,
    #[schema(default = true)]
    is_active: Option<bool>,
    /// `null`: never.
    expires_at: Option<DateTime<Utc>>,
}

/// The keys, with their use and health.
#[utoipa::path(get, path = "/keys", operation_id = "pool_keys", tag = "Key pool", security(("adminKey" = [])),
    responses((status = 200, description = "The keys", body = KeyList), Refusals))]
pub(super) async fn list(State(pool): State<KeyPool>) -> Result<ContractJson<KeyList>, Problem> {
    let view = pool.view().await.map_err(ApiError::from)?;
    Ok(ContractJson(KeyList { keys: view.keys.iter().map(KeyInUse::from).collect() }))
}

/// One key.
#[utoipa::path(get, path = "/keys/{key_id}", operation_id = "pool_key", tag = "Key pool", security(("adminKey" = [])),
    params(KeyParam), responses((status = 200, description = "The key", body = KeyInUse), Refusals, KeyRefusals))]
pub(super) async fn show(
    State(pool): State<KeyPool>,
    PathKey(key): PathKey,
) -> Result<ContractJson<KeyInUse>, Problem> {
    Ok(ContractJson(found(&pool, key).await?))
}

/// Adds a key. A provider has each name once: 409 if it is taken.
#[utoipa::path(post, path = "/keys", operation_id = "add_pool_key", tag = "Key pool", security(("adminKey" = [])),
    request_body = AddKey, responses((status = 201, description = "The new key", body = KeyInUse), Refusals, BodyRefusals, NameRefusals))]
pub(super) async fn add(
    State(pool): State<KeyPool>,
    State(trail): State<Trail>,
    ContractJson(key): ContractJson<NewKey>,
) -> Result<(StatusCode, ContractJson<KeyInUse>), Problem> {
    let (provider, name) = (key.provider.clone(), key.name.clone());
    let told = trail.event(action::POOL_KEY_ADD).on("pool_key", format!("{provider}/{name}"));
    trail.around(told, async { Ok(pool.add_key(key).await?) }).await?;
    let view = pool.view().await.map_err(ApiError::from)?;
    let added = view.keys.iter().find(|view| view.key.spec.provider == provider && view.key.spec.name == name);
    // Somebody else may have removed it in this moment.
    let added = added.ok_or_else(|| ApiError::resource_not_found(&name))?;
    Ok((StatusCode::CREATED, ContractJson(added.into())))
}

/// Changes a key, turns it on or off, or puts another secret in place, which ends a quarantine. Fields that are not sent
/// keep their values.
#[utoipa::path(put, path = "/keys/{key_id}", operation_id = "change_pool_key", tag = "Key pool",
    security(("adminKey" = [])), params(KeyParam), request_body = ChangeKey,
    responses((status = 200, description = "The changed key", body = KeyInUse), Refusals, KeyRefusals, BodyRefusals))]
pub(super) async fn change(
    State(pool): State<KeyPool>,
    State(trail): State<Trail>,
    PathKey(key): PathKey,
    ContractJson(Members(members)): ContractJson<Members>,
) -> Result<ContractJson<KeyInUse>, Problem> {
    let view = pool.view().await.map_err(ApiError::from)?;
    let known = of(&view, key)?;
    let provider = &known.key.spec.provider;
    let change = fields::read("body", &members, |fields| KeyChange::from_fields_of(provider, fields))?;
    // Their names, and none of what they say.
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    let told = on(trail.event(action::POOL_KEY_CHANGE), known).detail("fields", names.join(" "));
    trail.around(told, async { Ok(pool.change_key(key, change).await?) }).await?;
    Ok(ContractJson(found(&pool, key).await?))
}

/// Takes a key out of the pool. Leases on it run on, and can make no more requests.
#[utoipa::path(delete, path = "/keys/{key_id}", operation_id = "remove_pool_key", tag = "Key pool",
    security(("adminKey" = [])), params(KeyParam),
    responses((status = 204, description = "The key is gone"), Refusals, KeyRefusals))]
pub(super) async fn remove(
    State(pool): State<KeyPool>,
    State(trail): State<Trail>,
    PathKey(key): PathKey,
) -> Result<StatusCode, Problem> {
    let view = pool.view().await.map_err(ApiError::from)?;
    let told = on(trail.event(action::POOL_KEY_REMOVE), of(&view, key)?);
    trail.around(told, async { Ok(pool.remove_key(key).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a key's quarantine or rest.
#[utoipa::path(post, path = "/keys/{key_id}/release", operation_id = "release_pool_key", tag = "Key pool",
    security(("adminKey" = [])), params(KeyParam),
    responses((status = 200, description = "The key, well again", body = KeyInUse), Refusals, KeyRefusals))]
pub(super) async fn release(
    State(pool): State<KeyPool>,
    State(trail): State<Trail>,
    PathKey(key): PathKey,
) -> Result<ContractJson<KeyInUse>, Problem> {
    let view = pool.view().await.map_err(ApiError::from)?;
    let told = on(trail.event(action::POOL_KEY_RELEASE), of(&view, key)?);
    trail.around(told, async { Ok(pool.release_key(key).await?) }).await?;
    Ok(ContractJson(found(&pool, key).await?))
}

async fn found(pool: &KeyPool, key: KeyId) -> Result<KeyInUse, ApiError> {
    let view = pool.view().await?;
    Ok(of(&view, key)?.into())
}

fn of(view: &PoolView, key: KeyId) -> Result<&KeyView, ApiError> {
    let known = view.keys.iter().find(|known| known.key.id == key);
    known.ok_or_else(|| ApiError::resource_not_found(&key.to_string()))
}

/// Something that is done to a key.
fn on(event: AuditEvent, view: &KeyView) -> AuditEvent {
    let Key { id, spec, .. } = &*view.key;
    event.on("pool_key", format!("{}/{}", spec.provider, spec.name)).detail("key_id", id.0.to_string())
}

/// The key that the path names. What is no number belongs to no key.
pub(super) struct PathKey(KeyId);

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the extractor reads it")]
struct KeyParam {
    /// The number of the key.
    key_id: u64,
}

impl<S: Sync> FromRequestParts<S> for PathKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = path_parameter(parts, "key_id").await.unwrap_or_default();
        let number = text.parse().ok().filter(|number: &u64| number.to_string() == text);
        Ok(Self(number.map(KeyId).ok_or_else(|| ApiError::resource_not_found("of this number"))?))
    }
}

/// The members of a body, to be read when it is known what they are about.
pub(super) struct Members(Map<String, Value>);

impl FromFields for Members {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self(fields.members().clone()))
    }
}

impl From<&Key> for PoolKey {
    fn from(key: &Key) -> Self {
        let spec = &key.spec;
        Self {
            id: key.id.0,
            provider: spec.provider.to_string(),
            name: spec.name.clone(),
            concurrency_limit: spec.concurrency,
            rpm_limit: spec.requests_per_minute,
            rpd_limits: spec.requests_per_day.clone(),
            priority: spec.priority,
            tenant_scope: match &spec.scope {
                TenantScope::All => "*".to_owned(),
                TenantScope::Only(tenants) => {
                    tenants.iter().map(mt_paas_core::TenantId::as_str).collect::<Vec<_>>().join(",")
                }
            },
            is_active: spec.active,
            expires_at: spec.expires_at.map(Moment::date),
            seeded: key.seed.is_some(),
            created_at: key.created_at.date(),
            updated_at: key.updated_at.date(),
            health: key.health.into(),
        }
    }
}

impl From<&KeyView> for KeyInUse {
    fn from(view: &KeyView) -> Self {
        let usage = KeyUsage {
            running: view.held,
            requests_this_minute: view.requests_this_minute,
            requests_today: view.requests_today.iter().cloned().collect(),
        };
        Self { key: (&*view.key).into(), usage }
    }
}

impl From<Health> for KeyHealth {
    fn from(health: Health) -> Self {
        let (state, reason, since, until) = match health {
            Health::Cooling { until, since, reason } => ("cooling", Some(reason), Some(since), Some(until)),
            Health::Quarantined { since, reason } => ("quarantined", Some(reason), Some(since), None),
            _ => ("well", None, None, None),
        };
        let reason = reason.map(|reason| match reason {
            Complaint::Unauthorized => "unauthorized",
            Complaint::OutOfCredit => "out_of_credit",
            _ => "slow_down",
        });
        Self { state, reason, since: since.map(Moment::date), until: until.map(Moment::date) }
    }
}
