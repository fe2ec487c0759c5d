//! JSON as a tree, in place.

use serde_json::{Map, Value};

use super::MARK;
use super::json::{Role, hidden_text, redacted_text};
use super::name::{Naming, Sort};
use super::rules::Rules;

/// Takes the secrets out of `value`, as [`JsonStream`](super::json::JsonStream) does with its text.
pub(super) fn redact(rules: &Rules, value: &mut Value, hide: Option<Sort>) {
    match value {
        Value::String(text) => {
            let redacted = match hide {
                Some(_) => Some(hidden_text(text.as_bytes())),
                None => redacted_text(rules, text.as_bytes(), 0),
            };
            if let Some(redacted) = redacted {
                *text = super::into_text(redacted);
            }
        }
        Value::Number(_) if hide.is_some_and(|sort| sort != Sort::Several) => *value = Value::from(MARK),
        Value::Array(items) => items.iter_mut().for_each(|item| redact(rules, item, hide)),
        Value::Object(members) => redact_members(rules, members, hide),
        _ => {}
    }
}

fn redact_members(rules: &Rules, members: &mut Map<String, Value>, hide: Option<Sort>) {
    let named = members.iter().filter(|(name, _)| Role::of(name.as_bytes()) == Role::Name).find_map(|(_, value)| {
        let Naming::Secret(sort) = rules.names.naming(value.as_str()?) else { return None };
        Some(sort)
    });
    for (name, value) in &mut *members {
        let hide = match rules.names.naming(name) {
            Naming::Secret(sort) => Some(sort),
            Naming::Neutral => None,
            Naming::Ordinary if Role::of(name.as_bytes()) == Role::Value => hide.or(named),
            Naming::Ordinary => hide,
        };
        redact(rules, value, hide);
    }
    // Names hold secrets, too: spending by key.
    let renamed: Vec<(String, String)> = members
        .keys()
        .filter_map(|name| Some((name.clone(), super::into_text(redacted_text(rules, name.as_bytes(), 0)?))))
        .collect();
    for (name, redacted) in renamed {
        if let Some(value) = members.remove(&name) {
            members.insert(redacted, value);
        }
    }
}
