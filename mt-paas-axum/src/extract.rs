//! Extractors whose rejections are the contract's errors, with all faulty fields.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, RawPathParams};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use mt_paas_core::auth::AuthError;
use mt_paas_core::fields::FromFields;
use mt_paas_core::{ApiError, TenantId, UserId};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::Problem;
use crate::json::read_object;

/// How large a body may be, in bytes.
pub const BODY_LIMIT: usize = 1 << 20;

/// How much of a body that is too large is still taken, so that the caller can read the refusal.
const DRAIN_LIMIT: usize = 8 << 20;

/// A JSON body of a contract type; as an answer, JSON that no cache keeps.
#[derive(Debug)]
pub struct ContractJson<T>(pub T);

/// The query parameters of a contract type.
#[derive(Debug)]
pub struct ContractQuery<T>(pub T);

/// The tenant that the path names.
#[derive(Debug)]
pub struct PathTenant(pub TenantId);

/// The tenant that the path of a console names: of a market, or of those who run the service. What can be no name is 404,
/// as a tenant is that the caller cannot see.
#[derive(Debug)]
pub struct ConsoleTenant(pub TenantId);

/// The `{id}` that the path names: 404 if what stands there is no UUID, and so the id of nothing.
#[derive(Debug)]
pub struct PathUuid(pub Uuid);

/// The user that the path names: `None` if what stands there cannot be an id, and so belongs to nobody.
#[derive(Debug)]
pub struct PathUser(pub Option<UserId>);

impl<T: FromFields, S: Sync> FromRequest<S> for ContractJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body).await?;
        if !is_json(&parts.headers) {
            return Err(Problem::unsupported_media_type());
        }
        Ok(Self(T::from_body(&read_object(&bytes)?)?))
    }
}

impl<T: Serialize> IntoResponse for ContractJson<T> {
    fn into_response(self) -> Response {
        // Most answers fit, and a buffer that never grows is copied once.
        let mut body = Vec::with_capacity(4096);
        match serde_json::to_writer(&mut body, &self.0) {
            Ok(()) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::from(ApiError::internal(error)).into_response(),
        }
    }
}

impl<T: FromFields, S: Sync> FromRequestParts<S> for ContractQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(T::from_query(&parameters(parts.uri.query().unwrap_or_default())?)?))
    }
}

impl<S: Sync> FromRequestParts<S> for PathTenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let refused = |message: &str| ApiError::invalid_field(&["path", "tenant_id"], message);
        let id = path_parameter(parts, "tenant_id").await;
        let id = id.ok_or_else(|| refused("must be text in UTF-8"))?;
        Ok(Self(TenantId::try_from(id).map_err(|error| refused(&error.to_string()))?))
    }
}

impl<S: Sync> FromRequestParts<S> for PathUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(path_parameter(parts, "user_id").await.and_then(|id| UserId::try_from(id).ok())))
    }
}

impl<S: Sync> FromRequestParts<S> for ConsoleTenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let id = path_parameter(parts, "tenant_id").await.and_then(|id| TenantId::of_console(&id).ok());
        Ok(Self(id.ok_or(AuthError::Missing("tenant"))?))
    }
}

impl<S: Sync> FromRequestParts<S> for PathUuid {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let id = path_parameter(parts, "id").await.and_then(|id| id.parse().ok());
        Ok(Self(id.ok_or(AuthError::Missing("thing"))?))
    }
}

/// Reads a body up to [`BODY_LIMIT`].
///
/// # Errors
///
/// A problem of the contract for a body that is too large or breaks off.
pub async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > BODY_LIMIT) {
        drain(body).await;
        return Err(Problem::body_too_large(BODY_LIMIT));
    }
    let mut body = body;
    let read = Limited::new(&mut body, BODY_LIMIT).collect().await;
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            drain(body).await;
            Err(Problem::body_too_large(BODY_LIMIT))
        }
        Err(_) => Err(ApiError::malformed("the body broke off").into()),
    }
}

/// Takes what the caller still sends, within bounds: many clients read an answer only after they have sent it all.
async fn drain(body: Body) {
    let mut body = Limited::new(body, DRAIN_LIMIT);
    // Frame by frame, so that nothing is kept of it.
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), rest).await;
}

/// `application/json` with whatever parameters; the only encoding is UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    declared.is_some_and(|kind| {
        let mut parts = kind.split(';').map(str::trim);
        let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
        let utf8 = |part: &str| match part.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        };
        json && parts.all(utf8)
    })
}

/// The parameters of a query, each once.
pub(crate) fn parameters(query: &str) -> Result<Map<String, Value>, ApiError> {
    let mut parameters = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let mut decoded = url::form_urlencoded::parse(pair.as_bytes());
        let Some((name, value)) = decoded.next() else { continue };
        if value.contains('\u{fffd}') && !pair.contains("%EF%BF%BD") {
            return Err(ApiError::invalid_field(&["query", &name], "must be text in UTF-8"));
        }
        if parameters.insert(name.to_string(), Value::from(value.as_ref())).is_some() {
            return Err(ApiError::invalid_field(&["query", &name], "must stand there once"));
        }
    }
    Ok(parameters)
}

pub(crate) async fn path_parameter(parts: &mut Parts, name: &str) -> Option<String> {
    if let Ok(all) = RawPathParams::from_request_parts(parts, &()).await {
        return all.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
    }
    // One segment that is not UTF-8 costs axum all of them. The others are read as they were sent: ids need no escapes.
    let pattern = parts.extensions.get::<MatchedPath>()?.as_str();
    let mut segments = pattern.rsplit('/').zip(parts.uri.path().rsplit('/'));
    let (_, sent) = segments.find(|(segment, _)| segment.trim_matches(['{', '}']) == name)?;
    (!sent.contains('%')).then(|| sent.to_owned())
}
