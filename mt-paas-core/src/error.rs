//! Why an operation failed: a kind for programs, a message for the caller, a source for the log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{TenantId, UserId};

/// The error of every operation of the contract.
///
/// `Display` is the sentence that the caller reads. The source is for the log and has no way to the wire.
#[derive(Debug)]
pub struct ApiError {
    kind: ErrorKind,
    message: String,
    fields: Vec<FieldError>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of failure that callers can tell apart. The doors turn each into one status and code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be read at all, or contradicts itself.
    Malformed,
    /// The request is well formed and breaks the schema or a rule.
    Invalid,
    /// The tenant's plan does not hold the feature.
    FeatureDisabled,
    /// The tenant is suspended or deactivated.
    TenantInactive,
    /// No such tenant.
    TenantNotFound,
    /// No such user in this tenant.
    UserNotFound,
    /// No such resource in this tenant.
    ResourceNotFound,
    /// The tenant is active already, with other content.
    TenantExists,
    /// The e-mail address or login name is taken in this tenant.
    UserExists,
    /// Something with this name is there already.
    ResourceExists,
    /// A limit of the tenant's settings is reached.
    QuotaExceeded,
    /// Too many requests.
    RateLimited {
        /// Seconds until another try makes sense.
        retry_after: u32,
    },
    /// The service does not offer this operation.
    NotSupported,
    /// A fault of the service.
    Internal,
    /// A dependency cannot be reached; another try may help.
    Unavailable,
}

/// One rejected member of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// Where it stands, outermost first: `["body", "contact", "email"]`.
    pub loc: Vec<String>,
    /// What is wrong with it.
    pub message: String,
}

impl ApiError {
    /// The request cannot be read, or contradicts itself.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Malformed, message)
    }

    /// The request is readable and breaks a rule that belongs to no single field.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// The request breaks the schema in these fields. The message names them all.
    pub fn invalid_fields(fields: Vec<FieldError>) -> Self {
        let said: Vec<String> =
            fields.iter().map(|fault| format!("{}: {}", fault.loc.join("."), fault.message)).collect();
        Self { fields, ..Self::new(ErrorKind::Invalid, said.join("; ")) }
    }

    /// The request breaks a rule in one field; `loc` as in [`FieldError`].
    pub fn invalid_field(loc: &[&str], message: impl Into<String>) -> Self {
        let loc = loc.iter().map(|part| (*part).to_owned()).collect();
        Self::invalid_fields(vec![FieldError { loc, message: message.into() }])
    }

    /// The tenant is unknown here.
    pub fn tenant_not_found(tenant: &TenantId) -> Self {
        Self::new(ErrorKind::TenantNotFound, format!("tenant {tenant} not found"))
    }

    /// The tenant is suspended or deactivated.
    pub fn tenant_inactive(tenant: &TenantId) -> Self {
        Self::new(ErrorKind::TenantInactive, format!("tenant {tenant} is not active"))
    }

    /// The tenant is active with other content than the request's.
    pub fn tenant_exists(tenant: &TenantId) -> Self {
        Self::new(ErrorKind::TenantExists, format!("tenant {tenant} already exists"))
    }

    /// No such user in the tenant that was asked for, whether or not another tenant has one.
    pub fn user_not_found(user: &UserId) -> Self {
        Self::new(ErrorKind::UserNotFound, format!("user {user} not found"))
    }

    /// The e-mail address is taken in this tenant.
    pub fn user_exists(email: &str) -> Self {
        Self::new(ErrorKind::UserExists, format!("user {email} already exists"))
    }

    /// No such resource in this tenant.
    pub fn resource_not_found(resource: &str) -> Self {
        Self::new(ErrorKind::ResourceNotFound, format!("resource {resource} not found"))
    }

    /// Something with this name is there already; `message` names it.
    pub fn resource_exists(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ResourceExists, message)
    }

    /// A limit of the tenant is reached; `resource` is its name in the settings.
    pub fn quota_exceeded(resource: &str, limit: u64) -> Self {
        Self::new(ErrorKind::QuotaExceeded, format!("{resource} quota exceeded (limit: {limit})"))
    }

    /// The tenant's plan does not hold the feature.
    pub fn feature_disabled(feature: &str) -> Self {
        Self::new(ErrorKind::FeatureDisabled, format!("feature {feature} is not in the tenant's plan"))
    }

    /// Too many requests; `retry_after` in seconds.
    pub fn rate_limited(retry_after: u32) -> Self {
        Self::new(ErrorKind::RateLimited { retry_after }, format!("too many requests; try again in {retry_after} s"))
    }

    /// The service does not offer `operation`.
    pub fn not_supported(operation: &str) -> Self {
        Self::new(ErrorKind::NotSupported, format!("this service does not offer {operation}"))
    }

    /// A fault of the service; `source` is for the log and never reaches the caller.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(ErrorKind::Internal, "internal error") }
    }

    /// A dependency failed; `source` is for the log and never reaches the caller.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(ErrorKind::Unavailable, "try again later") }
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The rejected fields, if the failure is about fields.
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fields: Vec::new(), source: None }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message) // reporters walk the source; repeating it here would print it twice
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_deref()? as _)
    }
}
