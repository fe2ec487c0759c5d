//! Keys on their way into a pool, with their secrets still open.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::key::{KeySpec, Provider, TenantScope};
use super::moment::Moment;
use super::seal::{PayloadSeal, SealContext};
use crate::seal::SealError;
use crate::secret::Secret;

/// A key as somebody gives it to a pool, which seals its payload.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose key it is.
    pub provider: Provider,
    /// Its name, unique among the keys of its provider: 1 to 100 characters.
    pub name: String,
    /// The key itself, such as `{"api_key": "…"}`.
    pub payload: Secret<Value>,
    /// How many calls may run at once: 1 to 100,000.
    pub concurrency: u32,
    /// How many requests are allowed in any sixty seconds; `None`: any number.
    pub requests_per_minute: Option<u32>,
    /// How many requests a UTC day are allowed, by model; a model that is not listed has no limit.
    pub requests_per_day: BTreeMap<String, u32>,
    /// Whom it serves.
    pub scope: TenantScope,
    /// Keys with a higher priority are taken first.
    pub priority: i32,
    /// Whether it may be used.
    pub active: bool,
    /// When it ends; `None`: never.
    pub expires_at: Option<Moment>,
}

/// Changes to a key. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct KeyChange {
    /// Another secret. The key counts as well from then on.
    pub payload: Option<Secret<Value>>,
    /// How many calls may run at once.
    pub concurrency: Option<u32>,
    /// How many requests are allowed in any sixty seconds; the inner `None`: any number.
    pub requests_per_minute: Option<Option<u32>>,
    /// How many requests a UTC day are allowed, by model: all of them.
    pub requests_per_day: Option<BTreeMap<String, u32>>,
    /// Whom it serves.
    pub scope: Option<TenantScope>,
    /// Its priority.
    pub priority: Option<i32>,
    /// Whether it may be used.
    pub active: Option<bool>,
    /// When it ends; the inner `None`: never.
    pub expires_at: Option<Option<Moment>>,
}

impl NewKey {
    /// An active key for one call at once, without other limits, for every tenant.
    pub fn new(provider: Provider, name: impl Into<String>, payload: Secret<Value>) -> Self {
        Self {
            provider,
            name: name.into(),
            payload,
            concurrency: 1,
            requests_per_minute: None,
            requests_per_day: BTreeMap::new(),
            scope: TenantScope::All,
            priority: 0,
            active: true,
            expires_at: None,
        }
    }

    /// The key as it is kept. `known` is the sealed payload of the key that it replaces: the same payload keeps its
    /// text, by which the pool knows that the secret is still the same.
    pub(crate) fn sealed(&self, seal: &dyn PayloadSeal, known: Option<&str>) -> Result<KeySpec, SealError> {
        let sealed_payload = sealed(seal, &self.provider, &self.name, &self.payload, known)?;
        Ok(KeySpec {
            provider: self.provider.clone(),
            name: self.name.clone(),
            sealed_payload,
            concurrency: self.concurrency,
            requests_per_minute: self.requests_per_minute,
            requests_per_day: self.requests_per_day.clone(),
            scope: self.scope.clone(),
            priority: self.priority,
            active: self.active,
            expires_at: self.expires_at,
        })
    }

    /// SHA-256 of all that it says, the secret included.
    pub(crate) fn fingerprint(&self) -> String {
        let said = json!([
            self.provider.as_str(),
            self.name,
            text(&self.payload).expose(),
            self.concurrency,
            self.requests_per_minute,
            self.requests_per_day,
            self.scope,
            self.priority,
            self.active,
            self.expires_at,
        ]);
        Sha256::digest(said.to_string()).iter().fold(String::new(), |mut hex, byte| {
            // Writing to a text cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// A payload, sealed; `known` if it is the same one.
pub(crate) fn sealed(
    seal: &dyn PayloadSeal,
    provider: &Provider,
    name: &str,
    payload: &Secret<Value>,
    known: Option<&str>,
) -> Result<String, SealError> {
    let context = SealContext { provider, name };
    let plain = text(payload);
    let same = known.filter(|known| {
        let opened = seal.open(known, context);
        opened.is_ok_and(|opened| opened.matches(plain.expose().as_bytes()))
    });
    same.map_or_else(|| seal.seal(&plain, context), |known| Ok(known.to_owned()))
}

/// A payload as text, the same whatever the order of its members.
fn text(payload: &Secret<Value>) -> Secret<String> {
    Secret::new(ordered(payload.expose()).to_string())
}

fn ordered(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, Value> = members.iter().map(|(name, value)| (name, ordered(value))).collect();
            Value::Object(sorted.into_iter().map(|(name, value)| (name.clone(), value)).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(ordered).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(payload: Value) -> NewKey {
        NewKey::new("openai".parse().unwrap(), "a", Secret::new(payload))
    }

    #[test]
    fn a_fingerprint_changes_with_everything_that_an_entry_says() {
        let first = key(json!({"api_key": "x", "channel": [1]}));
        let print = first.fingerprint();
        assert_eq!(print.len(), 64);
        assert_eq!(key(serde_json::from_str(r#"{"channel": [1], "api_key": "x"}"#).unwrap()).fingerprint(), print);
        for other in [
            key(json!({"api_key": "y", "channel": [1]})),
            NewKey { provider: "kling".parse().unwrap(), ..first.clone() },
            NewKey { name: "b".into(), ..first.clone() },
            NewKey { concurrency: 2, ..first.clone() },
            NewKey { requests_per_minute: Some(1), ..first.clone() },
            NewKey { requests_per_day: [("m".to_owned(), 1)].into(), ..first.clone() },
            NewKey { scope: TenantScope::Only(["t".parse().unwrap()].into()), ..first.clone() },
            NewKey { priority: 1, ..first.clone() },
            NewKey { active: false, ..first.clone() },
            NewKey { expires_at: Some(Moment::default()), ..first.clone() },
        ] {
            assert_ne!(other.fingerprint(), print, "{other:?}");
        }
    }
}
