//! The one table of status codes and error codes, and the envelope that every 4xx and 5xx wears.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use mt_paas_core::auth::{AuthError, KeyRefused};
use mt_paas_core::error::FieldError;
use mt_paas_core::{ApiError, ErrorKind};
use serde_json::{Value, json};

const TENANT_NOT_FOUND: &str = "TENANT_NOT_FOUND";
const UNAUTHORIZED: &str = "UNAUTHORIZED";

/// An answer that is an error of the contract.
///
/// As a response it carries the envelope; the layer of request ids adds the id, and writes the cause to the log.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<ApiError>>,
}

impl Problem {
    /// No valid key came with the request. `scheme` names the header that it belongs in.
    pub fn unauthorized(scheme: &HeaderName) -> Self {
        let challenge = format!("ApiKey header=\"{scheme}\"");
        Self::new(StatusCode::UNAUTHORIZED, UNAUTHORIZED, "a valid key is required")
            .with(header::WWW_AUTHENTICATE, &challenge)
    }

    /// No session came with the request, or one that has ended.
    pub fn not_logged_in() -> Self {
        Self::from(AuthError::NotLoggedIn)
    }

    /// A key came where somebody has to log in.
    pub fn not_for_keys() -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", "keys cannot do this; log in")
    }

    /// No key of a client came with the request.
    pub fn no_client_key() -> Self {
        let message = "a key is required: Authorization: Bearer mtp_… or X-API-Key";
        Self::new(StatusCode::UNAUTHORIZED, UNAUTHORIZED, message).with(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// The request was not made by a page of the service.
    pub fn csrf_refused() -> Self {
        let message = "the request does not come from a page of this service; load the page again";
        Self::new(StatusCode::FORBIDDEN, "CSRF_REFUSED", message)
    }

    /// No such route.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such path")
    }

    /// The route does not know this method.
    pub fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "the path does not know this method")
    }

    /// The body is larger than `limit` bytes.
    pub fn body_too_large(limit: usize) -> Self {
        let message = format!("the body must be at most {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", message)
    }

    /// The body is not declared to be JSON.
    pub fn unsupported_media_type() -> Self {
        let message = "the body must be JSON: Content-Type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
    }

    /// The same idempotency key came with another body.
    pub fn idempotency_mismatch() -> Self {
        let message = "the Idempotency-Key was used with another body";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_MISMATCH", message)
    }

    /// The first request with this idempotency key is still running.
    pub fn idempotency_in_progress() -> Self {
        let message = "the first request with this Idempotency-Key is still running";
        Self::new(StatusCode::CONFLICT, "IDEMPOTENCY_IN_PROGRESS", message).with(header::RETRY_AFTER, "1")
    }

    /// The route was removed; `message` says what replaces it.
    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "GONE", message)
    }

    /// The contract's error for a status that no handler of ours chose.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::method_not_allowed(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(status, "BODY_TOO_LARGE", "the body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::unsupported_media_type(),
            StatusCode::SERVICE_UNAVAILABLE => Self::new(status, "SERVICE_UNAVAILABLE", "try again later"),
            status if status.is_client_error() => Self::new(status, "INVALID_REQUEST", "the request cannot be served"),
            status => Self::new(status, "INTERNAL_ERROR", "internal error"),
        }
    }

    /// The contract's error for a kind of failure.
    pub(crate) fn of_kind(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (status, code) = match kind {
            ErrorKind::Malformed => (StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
            ErrorKind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST"),
            ErrorKind::FeatureDisabled => (StatusCode::FORBIDDEN, "FEATURE_DISABLED"),
            ErrorKind::TenantInactive => (StatusCode::FORBIDDEN, "TENANT_INACTIVE"),
            ErrorKind::TenantNotFound => (StatusCode::NOT_FOUND, TENANT_NOT_FOUND),
            ErrorKind::UserNotFound => (StatusCode::NOT_FOUND, "USER_NOT_FOUND"),
            ErrorKind::ResourceNotFound => (StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND"),
            ErrorKind::TenantExists => (StatusCode::CONFLICT, "TENANT_EXISTS"),
            ErrorKind::UserExists => (StatusCode::CONFLICT, "USER_EXISTS"),
            ErrorKind::ResourceExists => (StatusCode::CONFLICT, "RESOURCE_EXISTS"),
            ErrorKind::QuotaExceeded => (StatusCode::TOO_MANY_REQUESTS, "QUOTA_EXCEEDED"),
            ErrorKind::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
            ErrorKind::NotSupported => (StatusCode::NOT_IMPLEMENTED, "NOT_SUPPORTED"),
            ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
        };
        let problem = Self::new(status, code, message);
        match kind {
            ErrorKind::RateLimited { retry_after } => problem.with(header::RETRY_AFTER, &retry_after.to_string()),
            ErrorKind::Unavailable => problem.with(header::RETRY_AFTER, "1"),
            _ => problem,
        }
    }

    /// The contract's error for what accounts refuse. `member` is what the request calls a new password.
    pub(crate) fn of_auth(error: AuthError, member: &str) -> Self {
        use StatusCode as S;
        let message = error.to_string();
        let new = |status, code| Self::new(status, code, message.clone());
        match error {
            AuthError::WrongLogin => new(S::UNAUTHORIZED, "WRONG_LOGIN"),
            // Not 401, on which clients forget their session.
            AuthError::WrongPassword => new(S::FORBIDDEN, "WRONG_PASSWORD"),
            AuthError::NotLoggedIn => new(S::UNAUTHORIZED, UNAUTHORIZED).with(header::WWW_AUTHENTICATE, "Bearer"),
            AuthError::Key(KeyRefused::Scope) => new(S::FORBIDDEN, "INSUFFICIENT_SCOPE"),
            AuthError::Key(_) => new(S::UNAUTHORIZED, "INVALID_KEY").with(header::WWW_AUTHENTICATE, "Bearer"),
            AuthError::MustChangePassword => new(S::FORBIDDEN, "PASSWORD_CHANGE_REQUIRED"),
            AuthError::NotAllowed => new(S::FORBIDDEN, "FORBIDDEN"),
            AuthError::Oneself => new(S::CONFLICT, "OWN_ACCOUNT"),
            AuthError::LastSuperAdmin => new(S::CONFLICT, "LAST_SUPER_ADMIN"),
            AuthError::NotFirst => new(S::CONFLICT, "NOT_FIRST"),
            AuthError::Taken => new(S::CONFLICT, "USER_EXISTS"),
            AuthError::Missing("tenant") => new(S::NOT_FOUND, TENANT_NOT_FOUND),
            AuthError::Missing("user") => new(S::NOT_FOUND, "USER_NOT_FOUND"),
            AuthError::Missing(_) => new(S::NOT_FOUND, "RESOURCE_NOT_FOUND"),
            AuthError::LinkEnded => new(S::GONE, "LINK_ENDED"),
            AuthError::OverQuota(_) | AuthError::TooManyKeys(_) => new(S::TOO_MANY_REQUESTS, "QUOTA_EXCEEDED"),
            AuthError::TooManyTries { until, now } => {
                let seconds = (until - now).num_seconds().max(0) + 1;
                new(S::TOO_MANY_REQUESTS, "RATE_LIMITED").with(header::RETRY_AFTER, &seconds.to_string())
            }
            AuthError::Password(_) | AuthError::SamePassword => {
                ApiError::invalid_field(&["body", member], message).into()
            }
            AuthError::Invalid(fields) => ApiError::invalid_fields(fields).into(),
            AuthError::Busy => new(S::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE").with(header::RETRY_AFTER, "1"),
            AuthError::Store(error) => ApiError::from(error).into(),
            error => ApiError::unavailable(error).into(),
        }
    }

    /// Whether this says that there is no session.
    pub(crate) fn is_not_logged_in(&self) -> bool {
        self.code == UNAUTHORIZED
    }

    /// Whether this says that there is no such tenant, which may mean that the caller cannot see it.
    pub(crate) fn hides_tenant(&self) -> bool {
        self.code == TENANT_NOT_FOUND
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The code for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The headers that the answer carries because of its status.
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &HeaderName> {
        self.headers.iter().map(|(name, _)| name)
    }

    /// What happened inside, for the log.
    pub fn cause(&self) -> Option<&ApiError> {
        self.cause.as_deref()
    }

    /// The envelope.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let details = if self.fields.is_empty() { Value::Null } else { json!({ "fields": self.fields }) };
        json!({
            "success": false,
            "error": self.code,
            "message": self.message,
            "details": details,
            "request_id": request_id,
        })
    }

    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new(), headers: Vec::new(), cause: None }
    }

    /// Adds a header; a value that is no header value is left out.
    fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        let mut problem = Self::of_kind(error.kind(), error.to_string());
        problem.fields = error.fields().to_vec();
        problem.cause = problem.status.is_server_error().then(|| Arc::new(error));
        problem
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        Self::of_auth(error, "new_password")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body(""))).into_response();
        for (name, value) in &self.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}
