//! Where a one-time link leads to. Programs that read mail follow links, so looking does not use one up.

use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use maud::html;
use mt_paas_axum::auth::FromWhere;
use mt_paas_axum::http::HeaderMap;
use mt_paas_axum::http::request::Parts;
use mt_paas_core::TenantId;
use mt_paas_core::auth::{AuthError, LinkHolder, LinkPurpose, OneTimeToken};

use super::desk::{Doors, forgot_of, path_part, place_of};
use super::form_body::FormBody;
use super::refusal::{Refusal, refused};
use super::said::NEW_PASSWORD;
use crate::form::username;
use crate::{Field, Page, Reader, View, button, moment, texts};

/// The token that a path ends with; what can be none opens nothing.
pub(super) struct PathToken(pub(super) Result<OneTimeToken, AuthError>);

/// `GET /set-password/{token}`
pub(super) async fn show(
    State(desk): State<Doors>,
    PathToken(token): PathToken,
    reader: Reader,
    headers: HeaderMap,
) -> Response {
    // Whoever is logged in here may be somebody else, so the page does not show it.
    let view = desk.view(reader, None);
    let found = match &token {
        Ok(token) => desk.accounts.link(token).await,
        Err(_) => Err(AuthError::LinkEnded),
    };
    match found {
        Ok(holder) => page(&view, &holder, None),
        Err(error) => failed(&view, error, &headers),
    }
}

/// `POST /set-password/{token}`
pub(super) async fn set(
    State(desk): State<Doors>,
    PathToken(token): PathToken,
    reader: Reader,
    headers: HeaderMap,
    FromWhere(visitor): FromWhere,
    form: FormBody,
) -> Response {
    let view = desk.view(reader, None);
    let done = match &token {
        Ok(token) => desk.accounts.set_password(token, &form.secret(NEW_PASSWORD), &visitor).await,
        Err(_) => Err(AuthError::LinkEnded),
    };
    let error = match done {
        Ok(opened) => return desk.enter(&opened, None),
        Err(error) => error,
    };
    // The link is still good after a refused password; its page needs to know whose it is.
    match &token {
        Ok(token) if !matches!(error, AuthError::LinkEnded) => match desk.accounts.link(token).await {
            Ok(holder) => {
                let refusal = Refusal::new(&view, error);
                let page = page(&view, &holder, Some(&refusal));
                refusal.answer(page)
            }
            Err(error) => failed(&view, error, &headers),
        },
        _ => failed(&view, error, &headers),
    }
}

fn page(view: &View, holder: &LinkHolder, refusal: Option<&Refusal>) -> Response {
    let fault = refusal.and_then(|refusal| refusal.of(NEW_PASSWORD));
    let hint = view.fill(texts::PASSWORD_HINT, &[("minimum", &holder.minimum.to_string())]);
    let operators = holder.tenant == TenantId::operators();
    let lead = match holder.purpose {
        LinkPurpose::Welcome => texts::SET_PASSWORD_WELCOME,
        _ => texts::SET_PASSWORD_RESET,
    };
    let form = html! {
        dl {
            dt { (view.say(texts::ACCOUNT)) } dd { strong { (holder.login_name) } }
            dt { (view.say(texts::ORGANISATION)) }
            dd { @if operators { (view.fill(texts::OPERATORS_OF, &[])) } @else { (holder.tenant) } }
            dt { (view.say(texts::LINK_ENDS)) } dd { (moment(view, holder.expires_at)) }
        }
        (username(&holder.login_name))
        (Field::new(NEW_PASSWORD, view.say(texts::NEW_PASSWORD)).kind("password").complete("new-password").hint(&hint).fault(fault))
        (button(view.say(texts::SET_AND_LOG_IN)))
    };
    let content = html! {
        @if let Some(refusal) = refusal { (refusal.summary(view)) }
        p.lead { (view.fill(lead, &[])) }
        (view.form(None, &form))
    };
    let page = Page::new(view.say(texts::SET_PASSWORD), content).narrow().secret_address();
    view.page(&page.faulty(refusal.is_some()))
}

/// A link that opens nothing, or accounts that cannot be reached.
fn failed(view: &View, error: AuthError, headers: &HeaderMap) -> Response {
    if !matches!(error, AuthError::LinkEnded) {
        let refusal = Refusal::new(view, error);
        let content = refusal.summary(view);
        return refusal.answer(
            view.page(&Page::new(view.say(texts::NOT_WORKING), content).narrow().secret_address().faulty(true)),
        );
    }
    let content = html! {
        p { (view.say(texts::LINK_ENDED_LEAD)) }
        p { a.button.primary href=(forgot_of(&place_of(headers))) { (view.say(texts::ASK_AGAIN)) } }
    };
    refused(view.page(&Page::new(view.say(texts::LINK_ENDED), content).narrow().secret_address()), error.into())
}

impl<S: Sync> FromRequestParts<S> for PathToken {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let token = path_part(parts, "token").await.and_then(|token| token.parse().ok());
        Ok(Self(token.ok_or(AuthError::LinkEnded)))
    }
}
