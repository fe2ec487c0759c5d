//! A form as it was sent.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use mt_paas_axum::Problem;
use mt_paas_axum::extract::read_body;
use mt_paas_axum::http::header;
use mt_paas_core::Secret;

/// The members of a form. Debug output shows none of them: there are passwords among them.
pub(super) struct FormBody(Vec<(String, Secret<String>)>);

impl FormBody {
    /// A member, without the blanks around it; empty if it is missing.
    pub(super) fn text(&self, name: &str) -> String {
        self.first(name).map_or_else(String::new, |value| value.expose().trim().to_owned())
    }

    /// A member as it was typed.
    pub(super) fn secret(&self, name: &str) -> Secret<String> {
        self.first(name).cloned().unwrap_or_else(|| Secret::from(""))
    }

    /// All members of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.expose().as_str())
    }

    fn first(&self, name: &str) -> Option<&Secret<String>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<S: Sync> FromRequest<S> for FormBody {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind
            .split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        {
            return Err(Problem::unsupported_media_type());
        }
        let body = read_body(&parts.headers, body).await?;
        let members = url::form_urlencoded::parse(&body);
        Ok(Self(members.map(|(name, value)| (name.into_owned(), Secret::new(value.into_owned()))).collect()))
    }
}
