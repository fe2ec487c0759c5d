//! Rules for single fields, and a list of everything that is wrong with a body.

use serde_json::{Map, Value, json};

use super::reply::Refusal;

/// Everything wrong with one request, in the order of finding.
#[derive(Default)]
pub(super) struct Complaints(Vec<(Vec<String>, String)>);

impl Complaints {
    pub(super) fn add(&mut self, at: &[&str], name: &str, message: &str) {
        let loc = std::iter::once("body").chain(at.iter().copied()).chain([name]).map(str::to_owned).collect();
        self.0.push((loc, message.to_owned()));
    }

    /// Refuses if there is anything to complain of.
    pub(super) fn settle(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let named: Vec<_> = self.0.iter().map(|(loc, message)| format!("{}: {message}", loc.join("."))).collect();
        let fields: Vec<_> = self.0.iter().map(|(loc, message)| json!({"loc": loc, "message": message})).collect();
        let mut refusal = Refusal::new(422, "INVALID_REQUEST", named.join("; "));
        refusal.details = json!({"fields": fields});
        Err(refusal)
    }

    /// A required text that is not blank.
    pub(super) fn text(&mut self, body: &Map<String, Value>, at: &[&str], name: &str) -> String {
        match body.get(name) {
            Some(Value::String(text)) if text.trim().is_empty() => self.add(at, name, "must not be blank"),
            Some(Value::String(text)) if !clean(text) => self.add(at, name, "holds a control character"),
            Some(Value::String(text)) => return text.clone(),
            Some(_) => self.add(at, name, "must be a text"),
            None => self.add(at, name, "is required"),
        }
        String::new()
    }

    /// A required e-mail address, kept as sent.
    pub(super) fn email(&mut self, body: &Map<String, Value>, at: &[&str], name: &str) -> String {
        let email = self.text(body, at, name);
        if !email.is_empty() && !is_email(email.trim()) {
            self.add(at, name, "is not an e-mail address");
        }
        email
    }

    /// One of a few words, if sent.
    pub(super) fn word(&mut self, body: &Map<String, Value>, name: &str, words: &[&str]) -> Option<String> {
        let value = body.get(name)?;
        let word = value.as_str().filter(|word| words.contains(word)).map(str::to_owned);
        if word.is_none() {
            self.add(&[], name, &format!("must be one of {}", words.join(", ")));
        }
        word
    }

    /// A truth value, if sent.
    pub(super) fn flag(&mut self, body: &Map<String, Value>, name: &str) -> Option<bool> {
        let value = body.get(name)?;
        if !value.is_boolean() {
            self.add(&[], name, "must be true or false");
        }
        value.as_bool()
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, body: &Map<String, Value>, name: &str) -> Vec<String> {
        let Some(items) = body.get(name).and_then(Value::as_array) else {
            self.add(&[], name, "must be a list of texts");
            return Vec::new();
        };
        let texts: Vec<String> = items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if texts.len() != items.len() || texts.iter().any(|text| text.trim().is_empty() || !clean(text)) {
            self.add(&[], name, "must be a list of texts");
        }
        texts
    }
}

/// No control characters but tab and line ends.
pub(super) fn clean(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
}

/// Letters, digits, `_` and `-`, at most 64, the first a letter or digit.
pub(super) fn is_tenant_id(id: &str) -> bool {
    let first = id.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    first && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "()<>,;:\\\"[]@".contains(c);
    let atoms = |part: &str| part.split('.').all(|atom| !atom.is_empty() && !atom.contains(odd));
    let label = |label: &str| label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-');
    email.len() <= 254 && local.len() <= 64 && atoms(local) && atoms(domain) && domain.split('.').all(label)
}
