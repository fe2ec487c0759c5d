//! The secrets of the settings, as texts that must not be seen anywhere.

use mt_paas_core::Secret;
use mt_paas_core::redact::Redactor;
use serde_json::Value;

/// The passwords in a URL: in its user information and its parameters, as they stand there and as they are meant.
pub(super) fn of_url(url: &str) -> Vec<Secret<String>> {
    let Ok(read) = url::Url::parse(url) else { return Vec::new() };
    let redactor = Redactor::default();
    let pairs = || read.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let secret = pairs().filter(|(name, _)| redactor.is_secret_name(name)).map(|(_, value)| value);
    read.password()
        .into_iter()
        .chain(secret)
        .flat_map(|text| [text.to_owned(), percent_decoded(text)])
        .map(Secret::new)
        .collect()
}

/// The keys in a list as `SECRETS_KEY` has it, in both alphabets of base64 and without padding.
pub(super) fn of_keyring(keys: &str) -> Vec<Secret<String>> {
    let words =
        keys.split(|letter: char| letter == ',' || letter.is_whitespace()).map(|word| word.trim_end_matches('='));
    words
        .flat_map(|word| [word.replace('-', "+").replace('_', "/"), word.replace('+', "-").replace('/', "_")])
        .map(Secret::new)
        .collect()
}

/// All texts in a payload of a provider's key.
pub(super) fn of_payload(payload: &Value) -> Vec<Secret<String>> {
    match payload {
        Value::String(text) => vec![Secret::new(text.clone())],
        Value::Array(values) => values.iter().flat_map(of_payload).collect(),
        Value::Object(values) => values.values().flat_map(of_payload).collect(),
        _ => Vec::new(),
    }
}

fn percent_decoded(text: &str) -> String {
    // In user information a plus sign is one.
    let pair = format!("v={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(secrets: &[Secret<String>]) -> Vec<String> {
        secrets.iter().map(|secret| secret.expose().clone()).collect()
    }

    #[test]
    fn passwords_of_urls_are_meant_and_nothing_else_of_them() {
        assert_eq!(
            texts(&of_url("postgres://kim:a%2Bb+c@db/x?password=d%20e&sslmode=on")),
            ["a%2Bb+c", "a+b+c", "d%20e", "d e"]
        );
        assert_eq!(texts(&of_url("redis://:hidden@cache:6379/0")), ["hidden", "hidden"]);
        for url in ["memory:", "sqlite:data/advisor.db", "postgres://kim@db/x", "redis://cache", ""] {
            assert!(of_url(url).is_empty(), "{url}");
        }
    }

    #[test]
    fn a_key_for_secrets_is_one_in_either_alphabet() {
        assert_eq!(texts(&of_keyring("a+/b==")), ["a+/b", "a-_b"]);
        assert_eq!(texts(&of_payload(&serde_json::json!({"access_key": "a", "b": [1, {"c": "d"}]}))), ["a", "d"]);
    }
}
