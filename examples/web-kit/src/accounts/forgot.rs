//! A link for whoever forgot their password.

use axum::extract::State;
use axum::response::Response;
use maud::html;
use mt_paas_axum::auth::{AnySession, FromWhere};
use mt_paas_core::TenantId;

use super::desk::{Doors, Place, forgot_of, login_of, on_to, query};
use super::form_body::FormBody;
use super::refusal::Refusal;
use crate::{Field, Page, Reader, View, button, texts};

/// `GET /forgot`, `GET /t/{tenant}/forgot`
pub(super) async fn show(
    State(desk): State<Doors>,
    Place(tenant): Place,
    reader: Reader,
    session: Option<AnySession>,
) -> Response {
    let view = desk.view(reader, session.as_ref());
    if query(&view.reader.address, "done").is_some() {
        sent(&view, &tenant)
    } else {
        page(&view, &tenant, ["", ""], None)
    }
}

/// `POST /forgot`, `POST /t/{tenant}/forgot`. The answer is the same whether or not there is such an account.
pub(super) async fn send(
    State(desk): State<Doors>,
    Place(place): Place,
    reader: Reader,
    session: Option<AnySession>,
    FromWhere(visitor): FromWhere,
    form: FormBody,
) -> Response {
    let view = desk.view(reader, session.as_ref());
    let (login_name, organisation) = (form.text("login_name"), form.text("organisation"));
    let tenant = if organisation.is_empty() { Some(place.clone()) } else { organisation.parse().ok() };
    let name_missing = login_name.is_empty().then_some(("login_name", texts::NAME_MISSING));
    let wrong = tenant.is_none().then_some(("organisation", texts::ORGANISATION_WRONG));
    let missing: Vec<_> = wrong.into_iter().chain(name_missing).collect();
    let refusal = match (Refusal::missing(&view, &missing), tenant) {
        (None, Some(tenant)) => match desk.accounts.forgot(&tenant, &login_name, &visitor).await {
            Ok(()) => return on_to(&format!("{}?done=sent", forgot_of(&tenant))),
            Err(error) => Refusal::new(&view, error),
        },
        (refusal, _) => {
            refusal.unwrap_or_else(|| Refusal::new(&view, mt_paas_core::auth::AuthError::Missing("tenant")))
        }
    };
    let page = page(&view, &place, [&login_name, &organisation], Some(&refusal));
    refusal.answer(page)
}

fn page(view: &View, tenant: &TenantId, [login_name, organisation]: [&str; 2], refusal: Option<&Refusal>) -> Response {
    let fault = |field: &str| refusal.and_then(|refusal| refusal.of(field));
    let hint = view.fill(texts::ORGANISATION_HINT, &[]);
    let form = html! {
        @if *tenant == TenantId::operators() {
            (Field::new("organisation", view.say(texts::ORGANISATION_ID)).value(organisation).optional(view.say(texts::OPTIONAL)).hint(&hint).complete("organization").fault(fault("organisation")))
        }
        (Field::new("login_name", view.say(texts::LOGIN_NAME)).value(login_name).complete("username").fault(fault("login_name")))
        (button(view.say(texts::SEND_LINK)))
    };
    let content = html! {
        @if let Some(refusal) = refusal { (refusal.summary(view)) }
        @if *tenant != TenantId::operators() { p.lead { (view.fill(texts::FOR_PEOPLE, &[("tenant", tenant.as_str())])) } }
        p.lead { (view.say(texts::FORGOT_LEAD)) }
        (view.form(None, &form))
        p.ways { (view.link(texts::BACK_TO_LOGIN, &login_of(tenant))) }
    };
    view.page(&Page::new(view.say(texts::FORGOT), content).narrow().faulty(refusal.is_some()))
}

fn sent(view: &View, tenant: &TenantId) -> Response {
    let content = html! {
        p { (view.say(texts::LINK_SENT_LEAD)) }
        p.muted { (view.say(texts::LINK_SENT_HINT)) }
        p.ways { (view.link(texts::BACK_TO_LOGIN, &login_of(tenant))) }
    };
    view.page(&Page::new(view.say(texts::LINK_SENT), content).narrow())
}
