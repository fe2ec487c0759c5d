//! One's own keys of programs.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use chrono::{TimeDelta, Utc};
use maud::{Markup, html};
use mt_paas_axum::Problem;
use mt_paas_axum::auth::Session;
use mt_paas_axum::extract::PathUuid;
use mt_paas_axum::http::StatusCode;
use mt_paas_core::auth::{ClientKey, IssuedKey, KeyPurpose, NewKey};

use super::account;
use super::desk::{Desk, Doors, on_to, query};
use super::form_body::FormBody;
use super::refusal::Refusal;
use crate::{
    Choice, Field, Page, Reader, Tone, View, button, choices, danger, empty, moment, notice, pager, select, texts,
};

/// Keys on one page.
const PAGE: u32 = 20;

/// `POST /account/keys`
pub(super) async fn make(
    State(desk): State<Doors>,
    reader: Reader,
    session: Session,
    form: FormBody,
) -> Result<Response, Problem> {
    let view = desk.view(reader, Some(&session));
    let days: Option<i64> = form.text("days").parse().ok();
    let end = days.and_then(TimeDelta::try_days).and_then(|lasts| Utc::now().checked_add_signed(lasts));
    let new = NewKey {
        name: form.text("name"),
        purpose: if form.text("purpose") == "test" { KeyPurpose::Test } else { KeyPurpose::Live },
        scopes: form.all("scopes").map(str::to_owned).collect::<BTreeSet<_>>(),
        expires_at: end,
    };
    match desk.accounts.make_key(&session, &new).await {
        Ok((shown, key)) => Ok(once(&view, &shown, &key)),
        Err(error) => account::refuse(&desk, &view, &session, Refusal::new(&view, error), Some(&form)).await,
    }
}

/// `POST /account/keys/{id}/rotate`
pub(super) async fn rotate(
    State(desk): State<Doors>,
    PathUuid(id): PathUuid,
    reader: Reader,
    session: Session,
    form: FormBody,
) -> Result<Response, Problem> {
    let view = desk.view(reader, Some(&session));
    let hours = form.text("overlap_hours").parse().ok().and_then(TimeDelta::try_hours).unwrap_or_default();
    match desk.accounts.rotate_key(&session, id, hours).await {
        Ok((shown, key)) => Ok(once(&view, &shown, &key)),
        Err(error) => account::answer(&desk, &view, &session, error).await,
    }
}

/// `POST /account/keys/{id}/revoke`
pub(super) async fn revoke(
    State(desk): State<Doors>,
    PathUuid(id): PathUuid,
    reader: Reader,
    session: Session,
) -> Result<Response, Problem> {
    let view = desk.view(reader, Some(&session));
    match desk.accounts.revoke_key(&session.principal, &session.principal.tenant, id).await {
        Ok(()) => Ok(on_to("/account?done=revoked#keys")),
        Err(error) => account::answer(&desk, &view, &session, error).await,
    }
}

/// The only page that ever shows a key. Nothing leads back to it.
fn once(view: &View, shown: &ClientKey, key: &IssuedKey) -> Response {
    let content = html! {
        (notice(view, Tone::Warn, view.say(texts::KEY_MADE_LEAD)))
        p { strong { (key.name) } }
        code.key tabindex="0" role="textbox" aria-readonly="true" aria-label=(view.say(texts::KEY_MADE)) { (shown.expose()) }
        p.hint { (view.say(texts::KEY_COPY)) }
        p { a.button.primary href="/account#keys" { (view.say(texts::KEY_STORED)) } }
    };
    let mut page = view.page(&Page::new(view.say(texts::KEY_MADE), content).once());
    *page.status_mut() = StatusCode::CREATED;
    page
}

/// The part of the account's page about keys.
pub(super) async fn section(
    desk: &Desk,
    view: &View,
    session: &Session,
    refused: Option<(&Refusal, Option<&FormBody>)>,
) -> Result<Markup, Problem> {
    let principal = &session.principal;
    let after = query(&view.reader.address, "after").and_then(|id| id.parse().ok());
    let mut keys = desk.accounts.keys(principal, &principal.tenant, Some(&principal.user), after, PAGE + 1).await?;
    let more = keys.len() > PAGE as usize;
    keys.truncate(PAGE as usize);
    let next = keys.last().filter(|_| more).map(|last| format!("/account?after={}#keys", last.id));
    let first = after.map(|_| "/account#keys");
    Ok(html! {
        section #keys aria-labelledby="keys-title" {
            h2 #keys-title { (view.say(texts::KEYS)) }
            p.lead { (view.say(texts::KEYS_LEAD)) }
            @if keys.is_empty() && after.is_none() {
                (empty(view.say(texts::NO_KEYS), &view.fill(texts::NO_KEYS_HINT, &[])))
            } @else {
                ul.rows { @for key in &keys { li { (row(view, key)) } } }
                (pager(view, first, next.as_deref()))
            }
            h2 { (view.say(texts::MAKE_KEY)) }
            (form(desk, view, session, refused))
        }
    })
}

fn row(view: &View, key: &IssuedKey) -> Markup {
    let works = key.works(Utc::now());
    let (state, class) = match () {
        () if key.revoked_at.is_some() => (texts::KEY_REVOKED, ""),
        () if !works => (texts::KEY_OVER, ""),
        () if key.replaced_by.is_some() => (texts::KEY_REPLACED, ""),
        () => (texts::KEY_WORKS, "good"),
    };
    html! {
        div.what {
            p { strong { (key.name) } " " code { (key.purpose.prefix()) "…" (key.hint) } " " span.tag.(class) { (view.say(state)) } }
            @if !key.scopes.is_empty() { p.facts { span { @for scope in &key.scopes { code { (scope) } " " } } } }
            p.facts {
                span { (view.say(texts::MADE_AT)) ": " (moment(view, key.created_at)) }
                span { @match key.used_at { Some(at) => { (view.say(texts::USED_AT)) ": " (moment(view, at)) }, None => (view.say(texts::NOT_USED)) } }
                span { (view.say(texts::KEY_ENDS)) ": " @match key.expires_at { Some(at) => (moment(view, at)), None => (view.say(texts::NEVER)) } }
            }
        }
        @if works { div.acts {
            @if key.replaced_by.is_none() { (rotation(view, key)) }
            details {
                summary { (view.say(texts::REVOKE)) span.unseen { ": " (key.name) } }
                form method="post" action={ "/account/keys/" (key.id) "/revoke" } {
                    (view.form_token())
                    p { (view.say(texts::REVOKE_LEAD)) }
                    (danger(view.say(texts::REVOKE_FOR_GOOD), &key.name))
                }
            }
        } }
    }
}

fn rotation(view: &View, key: &IssuedKey) -> Markup {
    let overlaps = [("24", texts::OVERLAP_DAY), ("168", texts::OVERLAP_WEEK), ("0", texts::OVERLAP_NONE)];
    let overlaps = overlaps.map(|(value, text)| Choice { value, label: view.say(text), chosen: value == "24" });
    html! {
        details {
            summary { (view.say(texts::ROTATE)) span.unseen { ": " (key.name) } }
            form method="post" action={ "/account/keys/" (key.id) "/rotate" } {
                (view.form_token())
                (select(&format!("overlap-{}", key.id), "overlap_hours", view.say(texts::ROTATE_LEAD), &overlaps))
                (button(view.say(texts::MAKE_NEW_KEY)))
            }
        }
    }
}

/// The form of a new key, with what was typed into it if that was refused.
fn form(desk: &Desk, view: &View, session: &Session, refused: Option<(&Refusal, Option<&FormBody>)>) -> Markup {
    let typed = refused.and_then(|(_, typed)| typed);
    let fault = |field: &str| refused.filter(|_| typed.is_some()).and_then(|(refusal, _)| refusal.of(field));
    let said = |name: &str| typed.map(|typed| typed.text(name)).unwrap_or_default();
    let (name, purpose, days) = (said("name"), said("purpose"), said("days"));
    let may: Vec<&String> = desk
        .accounts
        .scopes()
        .iter()
        .filter(|(_, needs)| session.principal.access >= **needs)
        .map(|(scope, _)| scope)
        .collect();
    // A key gets what its owner picks; where there is one right only, a key without it would be good for nothing.
    let had = |scope: &str| typed.map_or(may.len() == 1, |typed| typed.all("scopes").any(|had| had == scope));
    let scopes: Vec<Choice<'_>> =
        may.iter().map(|scope| Choice { value: scope, label: scope, chosen: had(scope) }).collect();
    let purposes = [("live", texts::KEY_LIVE), ("test", texts::KEY_TEST)];
    let purposes = purposes.map(|(value, text)| Choice {
        value,
        label: view.say(text),
        chosen: (value == "test") == (purpose == "test"),
    });
    let ends = [("", texts::NEVER), ("30", texts::DAYS_30), ("90", texts::DAYS_90), ("365", texts::DAYS_365)];
    let ends = ends.map(|(value, text)| Choice { value, label: view.say(text), chosen: days == value });
    view.form(
        Some("/account/keys"),
        &html! {
            (Field::new("name", view.say(texts::KEY_NAME)).value(&name).hint(view.say(texts::KEY_NAME_HINT)).fault(fault("name")))
            (choices("radio", "purpose", view.say(texts::KEY_PURPOSE), fault("purpose"), &purposes))
            @if !scopes.is_empty() { (choices("checkbox", "scopes", view.say(texts::KEY_SCOPES), fault("scopes"), &scopes)) }
            (select("days", "days", view.say(texts::KEY_ENDS), &ends))
            (button(view.say(texts::MAKE_KEY)))
        },
    )
}
