//! URLs.

use std::borrow::Cow;

use super::MARK;
use super::encoded::{holds_secret, is_secret_in_base64};
use super::name::{Naming, in_query};
use super::rules::Rules;
use super::text;
use crate::auth::OneTimeToken;

/// `url` without the secrets in its user information, path, query and fragment.
pub(super) fn redacted(rules: &Rules, url: &str) -> String {
    let (before, fragment) = url.split_once('#').map_or((url, None), |(before, fragment)| (before, Some(fragment)));
    let (path, query) = before.split_once('?').map_or((before, None), |(path, query)| (path, Some(query)));
    let mut out = redacted_path(rules, &free_text(rules, path));
    for (mark, pairs) in [('?', query), ('#', fragment)] {
        if let Some(pairs) = pairs {
            out.push(mark);
            out.push_str(&redacted_pairs(rules, pairs));
        }
    }
    // What is split may be a secret only as a whole.
    free_text(rules, &out)
}

/// Longer paths than those of any service are looked at segment by segment alone.
const SEGMENTS: usize = 16;

fn redacted_path(rules: &Rules, path: &str) -> String {
    let segments: Vec<&str> = path.split('/').collect();
    let (mut shown, mut at) = (Vec::new(), 0);
    while at < segments.len() {
        // Base64 has slashes of its own.
        let most = if segments.len() > SEGMENTS { at + 1 } else { segments.len() };
        let whole = |end: &usize| is_secret_in_base64(rules, segments[at..*end].join("/").as_bytes());
        let several = (at + 2..=most).rev().find(whole);
        let hidden = several.is_some() || is_token(segments[at]) || holds_secret(rules, segments[at].as_bytes());
        shown.push(if hidden { MARK } else { segments[at] });
        at = several.unwrap_or(at + 1);
    }
    let shown = shown.join("/");
    // Such as a URL whose own slashes were not escaped.
    if holds_secret(rules, shown.as_bytes()) { MARK.to_owned() } else { shown }
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
    let holds = || is_token(&decoded) || [&*decoded, value].iter().any(|value| holds_secret(rules, value.as_bytes()));
    match name {
        Some(name) if holds_secret(rules, name.as_bytes()) => Cow::Borrowed(MARK),
        _ if value.is_empty() => Cow::Borrowed(pair),
        Some(name) if secret || holds() => Cow::Owned(format!("{name}={MARK}")),
        None if holds() => Cow::Borrowed(MARK),
        _ => Cow::Borrowed(pair),
    }
}

/// Whether a part of an address is a token of a session or a one-time link: letters without a shape, told by their number.
fn is_token(part: &str) -> bool {
    part.parse::<OneTimeToken>().is_ok()
}

fn free_text(rules: &Rules, text: &str) -> String {
    text::redacted(rules, text.as_bytes()).map_or_else(|| text.to_owned(), super::into_text)
}

fn percent_decoded(text: &str) -> String {
    let pair = format!("v={text}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Redactor;
    use super::*;

    #[test]
    fn a_one_time_link_is_not_seen_where_its_address_is() {
        let token = OneTimeToken::generate();
        let redactor = Redactor::default();
        for (url, shown) in [
            (format!("/set-password/{}", token.expose()), format!("/set-password/{MARK}")),
            (format!("/setup/{}?lang=ko", token.expose()), format!("/setup/{MARK}?lang=ko")),
            (format!("/x?token={}", token.expose()), format!("/x?token={MARK}")),
            (format!("/x?next={}", token.expose()), format!("/x?next={MARK}")),
        ] {
            assert_eq!(redactor.url(&url), shown);
        }
        // What is shorter or longer is an id like any other.
        let id = &token.expose()[1..];
        assert_eq!(redactor.url(&format!("/mt/tenant/{id}/users")), format!("/mt/tenant/{id}/users"));
    }
}
