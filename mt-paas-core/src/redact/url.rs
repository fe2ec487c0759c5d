//! URLs.

use std::borrow::Cow;

use super::MARK;
use super::name::{Naming, in_query};
use super::rules::Rules;
use super::text;

/// `url` without the secrets in its user information, path, query and fragment.
pub(super) fn redacted(rules: &Rules, url: &str) -> String {
    let (before, fragment) = url.split_once('#').map_or((url, None), |(before, fragment)| (before, Some(fragment)));
    let (path, query) = before.split_once('?').map_or((before, None), |(path, query)| (path, Some(query)));
    let mut out = free_text(rules, path);
    for (mark, pairs) in [('?', query), ('#', fragment)] {
        if let Some(pairs) = pairs {
            out.push(mark);
            out.push_str(&redacted_pairs(rules, pairs));
        }
    }
    // What is split may be a secret only as a whole.
    free_text(rules, &out)
}

/// `a=b&c=d`, as in a query or a form.
fn redacted_pairs(rules: &Rules, pairs: &str) -> String {
    let shown: Vec<Cow<'_, str>> = pairs.split('&').map(|pair| redacted_pair(rules, pair)).collect();
    shown.join("&")
}

fn redacted_pair<'p>(rules: &Rules, pair: &'p str) -> Cow<'p, str> {
    let (name, value) = pair.split_once('=').map_or((None, pair), |(name, value)| (Some(name), value));
    let decoded = percent_decoded(value);
    let secret = name.is_some_and(|name| {
        let name = percent_decoded(name);
        let open = decoded.chars().count() < 8 || decoded.bytes().all(|byte| byte.is_ascii_digit());
        matches!(rules.names.naming(&name), Naming::Secret(_)) || in_query(&name) && !open
    });
    // A value that holds a secret is hidden as a whole: what is left of it could not be read anyway.
    let holds = || text::redacted(rules, decoded.as_bytes()).is_some();
    match name {
        _ if value.is_empty() => Cow::Borrowed(pair),
        Some(name) if secret || holds() => Cow::Owned(format!("{name}={MARK}")),
        None if holds() => Cow::Borrowed(MARK),
        _ => Cow::Borrowed(pair),
    }
}

fn free_text(rules: &Rules, text: &str) -> String {
    text::redacted(rules, text.as_bytes()).map_or_else(|| text.to_owned(), super::into_text)
}

fn percent_decoded(text: &str) -> String {
    let pair = format!("v={text}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}
