//! One's own password.

use axum::extract::State;
use axum::response::Response;
use maud::html;
use mt_paas_axum::auth::{AnySession, FromWhere};

use super::desk::{Doors, next_of};
use super::form_body::FormBody;
use super::refusal::Refusal;
use super::said::{CURRENT_PASSWORD, NEW_PASSWORD};
use crate::form::username;
use crate::{Field, OwnPath, Page, Reader, Tone, View, button, notice, texts};

/// Where a change leads to that nobody was forced to.
const DONE: &str = "/account?done=password";

/// `GET /account/password`
pub(super) async fn show(State(desk): State<Doors>, reader: Reader, session: AnySession) -> Response {
    let view = desk.view(reader, Some(&session));
    page(&view, &session, desk.accounts.policy(&session.principal.tenant).minimum(), None)
}

/// `POST /account/password`
pub(super) async fn change(
    State(desk): State<Doors>,
    reader: Reader,
    session: AnySession,
    FromWhere(visitor): FromWhere,
    form: FormBody,
) -> Response {
    let view = desk.view(reader, Some(&session));
    let (current, new) = (form.secret(CURRENT_PASSWORD), form.secret(NEW_PASSWORD));
    let missing = current.expose().is_empty().then_some((CURRENT_PASSWORD, texts::CURRENT_MISSING));
    let refusal = match Refusal::missing(&view, missing.as_slice()) {
        Some(refusal) => refusal,
        None => match desk.accounts.change_password(&session, &current, &new, &visitor).await {
            Ok(opened) => {
                let next = next_of(&view.reader.address).or_else(|| DONE.parse::<OwnPath>().ok());
                return desk.enter(&opened, next.as_ref());
            }
            Err(error) => Refusal::new(&view, error),
        },
    };
    let page = page(&view, &session, desk.accounts.policy(&session.principal.tenant).minimum(), Some(&refusal));
    refusal.answer(page)
}

fn page(view: &View, session: &AnySession, minimum: usize, refusal: Option<&Refusal>) -> Response {
    let fault = |field: &str| refusal.and_then(|refusal| refusal.of(field));
    let hint = view.fill(texts::PASSWORD_HINT, &[("minimum", &minimum.to_string())]);
    let forced = session.principal.must_change;
    let form = html! {
        (username(&session.principal.login_name))
        (Field::new(CURRENT_PASSWORD, view.say(texts::CURRENT_PASSWORD)).kind("password").complete("current-password").fault(fault(CURRENT_PASSWORD)))
        (Field::new(NEW_PASSWORD, view.say(texts::NEW_PASSWORD)).kind("password").complete("new-password").hint(&hint).fault(fault(NEW_PASSWORD)))
        (button(view.say(texts::CHANGE_PASSWORD)))
    };
    let content = html! {
        @if let Some(refusal) = refusal { (refusal.summary(view)) }
        @if forced { (notice(view, Tone::Warn, view.say(texts::CHANGE_FORCED))) }
        p.lead { (view.say(texts::CHANGE_LEAD)) }
        (view.form(None, &form))
        @if !forced { p.ways { (view.link(texts::CANCEL, "/account")) } }
    };
    view.page(&Page::new(view.say(texts::CHANGE_PASSWORD), content).narrow().faulty(refusal.is_some()))
}
