//! One's own account: who one is, where one is logged in, one's keys.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use mt_paas_axum::Problem;
use mt_paas_axum::auth::{AnySession, Session};
use mt_paas_axum::extract::PathUuid;
use mt_paas_core::TenantId;
use mt_paas_core::auth::{Access, AuthError, Principal};

use super::desk::{Desk, Doors, login_of, on_to, query};
use super::form_body::FormBody;
use super::keys;
use super::refusal::Refusal;
use crate::{Page, Reader, Tone, View, danger, moment, notice, short_agent, texts};

/// `GET /account`
pub(super) async fn show(State(desk): State<Doors>, reader: Reader, session: Session) -> Result<Response, Problem> {
    let view = desk.view(reader, Some(&session));
    page(&desk, &view, &session, None).await
}

/// `POST /account/sessions/{id}/end`
pub(super) async fn end_session(
    State(desk): State<Doors>,
    PathUuid(id): PathUuid,
    reader: Reader,
    session: Session,
) -> Result<Response, Problem> {
    let view = desk.view(reader, Some(&session));
    match desk.accounts.end_session(&session, id).await {
        Ok(()) if id == session.session.id => {
            Ok(desk.leave(&format!("{}?done=out", login_of(&session.principal.tenant))))
        }
        Ok(()) => Ok(on_to("/account?done=session#sessions")),
        Err(error) => answer(&desk, &view, &session, error).await,
    }
}

/// `POST /account/logout-everywhere`
pub(super) async fn log_out_everywhere(State(desk): State<Doors>, session: Session) -> Result<Response, Problem> {
    desk.accounts.log_out_everywhere(&session).await?;
    Ok(desk.leave(&format!("{}?done=everywhere", login_of(&session.principal.tenant))))
}

/// The page after something on it was refused.
pub(super) async fn answer(desk: &Desk, view: &View, session: &Session, error: AuthError) -> Result<Response, Problem> {
    refuse(desk, view, session, Refusal::new(view, error), None).await
}

/// The same, with what was typed into the form of a new key.
pub(super) async fn refuse(
    desk: &Desk,
    view: &View,
    session: &Session,
    refusal: Refusal,
    typed: Option<&FormBody>,
) -> Result<Response, Problem> {
    let page = page(desk, view, session, Some((&refusal, typed))).await?;
    Ok(refusal.answer(page))
}

async fn page(
    desk: &Desk,
    view: &View,
    session: &Session,
    refused: Option<(&Refusal, Option<&FormBody>)>,
) -> Result<Response, Problem> {
    let done = match query(&view.reader.address, "done").as_deref() {
        Some("password") => Some(texts::PASSWORD_CHANGED),
        Some("session") => Some(texts::SESSION_ENDED),
        Some("revoked") => Some(texts::KEY_REVOKED_DONE),
        _ => None,
    };
    let content = html! {
        @match refused {
            Some((refusal, _)) => (refusal.summary(view)),
            None => @if let Some(done) = done { (notice(view, Tone::Good, view.say(done))) },
        }
        (who(view, &session.principal))
        (sessions(desk, view, session).await?)
        (keys::section(desk, view, session, refused).await?)
    };
    // Only `GET /account` can be asked for again in the other language.
    let page = Page::new(view.say(texts::MY_ACCOUNT), content).faulty(refused.is_some());
    Ok(view.page(&if refused.is_some() { page.once() } else { page }))
}

fn who(view: &View, principal: &Principal) -> Markup {
    let access = match principal.access {
        Access::SuperAdmin => texts::ACCESS_SUPER_ADMIN,
        Access::Admin => texts::ACCESS_ADMIN,
        Access::Viewer => texts::ACCESS_VIEWER,
        _ => texts::ACCESS_USER,
    };
    html! {
        dl {
            dt { (view.say(texts::PERSON_NAME)) } dd { (principal.name) }
            dt { (view.say(texts::LOGIN_NAME_NEW)) } dd { (principal.login_name) }
            dt { (view.say(texts::ORGANISATION)) }
            dd { @if principal.tenant == TenantId::operators() { (view.fill(texts::OPERATORS_OF, &[])) } @else { (principal.tenant) } }
            dt { (view.say(texts::ACCESS)) } dd { (view.say(access)) }
        }
        p { a.button href="/account/password" { (view.say(texts::CHANGE_PASSWORD)) } }
    }
}

async fn sessions(desk: &Desk, view: &View, session: &AnySession) -> Result<Markup, Problem> {
    let all = desk.accounts.sessions(session).await?;
    let rows: Vec<_> = all
        .iter()
        .map(|other| {
            let agent = other.user_agent.as_deref().and_then(short_agent);
            let agent = agent.unwrap_or_else(|| view.say(texts::UNKNOWN_DEVICE).to_owned());
            let address = other.address.map(|address| address.to_string());
            let address = address.unwrap_or_else(|| view.say(texts::UNKNOWN_ADDRESS).to_owned());
            (other, agent, address)
        })
        .collect();
    Ok(html! {
        section #sessions aria-labelledby="sessions-title" {
            h2 #sessions-title { (view.say(texts::SESSIONS)) }
            ul.rows { @for (other, agent, address) in &rows { li {
                div.what {
                    p { strong { (agent) } " · " (address) " " @if other.id == session.session.id { span.tag.good { (view.say(texts::THIS_DEVICE)) } } }
                    p.facts {
                        span { (view.say(texts::SEEN_AT)) ": " (moment(view, other.seen_at)) }
                        span { (view.say(texts::LOGGED_IN_AT)) ": " (moment(view, other.created_at)) }
                        span { (view.say(texts::ENDS_AT)) ": " (moment(view, other.ends_at())) }
                    }
                }
                form.acts method="post" action={ "/account/sessions/" (other.id) "/end" } {
                    (view.form_token())
                    button { (view.say(texts::END_SESSION)) span.unseen { ": " (agent) ", " (address) } }
                }
            } } }
            form method="post" action="/account/logout-everywhere" {
                (view.form_token())
                p.muted { (view.say(texts::EVERYWHERE_HINT)) }
                (danger(view.say(texts::EVERYWHERE), ""))
            }
        }
    })
}
