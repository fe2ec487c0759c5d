//! The keys that an operator gives a pool at its start: `KEY_POOL_JSON`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::key::Provider;
use super::new_key::NewKey;
use crate::{fields, json};

/// Keys from a text such as
///
/// ```json
/// {
///   "openai": [{"name": "school-1", "api_key": "sk-…", "concurrency_limit": 3, "rpm_limit": 60}],
///   "kling": [{"name": "main", "access_key": "…", "secret_key": "…", "tenant_scope": "hallym, sangji"}]
/// }
/// ```
///
/// Applied by [`KeyPool::seed`](super::KeyPool::seed), it is all that there is to say of seeded keys. An entry that is as
/// it was at the last time leaves its key to what an administrator made of it; an entry that changed wins; the key of an
/// entry that is gone goes too. Keys that were added by hand stay, unless an entry has their name and takes them over. A
/// quarantine ends only with another secret. `{}` therefore removes all seeded keys, and `"openai": []` those of openai,
/// while nothing at all, or blanks, change nothing. A seeded key that an administrator removes is back at the next start:
/// to be rid of it, turn it off or remove its entry.
#[derive(Debug, Clone, Default)]
pub struct KeySeed(Option<Vec<NewKey>>);

/// The text cannot be used. Every fault is named with its entry, as in `openai[2].rpm_limit: …`; no message holds a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedError(Vec<String>);

impl KeySeed {
    /// Reads the text of `KEY_POOL_JSON`.
    ///
    /// # Errors
    ///
    /// [`SeedError`] with all faults: no entry is ever skipped.
    pub fn parse(text: &str) -> Result<Self, SeedError> {
        if text.trim().is_empty() {
            return Ok(Self(None));
        }
        let providers = match json::read(text.as_bytes()) {
            Ok(Value::Object(providers)) => providers,
            Ok(_) => return Err(SeedError(vec!["must be an object: provider and list of entries".to_owned()])),
            Err(fault) => return Err(SeedError(vec![fault.to_string()])),
        };
        let mut reading = Reading::default();
        for (provider, entries) in &providers {
            reading.provider(provider, entries);
        }
        if reading.faults.is_empty() { Ok(Self(Some(reading.keys))) } else { Err(SeedError(reading.faults)) }
    }

    /// The keys; `None`: nothing is to be changed.
    pub fn keys(&self) -> Option<&[NewKey]> {
        self.0.as_deref()
    }
}

impl SeedError {
    /// The faults, in the order of the text.
    pub fn faults(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for SeedError {}

#[derive(Default)]
struct Reading {
    keys: Vec<NewKey>,
    faults: Vec<String>,
}

impl Reading {
    fn provider(&mut self, name: &str, entries: &Value) {
        let provider = match name.parse::<Provider>() {
            Ok(provider) => provider,
            // What is no name may be a secret in the wrong place.
            Err(error) => {
                let length = name.chars().count();
                return self.faults.push(format!("{error}; one of {length} characters is none"));
            }
        };
        let Some(entries) = entries.as_array() else {
            return self.faults.push(format!("{name}: must be a list of entries"));
        };
        let mut names = BTreeMap::new();
        for (at, entry) in entries.iter().enumerate() {
            let place = format!("{name}[{at}]");
            let Some(entry) = entry.as_object() else {
                self.faults.push(format!("{place}: must be an object"));
                continue;
            };
            if let Some(first) = entry.get("name").and_then(Value::as_str).and_then(|name| names.insert(name, at)) {
                self.faults.push(format!("{place}.name: is that of {name}[{first}]"));
            }
            self.entry(&provider, &place, entry);
        }
    }

    fn entry(&mut self, provider: &Provider, place: &str, entry: &Map<String, Value>) {
        match fields::read(place, entry, |fields| NewKey::from_fields_of(provider, fields)) {
            Ok(key) => self.keys.push(key),
            Err(error) => {
                let said = |fault: &crate::error::FieldError| format!("{}: {}", fault.loc.join("."), fault.message);
                self.faults.extend(error.fields().iter().map(said));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::key_pool::TenantScope;

    fn faults(text: &str) -> Vec<String> {
        KeySeed::parse(text).map(|seed| panic!("{text} is taken for {seed:?}")).unwrap_err().0
    }

    fn only(text: &str) -> NewKey {
        let seed = KeySeed::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        seed.keys().unwrap()[0].clone()
    }

    #[test]
    fn an_entry_says_what_a_key_allows() {
        let key = only(
            r#"{"openai": [{"name": "a", "api_key": "hidden", "concurrency_limit": 3, "rpm_limit": 60, "priority": -2,
            "rpd_limits": {"gpt": 5}, "tenant_scope": " hallym , sangji", "is_active": false,
            "expires_at": "2027-01-01T09:00:00+09:00"}]}"#,
        );
        assert_eq!((key.provider.as_str(), key.name.as_str()), ("openai", "a"));
        assert_eq!(key.payload.expose(), &json!({"api_key": "hidden"}));
        assert_eq!((key.concurrency, key.requests_per_minute, key.priority, key.active), (3, Some(60), -2, false));
        assert_eq!(key.requests_per_day, [("gpt".to_owned(), 5)].into());
        let tenants = ["hallym", "sangji"].map(|tenant| tenant.parse().unwrap());
        assert_eq!(key.scope, TenantScope::Only(tenants.into()));
        assert_eq!(key.expires_at.unwrap().date().to_rfc3339(), "2027-01-01T00:00:00+00:00");
    }

    #[test]
    fn what_is_not_said_is_not_limited() {
        for more in ["", r#", "rpm_limit": null, "rpd_limits": null, "tenant_scope": null, "expires_at": null"#] {
            let key = only(&format!(r#"{{"legnext": [{{"name": "a", "api_key": "x"{more}}}]}}"#));
            assert_eq!((key.concurrency, key.requests_per_minute, key.priority, key.active), (1, None, 0, true));
            assert!(key.requests_per_day.is_empty() && key.expires_at.is_none() && key.scope == TenantScope::All);
        }
        for all in ["*", "", " * ", "  "] {
            let key = only(&format!(r#"{{"legnext": [{{"name": "a", "api_key": "x", "tenant_scope": "{all}"}}]}}"#));
            assert_eq!(key.scope, TenantScope::All, "{all:?}");
        }
    }

    #[test]
    fn each_provider_has_its_secret() {
        for (provider, fields, payload) in [
            ("legnext", json!({"api_key": "x"}), json!({"api_key": "x"})),
            ("openai", json!({"api_key": "x"}), json!({"api_key": "x"})),
            ("kling", json!({"access_key": "x", "secret_key": "y"}), json!({"access_key": "x", "secret_key": "y"})),
            ("suno", json!({"api_key": "x"}), json!({"api_key": "x"})),
            ("midjourney", json!({"key_payload": {"t": "x", "n": 1}}), json!({"t": "x", "n": 1})),
        ] {
            let mut entry = fields.clone();
            entry["name"] = json!("a");
            let key = only(&json!({provider: [entry]}).to_string());
            assert_eq!(key.payload.expose(), &payload, "{provider}");
        }
    }

    #[test]
    fn nothing_is_not_an_empty_object() {
        assert!(KeySeed::parse("").unwrap().keys().is_none());
        assert!(KeySeed::parse(" \n").unwrap().keys().is_none());
        assert!(KeySeed::parse("{}").unwrap().keys().unwrap().is_empty());
        assert!(KeySeed::parse(r#"{"openai": []}"#).unwrap().keys().unwrap().is_empty());
    }

    #[test]
    fn a_text_that_is_no_list_of_keys_is_refused_as_a_whole() {
        for (text, said) in [
            ("{", "is not JSON: line 1, column 1"),
            ("hidden", "is not JSON"),
            ("[]", "must be an object"),
            ("null", "must be an object"),
            (r#"{"openai": [], "openai": []}"#, "names a member twice"),
            (r#"{"openai": [{"name": "a", "api_key": "hidden", "api_key": "hidden"}]}"#, "names a member twice"),
            (r#"{"openai": {"name": "a"}}"#, "openai: must be a list of entries"),
            (r#"{"openai": "hidden"}"#, "openai: must be a list of entries"),
            (r#"{"hidden key": []}"#, "the name of a provider"),
            (r#"{"": []}"#, "the name of a provider"),
        ] {
            let faults = faults(text);
            assert!(faults.len() == 1 && faults[0].starts_with(said), "{text}: {faults:?}");
            assert!(!faults[0].contains("hidden"), "{faults:?}");
        }
    }

    #[test]
    fn every_field_that_cannot_be_meant_is_named() {
        for (field, wrong) in [
            (
                "name",
                vec![
                    json!(null),
                    json!(""),
                    json!(" "),
                    json!(" a"),
                    json!("a\u{0}"),
                    json!("x".repeat(101)),
                    json!(1),
                ],
            ),
            ("api_key", vec![json!(null), json!(""), json!(" "), json!(1), json!(" x"), json!("x\n"), json!("a\nb")]),
            ("concurrency_limit", vec![json!(0), json!(-1), json!(1.5), json!("2"), json!(null), json!(100_001)]),
            ("rpm_limit", vec![json!(0), json!(-1), json!("60"), json!(100_000_001), json!(true)]),
            (
                "rpd_limits",
                vec![json!(5), json!([]), json!({"m": 0}), json!({"m": null}), json!({"": 1}), json!({"m": "1"})],
            ),
            ("priority", vec![json!("high"), json!(1.5), json!(null), json!(3_000_000_000_u64)]),
            ("tenant_scope", vec![json!("a,,b"), json!("*,a"), json!("a b"), json!(["a"]), json!("한림"), json!(",")]),
            ("is_active", vec![json!(1), json!("true"), json!(null)]),
            (
                "expires_at",
                vec![json!("tomorrow"), json!("2027-01-01"), json!("2027-13-01T00:00:00Z"), json!(0), json!("")],
            ),
            ("limit", vec![json!(1)]),
            ("provider", vec![json!("openai")]),
            ("access_key", vec![json!("x")]),
            ("key_payload", vec![json!({"api_key": "x"})]),
        ] {
            for value in wrong {
                let mut entry = json!({"name": "good", "api_key": "hidden"});
                entry[field] = value;
                let good = json!({"name": "other", "api_key": "hidden"});
                let faults = faults(&json!({"openai": [good, entry]}).to_string());
                assert!(faults.len() == 1 && faults[0].starts_with(&format!("openai[1].{field}: ")), "{faults:?}");
                assert!(!faults[0].contains("hidden"), "{faults:?}");
            }
        }
        let zero = faults(r#"{"openai": [{"name": "a", "api_key": "x", "rpm_limit": 0}]}"#);
        assert!(zero[0].contains("null for no limit"), "{zero:?}");
    }

    #[test]
    fn secrets_that_are_missing_or_too_many_are_named() {
        for (text, places) in [
            (r#"{"openai": [{"name": "a"}]}"#, vec!["openai[0].api_key"]),
            (r#"{"kling": [{"name": "a"}]}"#, vec!["kling[0].access_key", "kling[0].secret_key"]),
            (r#"{"kling": [{"name": "a", "access_key": "hidden"}]}"#, vec!["kling[0].secret_key"]),
            (
                r#"{"kling": [{"name": "a", "api_key": "hidden", "access_key": "x", "secret_key": "y"}]}"#,
                vec!["kling[0].api_key"],
            ),
            (r#"{"suno": [{"name": "a"}]}"#, vec!["suno[0].key_payload"]),
            (r#"{"suno": [{"name": "a", "access_key": "hidden"}]}"#, vec!["suno[0].key_payload", "suno[0].access_key"]),
            (r#"{"suno": [{"name": "a", "key_payload": {}}]}"#, vec!["suno[0].key_payload"]),
            (r#"{"suno": [{"name": "a", "key_payload": "hidden"}]}"#, vec!["suno[0].key_payload"]),
            (r#"{"suno": [{"name": "a", "key_payload": {"k": "hidden"}, "api_key": "x"}]}"#, vec!["suno[0].api_key"]),
            (r#"{"suno": [{"name": "a", "api_key": "x", "sk-hidden": 1}]}"#, vec!["suno[0].…"]),
        ] {
            let faults = faults(text);
            let found: Vec<&str> = faults.iter().filter_map(|fault| Some(fault.split_once(": ")?.0)).collect();
            assert_eq!(found, places, "{faults:?}");
            assert!(!faults.concat().contains("hidden"), "{faults:?}");
        }
    }

    #[test]
    fn all_faults_of_all_entries_are_told_at_once() {
        let faults = faults(
            r#"{"kling": 1, "openai": [{"name": "a", "api_key": "x", "rpm_limit": 0, "is_active": 0}, 7,
            {"name": "a", "api_key": "y"}]}"#,
        );
        let places: Vec<&str> = faults.iter().filter_map(|fault| Some(fault.split_once(": ")?.0)).collect();
        assert_eq!(places, ["kling", "openai[0].rpm_limit", "openai[0].is_active", "openai[1]", "openai[2].name"]);
        // The same name with another provider is another key.
        assert!(
            KeySeed::parse(r#"{"x": [{"name": "a", "api_key": "x"}], "y": [{"name": "a", "api_key": "x"}]}"#).is_ok()
        );
    }
}
