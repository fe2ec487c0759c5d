//! What the pages of accounts are made from.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Redirect, Response};
use mt_paas_axum::Problem;
use mt_paas_axum::auth::{AnySession, Doorkeeper, SessionCookie};
use mt_paas_axum::http::request::Parts;
use mt_paas_axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use mt_paas_core::TenantId;
use mt_paas_core::auth::{Accounts, Opened};

use crate::reader::cookie;
use crate::{OwnPath, Reader, Site, View};

/// The cookie that remembers whose login page somebody used last.
const PLACE: &str = "mt_place";

pub(super) type Doors = Arc<Desk>;

pub(super) struct Desk {
    pub(super) accounts: Accounts,
    pub(super) site: Arc<Site>,
    cookie: SessionCookie,
}

/// Whose page a path is: of a tenant's people, or of operators.
pub(super) struct Place(pub(super) TenantId);

impl Desk {
    pub(super) fn new(keeper: &Doorkeeper, site: &Site) -> Self {
        Self { accounts: keeper.accounts().clone(), site: Arc::new(site.clone()), cookie: keeper.cookie() }
    }

    pub(super) fn view(&self, reader: Reader, session: Option<&AnySession>) -> View {
        View::new(&self.site, reader, session)
    }

    /// Lets somebody in whose session was just opened, and leads them on.
    pub(super) fn enter(&self, opened: &Opened, next: Option<&OwnPath>) -> Response {
        let home = self.site.home_of(&opened.principal.tenant);
        let mut response = on_to(next.map_or(&home, |next| next.as_str()));
        response.headers_mut().append(header::SET_COOKIE, self.cookie.set(opened));
        response.headers_mut().extend(place_cookie(&opened.principal.tenant));
        response
    }

    /// Leads somebody out whose session has ended.
    pub(super) fn leave(&self, to: &str) -> Response {
        let mut response = on_to(to);
        response.headers_mut().append(header::SET_COOKIE, self.cookie.clear());
        response
    }
}

impl<S: Sync> FromRequestParts<S> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match path_part(parts, "tenant").await {
            None => Ok(Self(TenantId::operators())),
            Some(id) => id.parse().map(Self).map_err(|_| Problem::not_found()),
        }
    }
}

/// A part of the path; `None` also for what is not UTF-8.
pub(super) async fn path_part(parts: &mut Parts, name: &str) -> Option<String> {
    let all = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    all.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// Leads on to another page after something was done.
pub(super) fn on_to(path: &str) -> Response {
    // Of a path that cannot stand in a header nothing is left but the start.
    let path = HeaderValue::try_from(path).map_or("/", |_| path);
    let mut response = Redirect::to(path).into_response();
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Where the people of a tenant, or operators, log in.
pub(super) fn login_of(tenant: &TenantId) -> String {
    if *tenant == TenantId::operators() { "/login".to_owned() } else { format!("/t/{tenant}/login") }
}

/// Where they ask for a link.
pub(super) fn forgot_of(tenant: &TenantId) -> String {
    if *tenant == TenantId::operators() { "/forgot".to_owned() } else { format!("/t/{tenant}/forgot") }
}

/// Whose login page somebody used last.
pub(super) fn place_of(headers: &HeaderMap) -> TenantId {
    cookie(headers, PLACE).and_then(|id| id.parse().ok()).unwrap_or_else(TenantId::operators)
}

/// `next` of an address, if it is a path of the service.
pub(super) fn next_of(address: &str) -> Option<OwnPath> {
    query(address, "next")?.parse().ok()
}

/// A parameter of an address.
pub(super) fn query(address: &str, name: &str) -> Option<String> {
    let (_, query) = address.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

fn place_cookie(tenant: &TenantId) -> Option<(HeaderName, HeaderValue)> {
    let (id, lasts) = if *tenant == TenantId::operators() { ("", 0) } else { (tenant.as_str(), 31_536_000) };
    let cookie = format!("{PLACE}={id}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax");
    HeaderValue::try_from(cookie).ok().map(|cookie| (header::SET_COOKIE, cookie))
}
