//! The first operator, made by whoever started the service.

use axum::extract::State;
use axum::response::Response;
use maud::html;
use mt_paas_axum::auth::FromWhere;
use mt_paas_core::TenantId;
use mt_paas_core::auth::{AuthError, FirstOperator};

use super::desk::Doors;
use super::form_body::FormBody;
use super::link::PathToken;
use super::refusal::{Refusal, refused};
use super::said::NEW_PASSWORD;
use crate::{Field, Page, Reader, View, button, texts};

/// `GET /setup/{token}`. Whether the token is the right one is found out when the form is sent.
pub(super) async fn show(State(desk): State<Doors>, PathToken(token): PathToken, reader: Reader) -> Response {
    let view = desk.view(reader, None);
    match token {
        Ok(_) => page(&view, desk.accounts.policy(&TenantId::operators()).minimum(), ["", "", ""], None),
        Err(error) => ended(&view, error),
    }
}

/// `POST /setup/{token}`
pub(super) async fn make(
    State(desk): State<Doors>,
    PathToken(token): PathToken,
    reader: Reader,
    FromWhere(visitor): FromWhere,
    form: FormBody,
) -> Response {
    let view = desk.view(reader, None);
    let token = match token {
        Ok(token) => token,
        Err(error) => return ended(&view, error),
    };
    let (login_name, email, name) = (form.text("login_name"), form.text("email"), form.text("name"));
    let first = FirstOperator {
        token,
        login_name: login_name.clone(),
        email: Some(email.clone()).filter(|email| !email.is_empty()),
        name: if name.is_empty() { login_name.clone() } else { name.clone() },
        password: form.secret(NEW_PASSWORD),
        visitor,
    };
    match desk.accounts.first(&first).await {
        Ok(opened) => desk.enter(&opened, None),
        Err(error @ (AuthError::LinkEnded | AuthError::NotFirst)) => ended(&view, error),
        Err(error) => {
            let refusal = Refusal::new(&view, error);
            let minimum = desk.accounts.policy(&TenantId::operators()).minimum();
            let page = page(&view, minimum, [&login_name, &email, &name], Some(&refusal));
            refusal.answer(page)
        }
    }
}

fn page(view: &View, minimum: usize, [login_name, email, name]: [&str; 3], refusal: Option<&Refusal>) -> Response {
    let fault = |field: &str| refusal.and_then(|refusal| refusal.of(field));
    let hint = view.fill(texts::PASSWORD_HINT, &[("minimum", &minimum.to_string())]);
    let optional = view.say(texts::OPTIONAL);
    let form = html! {
        (Field::new("login_name", view.say(texts::LOGIN_NAME_NEW)).value(login_name).complete("username").fault(fault("login_name")))
        (Field::new("name", view.say(texts::PERSON_NAME)).value(name).optional(optional).complete("name").fault(fault("name")))
        (Field::new("email", view.say(texts::EMAIL)).kind("email").value(email).optional(optional).hint(view.say(texts::EMAIL_HINT)).complete("email").fault(fault("email")))
        (Field::new(NEW_PASSWORD, view.say(texts::PASSWORD)).kind("password").complete("new-password").hint(&hint).fault(fault(NEW_PASSWORD)))
        (button(view.say(texts::MAKE_OPERATOR)))
    };
    let content = html! {
        @if let Some(refusal) = refusal { (refusal.summary(view)) }
        p.lead { (view.fill(texts::SETUP_LEAD, &[])) }
        (view.form(None, &form))
    };
    let page = Page::new(view.say(texts::SETUP), content).narrow().secret_address();
    view.page(&page.faulty(refusal.is_some()))
}

fn ended(view: &View, error: AuthError) -> Response {
    let lead = if matches!(error, AuthError::NotFirst) { texts::NOT_FIRST } else { texts::SETUP_ENDED_LEAD };
    let content = html! { p { (view.say(lead)) } p { a.button href="/login" { (view.say(texts::LOG_IN)) } } };
    refused(view.page(&Page::new(view.say(texts::SETUP_ENDED), content).narrow().secret_address()), error.into())
}
