//! What goes back: an answer or a refusal.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// What every operation returns.
pub(super) type Outcome = Result<Answer, Refusal>;

/// A 2xx answer.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body) }
    }

    pub(super) fn created(body: Value) -> Self {
        Self { status: 201, body: Some(body) }
    }

    pub(super) fn empty() -> Self {
        Self { status: 204, body: None }
    }
}

/// A 4xx or 5xx answer.
#[derive(Clone)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) details: Value,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: Value::Null, headers: Vec::new() }
    }

    pub(super) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    /// Broken in form: 400.
    pub(super) fn broken(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_REQUEST", message)
    }

    /// One field breaks a rule: 422.
    pub(super) fn field(loc: &[&str], message: &str) -> Self {
        let mut refusal = Self::new(422, "INVALID_REQUEST", format!("{}: {message}", loc.join(".")));
        refusal.details = json!({"fields": [{"loc": loc, "message": message}]});
        refusal
    }

    pub(super) fn no_tenant(id: &str) -> Self {
        Self::new(404, "TENANT_NOT_FOUND", format!("tenant {id} not found"))
    }

    pub(super) fn no_user(id: &str) -> Self {
        Self::new(404, "USER_NOT_FOUND", format!("user {id} not found"))
    }

    pub(super) fn no_route() -> Self {
        Self::new(404, "NOT_FOUND", "no such route")
    }

    pub(super) fn crash() -> Self {
        Self::new(500, "INTERNAL_ERROR", "internal error")
    }

    /// The error envelope.
    pub(super) fn envelope(&self, request_id: &str) -> Value {
        json!({
            "success": false,
            "error": self.code,
            "message": self.message,
            "details": self.details,
            "request_id": request_id,
        })
    }
}

/// Puts status, body and headers together; a header that cannot be sent is left out.
pub(super) fn assemble(status: u16, body: Option<&Value>, headers: &[(&str, String)]) -> Response<Body> {
    let bytes = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = StatusCode::from_u16(status).expect("only known statuses are used");
    let fixed = body.map(|_| ("content-type", "application/json".to_owned()));
    for (name, value) in fixed.iter().map(|(name, value)| (*name, value)).chain(headers.iter().map(|(n, v)| (*n, v))) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
