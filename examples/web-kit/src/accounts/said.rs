//! Every refusal as a sentence that says what to do next.

use mt_paas_core::auth::{AuthError, KeyRefused, PasswordRefused};
use mt_paas_core::error::FieldError;

use crate::{View, texts};

/// The field of the pages that holds a new password.
pub(super) const NEW_PASSWORD: &str = "new_password";
/// The field that holds the current one.
pub(super) const CURRENT_PASSWORD: &str = "current_password";

/// What is wrong, each with its field if it is about one.
pub(super) fn said(view: &View, error: &AuthError) -> Vec<(Option<String>, String)> {
    let one = |text: &str| vec![(None, text.to_owned())];
    let field = |name: &str, text: String| vec![(Some(name.to_owned()), text)];
    match error {
        AuthError::WrongPassword => field(CURRENT_PASSWORD, view.say(texts::WRONG_PASSWORD).to_owned()),
        AuthError::Password(refused) => field(NEW_PASSWORD, password(view, refused)),
        AuthError::SamePassword => field(NEW_PASSWORD, view.say(texts::SAME_PASSWORD).to_owned()),
        AuthError::Invalid(faults) => faults.iter().map(|fault| rule(view, fault)).collect(),
        AuthError::TooManyTries { until, now } => one(&wait(view, (*until - *now).num_seconds().max(0) + 1)),
        AuthError::OverQuota(limit) => one(&view.fill(texts::OVER_QUOTA, &[("limit", &limit.to_string())])),
        AuthError::TooManyKeys(limit) => one(&view.fill(texts::TOO_MANY_KEYS, &[("limit", &limit.to_string())])),
        error => one(view.say(sentence(error))),
    }
}

/// The sentence of a refusal that has no values.
fn sentence(error: &AuthError) -> crate::Text {
    match error {
        AuthError::WrongLogin => texts::WRONG_LOGIN,
        AuthError::Busy => texts::BUSY,
        AuthError::NotLoggedIn => texts::NOT_LOGGED_IN,
        AuthError::MustChangePassword => texts::MUST_CHANGE,
        AuthError::NotAllowed => texts::NOT_ALLOWED,
        AuthError::Oneself => texts::ONESELF,
        AuthError::Missing("tenant") => texts::MISSING_TENANT,
        AuthError::Missing("key") => texts::MISSING_KEY,
        AuthError::Missing("session") => texts::MISSING_SESSION,
        AuthError::Missing(_) => texts::MISSING,
        AuthError::Taken => texts::TAKEN,
        AuthError::LastSuperAdmin => texts::LAST_SUPER_ADMIN,
        AuthError::NotFirst => texts::NOT_FIRST,
        AuthError::LinkEnded => texts::LINK_ENDED_LEAD,
        AuthError::Key(refused) => match refused {
            KeyRefused::Mistyped(_) => texts::KEY_MISTYPED,
            KeyRefused::Unknown => texts::KEY_UNKNOWN,
            KeyRefused::Revoked(_) => texts::KEY_WAS_REVOKED,
            KeyRefused::Ended(_) => texts::KEY_HAS_ENDED,
            KeyRefused::OwnerInactive => texts::KEY_OWNER,
            KeyRefused::Scope => texts::KEY_SCOPE,
            _ => texts::KEY_REFUSED,
        },
        AuthError::Contended => texts::CONTENDED,
        _ => texts::UNAVAILABLE,
    }
}

fn password(view: &View, refused: &PasswordRefused) -> String {
    match refused {
        PasswordRefused::TooShort { minimum } => view.fill(texts::PASSWORD_SHORT, &[("minimum", &minimum.to_string())]),
        PasswordRefused::TooLong { maximum } => view.fill(texts::PASSWORD_LONG, &[("maximum", &maximum.to_string())]),
        PasswordRefused::Common => view.say(texts::PASSWORD_COMMON).to_owned(),
        PasswordRefused::Monotonous => view.say(texts::PASSWORD_MONOTONOUS).to_owned(),
        PasswordRefused::Context => view.say(texts::PASSWORD_CONTEXT).to_owned(),
        _ => view.say(texts::PASSWORD_REFUSED).to_owned(),
    }
}

/// What a member of a form has to be like. Core says it in English for programs; here it is said to people.
fn rule(view: &View, fault: &FieldError) -> (Option<String>, String) {
    let member = fault.loc.last().map_or("", String::as_str);
    let rule = match member {
        "login_name" => texts::RULE_LINE,
        "name" if fault.message.contains("100") => texts::RULE_KEY_NAME,
        "name" => texts::RULE_LINE,
        "email" => texts::RULE_EMAIL,
        "expires_at" => texts::RULE_END,
        "scopes" => texts::RULE_SCOPES,
        "overlap_hours" => texts::RULE_OVERLAP,
        _ => texts::RULE_ANY,
    };
    (Some(member.to_owned()), view.say(rule).to_owned())
}

/// Long waits are told in minutes.
fn wait(view: &View, seconds: i64) -> String {
    if seconds > 90 {
        let minutes = seconds.unsigned_abs().div_ceil(60);
        return view.fill(texts::TOO_MANY_TRIES_MINUTES, &[("minutes", &minutes.to_string())]);
    }
    view.fill(texts::TOO_MANY_TRIES, &[("seconds", &seconds.to_string())])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use chrono::{TimeDelta, Utc};
    use mt_paas_axum::language::Language;
    use mt_paas_core::auth::{ClientKey, HashingError};

    use super::*;
    use crate::{Reader, Site, Text};

    fn all() -> Vec<AuthError> {
        let now = Utc::now();
        let mistyped = "x".parse::<ClientKey>().unwrap_err();
        let fault =
            |name: &str, message: &str| FieldError { loc: vec!["body".into(), name.into()], message: message.into() };
        let names = ["login_name", "email", "expires_at", "scopes", "overlap_hours", "purpose"];
        let mut faults: Vec<_> = names.map(|name| fault(name, "is wrong")).into();
        faults.push(fault("name", "must be 1 to 100 characters in one line"));
        vec![
            AuthError::WrongLogin,
            AuthError::WrongPassword,
            AuthError::TooManyTries { until: now + TimeDelta::seconds(20), now },
            AuthError::TooManyTries { until: now + TimeDelta::minutes(20), now },
            AuthError::Busy,
            AuthError::NotLoggedIn,
            AuthError::MustChangePassword,
            AuthError::NotAllowed,
            AuthError::Oneself,
            AuthError::Missing("tenant"),
            AuthError::Missing("key"),
            AuthError::Missing("session"),
            AuthError::Missing("user"),
            AuthError::Taken,
            AuthError::OverQuota(3),
            AuthError::LastSuperAdmin,
            AuthError::NotFirst,
            PasswordRefused::TooShort { minimum: 15 }.into(),
            PasswordRefused::TooLong { maximum: 1_024 }.into(),
            PasswordRefused::Common.into(),
            PasswordRefused::Monotonous.into(),
            PasswordRefused::Context.into(),
            AuthError::SamePassword,
            AuthError::Invalid(faults),
            AuthError::LinkEnded,
            KeyRefused::Mistyped(mistyped).into(),
            KeyRefused::Unknown.into(),
            KeyRefused::Revoked(now).into(),
            KeyRefused::Ended(now).into(),
            KeyRefused::OwnerInactive.into(),
            KeyRefused::Scope.into(),
            AuthError::TooManyKeys(100),
            AuthError::Contended,
            HashingError::Overloaded.into(),
        ]
    }

    #[test]
    fn every_refusal_has_a_sentence_of_its_own_in_both_languages() {
        let site = Arc::new(Site::new(Text::new("Test", "Test")));
        for language in [Language::English, Language::Korean] {
            let reader = Reader { language, chosen: None, address: "/".to_owned(), request_id: None };
            let view = View::new(&site, reader, None);
            let mut told = BTreeSet::new();
            for error in all() {
                for (_, sentence) in said(&view, &error) {
                    assert!(sentence.ends_with('.') && !sentence.contains('{'), "{error:?}: {sentence}");
                    assert_ne!(sentence, view.say(texts::UNAVAILABLE), "{error:?}");
                    let busy = sentence == view.say(texts::BUSY);
                    assert!(told.insert(sentence) || busy, "{error:?} is told as another one");
                }
            }
        }
    }
}
