//! Keys of programs, as they are asked for and shown.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use mt_paas_core::UserId;
use mt_paas_core::auth::{ClientKey, IssuedKey, KeyPurpose, NewKey};
use mt_paas_core::fields::{Fields, FromFields, digits, integer, list, parsed, text};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::bodies::nullable;

/// A key, without what opens doors.
#[derive(Serialize, ToSchema)]
pub(super) struct Key {
    /// Its name in addresses, and in the audit trail.
    id: Uuid,
    /// In whose name it acts.
    user_id: UserId,
    /// What its owner calls it.
    name: String,
    /// Its beginning and its last characters.
    #[schema(example = "mtp_live_…a1B2")]
    shown: String,
    /// What it may do, as far as its owner may.
    scopes: BTreeSet<String>,
    created_at: DateTime<Utc>,
    /// When it ends; `null`: never.
    expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    /// The key that took its place.
    replaced_by: Option<Uuid>,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeKey {
    /// The key. It is shown here and never again.
    key: String,
    #[serde(flatten)]
    about: Key,
}

/// A part of the keys.
#[derive(Serialize, ToSchema)]
pub(super) struct Keys {
    /// The newest first.
    keys: Vec<Key>,
    /// The `after` of the next part; `null` in the last one.
    next_after: Option<Uuid>,
}

/// A key to be made.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct MakeKey {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// `live` or `test`.
    #[schema(default = "live", pattern = "^(live|test)$")]
    purpose: Option<String>,
    /// Of those that the service has, at most what one's own access allows.
    #[schema(default = json!([]))]
    scopes: Option<Vec<String>>,
    /// `null`: never.
    expires_at: Option<DateTime<Utc>>,
}

/// A key to be replaced.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the body; the type below reads it")]
pub(super) struct RotateKey {
    /// For how long the old key goes on working.
    #[schema(default = 24, minimum = 0, maximum = 720)]
    overlap_hours: Option<u32>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; the type below reads them")]
pub(super) struct KeyPageParams {
    /// At most so many keys.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// The `next_after` of the part before.
    after: Option<Uuid>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the extractor reads it")]
pub(super) struct KeyParam {
    /// The id of the key.
    id: Uuid,
}

/// A key that somebody wants.
pub(super) struct Wanted(pub(super) NewKey);

/// For how long a key goes on working that is replaced.
pub(super) struct Overlap(pub(super) TimeDelta);

/// Which part of the keys.
pub(super) struct KeyPage {
    pub(super) limit: u32,
    pub(super) after: Option<Uuid>,
}

impl FromFields for Wanted {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", text(1, 100));
        let purpose = fields.or("purpose", KeyPurpose::Live, purpose);
        let scopes = fields.or("scopes", Vec::new(), list(64, text(1, 64)));
        let expires_at = nullable(fields, "expires_at", parsed);
        let scopes = scopes?.into_iter().collect();
        Some(Self(NewKey { name: name?, purpose: purpose?, scopes, expires_at: expires_at? }))
    }
}

impl FromFields for Overlap {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let hours = fields.or("overlap_hours", 24, integer(0, 720))?;
        Some(Self(TimeDelta::hours(i64::try_from(hours).unwrap_or_default())))
    }
}

impl FromFields for KeyPage {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let limit = fields.or("limit", 100, digits(1, 500));
        let after = fields.optional("after", parsed);
        Some(Self { limit: u32::try_from(limit?).unwrap_or_default(), after: after? })
    }
}

fn purpose(value: &Value) -> Result<KeyPurpose, String> {
    match value.as_str() {
        Some("live") => Ok(KeyPurpose::Live),
        Some("test") => Ok(KeyPurpose::Test),
        _ => Err("must be live or test".to_owned()),
    }
}

impl Keys {
    /// One more than `limit` was not asked for, so a full part may be the last one.
    pub(super) fn of(keys: Vec<IssuedKey>, limit: u32) -> Self {
        let next_after = keys.last().filter(|_| keys.len() >= limit as usize).map(|key| key.id);
        Self { keys: keys.into_iter().map(Key::from).collect(), next_after }
    }
}

impl MadeKey {
    pub(super) fn of((key, about): (ClientKey, IssuedKey)) -> Self {
        Self { key: key.expose().to_owned(), about: about.into() }
    }
}

impl From<IssuedKey> for Key {
    fn from(key: IssuedKey) -> Self {
        Self {
            id: key.id,
            user_id: key.user,
            shown: format!("{}…{}", key.purpose.prefix(), key.hint),
            name: key.name,
            scopes: key.scopes,
            created_at: key.created_at,
            expires_at: key.expires_at,
            used_at: key.used_at,
            revoked_at: key.revoked_at,
            replaced_by: key.replaced_by,
        }
    }
}
