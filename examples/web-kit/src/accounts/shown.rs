//! Problems as pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use maud::html;
use mt_paas_axum::Problem;
use mt_paas_axum::auth::Doorkeeper;
use mt_paas_axum::http::{StatusCode, header};

use super::desk::{login_of, on_to, place_of};
use super::refusal::refused;
use crate::{Page, Reader, Site, View, texts};

/// Puts a [`Doorkeeper`] around pages, and shows people a page where programs would get an error of the contract:
/// whoever is not logged in is led to the login and back, whoever has to change their password is led there, and all
/// else is said in a sentence.
pub fn pages(routes: Router, keeper: &Doorkeeper, site: &Site) -> Router {
    routes.layer(keeper.clone()).layer(from_fn_with_state(Arc::new(site.clone()), shown))
}

async fn shown(State(site): State<Arc<Site>>, reader: Reader, request: Request, next: Next) -> Response {
    let (asks, place) = (request.method().is_safe(), place_of(request.headers()));
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>().or_else(|| bare(&response)) else {
        return response;
    };
    if let Some(cause) = problem.cause() {
        let (status, request_id) = (problem.status().as_u16(), reader.request_id.as_deref());
        tracing::error!(status, request_id, error = cause as &dyn std::error::Error, "a page failed");
    }
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        return response;
    }
    // Somebody who sent a form would not find it again behind the login.
    let back = if asks { reader.address.as_str() } else { "/account" };
    let back = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", back).finish();
    if problem.status() == StatusCode::UNAUTHORIZED {
        return on_to(&format!("{}?why=login&{back}", login_of(&place)));
    }
    if problem.code() == "PASSWORD_CHANGE_REQUIRED" {
        return on_to(&format!("/account/password?{back}"));
    }
    let mut answer = refused(problem_page(&View::new(&site, reader, None), &problem), problem);
    answer.extensions_mut().remove::<Problem>();
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}

/// The router's own refusals carry nothing but a status.
fn bare(response: &Response) -> Option<Problem> {
    let empty = !response.headers().contains_key(header::CONTENT_TYPE);
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED if empty => Some(Problem::method_not_allowed()),
        StatusCode::NOT_FOUND if empty => Some(Problem::not_found()),
        _ => None,
    }
}

fn problem_page(view: &View, problem: &Problem) -> Response {
    let status = problem.status();
    let (title, lead) = match status {
        _ if problem.code() == "CSRF_REFUSED" => (texts::STALE_PAGE, texts::STALE_PAGE_LEAD),
        StatusCode::FORBIDDEN => (texts::NOT_ALLOWED_TITLE, texts::NOT_ALLOWED),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => (texts::NOT_FOUND, texts::NOT_FOUND_LEAD),
        status if status.is_client_error() => (texts::UNREADABLE, texts::UNREADABLE_LEAD),
        _ => (texts::NOT_WORKING, texts::UNAVAILABLE),
    };
    let content = html! {
        p { (view.say(lead)) }
        @if let Some(id) = view.reader.request_id.as_deref().filter(|_| status.is_server_error()) {
            p.muted { (view.fill(texts::REQUEST_ID, &[("id", id)])) }
        }
        p.ways { (view.link(texts::TO_START, "/")) }
    };
    view.page(&Page::new(view.say(title), content).narrow().faulty(true)).into_response()
}
