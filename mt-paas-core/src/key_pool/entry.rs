//! Keys as people write them: entries of `KEY_POOL_JSON`, and bodies of the routes for administrators.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::key::{MAX_CONCURRENCY, MAX_REQUESTS, Provider, TenantScope};
use super::moment::Moment;
use super::new_key::{KeyChange, NewKey};
use crate::fields::{Fields, FromFields, boolean, integer, parsed, text};
use crate::secret::Secret;

/// The fields of an entry that hold the secret.
const SECRETS: &[&str] = &["api_key", "access_key", "secret_key", "key_payload"];
/// The fields that a key can change.
const TERMS: &[&str] =
    &["concurrency_limit", "rpm_limit", "rpd_limits", "priority", "tenant_scope", "is_active", "expires_at"];

/// An entry together with its `provider`. A field that is not known is an error, because a limit that is spelled wrongly
/// would be no limit.
impl FromFields for NewKey {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        refuse_others(fields, &["provider", "name"]);
        match fields.required("provider", parsed::<Provider>) {
            Some(provider) => entry(&provider, fields),
            None => {
                // The other faults are told with it.
                let _ = (fields.required("name", key_name), terms(fields));
                None
            }
        }
    }
}

impl NewKey {
    /// Reads an entry that stands below its provider.
    pub(crate) fn from_fields_of(provider: &Provider, fields: &mut Fields<'_>) -> Option<Self> {
        refuse_others(fields, &["name"]);
        entry(provider, fields)
    }
}

impl KeyChange {
    /// Reads the fields that are to be changed of a key of `provider`.
    pub fn from_fields_of(provider: &Provider, fields: &mut Fields<'_>) -> Option<Self> {
        refuse_others(fields, &[]);
        let payload = if SECRETS.iter().any(|name| fields.value(name).is_some()) {
            secret(fields, provider).map(Some)
        } else {
            Some(None)
        };
        let change = terms(fields);
        Some(Self { payload: payload?, ..change? })
    }
}

fn entry(provider: &Provider, fields: &mut Fields<'_>) -> Option<NewKey> {
    let (name, payload) = (fields.required("name", key_name), secret(fields, provider));
    let change = terms(fields)?;
    let key = NewKey::new(provider.clone(), name?, payload?);
    Some(NewKey {
        concurrency: change.concurrency.unwrap_or(key.concurrency),
        requests_per_minute: change.requests_per_minute.flatten(),
        requests_per_day: change.requests_per_day.unwrap_or_default(),
        scope: change.scope.unwrap_or_default(),
        priority: change.priority.unwrap_or_default(),
        active: change.active.unwrap_or(key.active),
        expires_at: change.expires_at.flatten(),
        ..key
    })
}

/// What a key allows, as far as it is said.
fn terms(fields: &mut Fields<'_>) -> Option<KeyChange> {
    let concurrency = fields.optional("concurrency_limit", |value| number(value, MAX_CONCURRENCY));
    let minute = fields.optional("rpm_limit", |value| {
        let limit = (!value.is_null()).then(|| number(value, MAX_REQUESTS)).transpose();
        limit.map_err(|fault| format!("{fault}, or null for no limit"))
    });
    let days = fields.optional("rpd_limits", daily);
    let priority = fields.optional("priority", |value| {
        let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
        number.ok_or_else(|| format!("must be a whole number from {} to {}", i32::MIN, i32::MAX))
    });
    let scope = fields.optional("tenant_scope", tenants);
    let active = fields.optional("is_active", boolean);
    let expires_at = fields.optional("expires_at", time);
    Some(KeyChange {
        payload: None,
        concurrency: concurrency?,
        requests_per_minute: minute?,
        requests_per_day: days?,
        scope: scope?,
        priority: priority?,
        active: active?,
        expires_at: expires_at?,
    })
}

/// The secret of a provider: which fields it stands in is known for some of them.
fn secret(fields: &mut Fields<'_>, provider: &Provider) -> Option<Secret<Value>> {
    let (takes, demand): (&[&str], _) = match provider.as_str() {
        "kling" => (&["access_key", "secret_key"], "kling takes access_key and secret_key"),
        "legnext" => (&["api_key"], "legnext takes api_key"),
        "openai" => (&["api_key"], "openai takes api_key"),
        _ if fields.value("key_payload").is_some() => (&["key_payload"], "is one too many beside key_payload"),
        _ if fields.value("api_key").is_some() => (&["api_key"], "is one too many beside api_key"),
        _ => {
            fields.fault("key_payload", "is required; a text alone can be given as api_key");
            (&[], "does not belong to this provider; use key_payload or api_key")
        }
    };
    let foreign = SECRETS.iter().filter(|name| !takes.contains(name) && fields.value(name).is_some());
    let foreign: Vec<&str> = foreign.copied().collect();
    for name in &foreign {
        fields.fault(name, demand);
    }
    let mut payload = Map::new();
    for name in takes {
        if *name == "key_payload" {
            payload = fields.required(name, object)?;
        } else if let Some(part) = fields.required(name, secret_text) {
            payload.insert((*name).to_owned(), json!(part));
        }
    }
    let whole = foreign.is_empty() && !payload.is_empty() && takes.len() <= payload.len();
    whole.then(|| Secret::new(Value::Object(payload)))
}

/// Notes every field that no entry has. Only what looks like the name of a field is repeated; the rest may be a secret.
fn refuse_others(fields: &mut Fields<'_>, also: &[&str]) {
    let known = |name: &str| TERMS.contains(&name) || SECRETS.contains(&name) || also.contains(&name);
    let plain = |name: &str| name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let others: Vec<String> = fields.members().keys().filter(|name| !known(name)).cloned().collect();
    for name in &others {
        let shown = if plain(name) { name } else { "…" };
        fields.fault(shown, "is not a field that can stand here");
    }
}

fn number(value: &Value, max: u32) -> Result<u32, String> {
    let number = integer(1, u64::from(max))(value)?;
    u32::try_from(number).map_err(|error| error.to_string())
}

fn key_name(value: &Value) -> Result<String, String> {
    text(1, 100)(value).and_then(trimmed)
}

/// A secret as it is sent in a header or signed with: what a copy brought along at its ends does not belong to it.
fn secret_text(value: &Value) -> Result<String, String> {
    let secret = text(1, 8192)(value).and_then(trimmed)?;
    let broken = secret.chars().any(char::is_control);
    if broken { Err("must not hold line ends or tabs".to_owned()) } else { Ok(secret) }
}

fn trimmed(text: String) -> Result<String, String> {
    if text.trim() == text { Ok(text) } else { Err("must not begin or end with a blank".to_owned()) }
}

fn object(value: &Value) -> Result<Map<String, Value>, String> {
    let members = value.as_object().filter(|members| !members.is_empty());
    members.cloned().ok_or_else(|| "must be an object with the secret in it".to_owned())
}

fn daily(value: &Value) -> Result<BTreeMap<String, u32>, String> {
    if value.is_null() {
        return Ok(BTreeMap::new());
    }
    let members = value.as_object().ok_or("must be an object: model and number")?;
    let limit = |(model, limit): (&String, &Value)| {
        let model = text(1, 100)(&json!(model)).map_err(|fault| format!("the name of a model {fault}"))?;
        match number(limit, MAX_REQUESTS) {
            Ok(limit) => Ok((model, limit)),
            Err(fault) => Err(format!("'{model}' {fault}; leave the model out for no limit")),
        }
    };
    members.iter().map(limit).collect()
}

/// `*`, nothing, or tenants separated by commas, with or without blanks.
fn tenants(value: &Value) -> Result<TenantScope, String> {
    let list = match value {
        Value::Null => "",
        Value::String(list) => list.trim(),
        _ => return Err("must be '*' or tenants separated by commas".to_owned()),
    };
    if matches!(list, "" | "*") {
        return Ok(TenantScope::All);
    }
    let only = list.split(',').enumerate().map(|(at, tenant)| {
        tenant
            .trim()
            .parse()
            .map_err(|error| format!("must be '*' or tenants separated by commas; number {} is none: {error}", at + 1))
    });
    only.collect::<Result<_, _>>().map(TenantScope::Only)
}

fn time(value: &Value) -> Result<Option<Moment>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let at = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let at = at.ok_or("must be a time with its zone such as 2027-02-28T23:59:59Z, or null")?;
    Ok(Some(at.to_utc().into()))
}
