//! Requests that another site makes a browser send.

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use mt_paas_core::auth::SessionToken;
use url::Url;

use super::cookie::{Sent, SessionCookie, is_loopback};
use crate::error::Problem;
use crate::extract::read_body;

/// The header in which scripts of the service's own pages may send the token of forms.
pub const FORM_TOKEN_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// The member of a form with the token of forms.
pub const FORM_TOKEN: &str = "csrf_token";

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where the service's own pages come from.
#[derive(Debug, Clone)]
pub(super) struct OwnOrigins(Vec<String>);

impl OwnOrigins {
    /// Of a service that people reach at `public_url`. The names of a loopback address are one and the same machine.
    pub(super) fn of_site(public_url: &str) -> Self {
        let Ok(url) = Url::parse(public_url) else { return Self(Vec::new()) };
        let mut origins = vec![url.origin().ascii_serialization()];
        if is_loopback(&url) {
            let names = ["127.0.0.1", "localhost", "[::1]"];
            let other = |name: &str| {
                let mut url = url.clone();
                url.set_host(Some(name)).ok().map(|()| url.origin().ascii_serialization())
            };
            origins.extend(names.into_iter().filter_map(other));
        }
        Self(origins)
    }

    /// Whether this is all that a request says of its origin, and it is one of these.
    fn hold(&self, headers: &HeaderMap) -> bool {
        only(headers, &header::ORIGIN).is_some_and(|origin| self.0.iter().any(|own| own == origin))
    }
}

/// Lets a request pass that no other site can have made: what changes nothing, what carries a key or token that no
/// browser adds by itself, and what the browser, or the token of a form, says to come from a page of the service.
///
/// # Errors
///
/// 403; and those of a form that cannot be read.
pub(super) async fn pass(
    request: Request<Body>,
    cookie: &SessionCookie,
    own: &OwnOrigins,
) -> Result<Request<Body>, Problem> {
    let headers = request.headers();
    let session = match cookie.of(headers) {
        Sent::Nothing => None,
        Sent::One(token) => Some(token.parse().ok()),
        Sent::Several => Some(None),
    };
    if request.method().is_safe() || (session.is_none() && !is_simple(headers)) {
        return Ok(request);
    }
    let said = said(headers, own)?;
    match session {
        Some(session) => forms(request, session.as_ref(), said).await,
        None if said => Ok(request),
        None => Err(Problem::csrf_refused()),
    }
}

/// Whether the browser says that the request comes from a page of the service, or from its user; `false`: it says
/// nothing.
fn said(headers: &HeaderMap, own: &OwnOrigins) -> Result<bool, Problem> {
    let (site, origin) = (headers.contains_key(&FETCH_SITE), headers.contains_key(header::ORIGIN));
    let said_site = only(headers, &FETCH_SITE);
    let good_site = !site || matches!(said_site, Some("same-origin" | "none"));
    // Pages that want no referrer, because their address lets people in, send no origin either. What is not of their own
    // origin, such as a frame without one, is `cross-site` then.
    let kept_quiet = said_site == Some("same-origin") && only(headers, &header::ORIGIN) == Some("null");
    let good_origin = !origin || kept_quiet || own.hold(headers);
    if good_site && good_origin { Ok(site || origin) } else { Err(Problem::csrf_refused()) }
}

/// Looks at the tokens of forms. Where there is one it has to be right, and where the browser says nothing there has to be
/// one.
async fn forms(request: Request<Body>, session: Option<&SessionToken>, said: bool) -> Result<Request<Body>, Problem> {
    let of_this_session = |token: &str| session.is_some_and(|session| session.made_form(token));
    let mut tokens = 0;
    for token in request.headers().get_all(&FORM_TOKEN_HEADER) {
        tokens += 1;
        if !token.to_str().is_ok_and(of_this_session) {
            return Err(Problem::csrf_refused());
        }
    }
    if !is_kind(request.headers(), "application/x-www-form-urlencoded") {
        return if said || tokens > 0 { Ok(request) } else { Err(Problem::csrf_refused()) };
    }
    let (parts, body) = request.into_parts();
    let form = read_body(&parts.headers, body).await?;
    for (name, token) in url::form_urlencoded::parse(&form) {
        if name == FORM_TOKEN {
            tokens += 1;
            if !of_this_session(&token) {
                return Err(Problem::csrf_refused());
            }
        }
    }
    if said || tokens > 0 { Ok(Request::from_parts(parts, Body::from(form))) } else { Err(Problem::csrf_refused()) }
}

/// Whether a page of any site can make a browser send this without asking the service first: a body of a form, and no
/// header of ours.
fn is_simple(headers: &HeaderMap) -> bool {
    // Not any other scheme: browsers add what they remember of `Basic` by themselves.
    let bearer =
        |value: &HeaderValue| value.as_bytes().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
    let keyed = headers.get_all(header::AUTHORIZATION).iter().any(bearer) || headers.contains_key("x-api-key");
    let forms = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
    !keyed && forms.iter().any(|form| is_kind(headers, form))
}

fn is_kind(headers: &HeaderMap, kind: &str) -> bool {
    let declared = headers.get_all(header::CONTENT_TYPE).iter();
    let named = |declared: &[u8]| {
        let name = declared.split(|byte| *byte == b';').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(kind.as_bytes())
    };
    declared.map(HeaderValue::as_bytes).any(named)
}

/// The value of a header that stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
