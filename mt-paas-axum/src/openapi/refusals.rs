//! Which operation can be refused how: the one table.

use http::header;
use mt_paas_core::ErrorKind;
use mt_paas_core::ErrorKind::{
    FeatureDisabled, Internal, Invalid, Malformed, NotSupported, QuotaExceeded, RateLimited, ResourceNotFound,
    TenantExists, TenantInactive, TenantNotFound, Unavailable, UserExists, UserNotFound,
};
use mt_paas_core::standard_api::Capability;

use self::Cause::{Door, Operation};
use super::answers::Facts;
use crate::error::Problem;

/// A way in which operations are refused.
pub(super) struct Refusal {
    cause: Cause,
    /// When it happens, after the code.
    pub(super) text: &'static str,
    pub(super) applies: fn(&Facts) -> bool,
}

/// Who refuses.
enum Cause {
    /// A door, before the operation.
    Door(fn() -> Problem),
    /// The operation, or the reading of what it is given.
    Operation(ErrorKind),
}

/// Every refusal of the contract but 405 and the 404 of no route, which belong to no operation. A table for reading
/// takes the width that it needs.
#[rustfmt::skip]
pub(super) const REFUSALS: &[Refusal] = &[
    row(Operation(Malformed), "the head is too large or can be read in two ways", |_| true),
    row(Operation(Malformed), "the body is empty, broken off, not JSON, or names a member twice", |op| op.body),
    row(Operation(Malformed), "path and body name different tenants", |op| op.is(&["activate_tenant"])),
    row(Operation(Malformed), "the month is not `YYYY-MM`", |op| op.is(&["tenant_usage"])),
    row(Door(|| Problem::unauthorized(&header::AUTHORIZATION)), "no valid key came with the request", |op| op.keyed),
    row(Operation(TenantInactive), "the tenant is suspended or deactivated", |op| op.tenant && !op.is(IN_ANY_STATE)),
    row(Operation(FeatureDisabled), "the tenant's plan does not hold the feature", |op| op.is(&["update_settings"])),
    row(Operation(TenantNotFound), "there is no such tenant", |op| op.tenant && !op.is(ACTIVATE)),
    row(Operation(UserNotFound), "there is no such user in this tenant", |op| op.user),
    row(Operation(ResourceNotFound), "there is no such resource in this tenant", |op| op.is(RESOURCES)),
    row(Operation(TenantExists), "the tenant is active with other content", |op| op.is(ACTIVATE)),
    row(Operation(UserExists), "the e-mail address is taken in this tenant", |op| op.is(&["create_user"])),
    row(Door(Problem::idempotency_in_progress), "the first request with this key is still running", |op| op.repeatable),
    row(Door(|| Problem::gone("")), "the path is removed; `Link` names its successor", |op| op.ends),
    row(Door(|| Problem::body_too_large(0)), "the body is too large", |op| op.body || op.repeatable),
    row(Door(Problem::unsupported_media_type), "the body is not declared to be JSON", |op| op.body),
    row(Operation(Invalid), "a value breaks the schema or a rule; `details` names all", |op| op.tenant || op.query || op.body || op.repeatable),
    row(Door(Problem::idempotency_mismatch), "the Idempotency-Key was used with another body", |op| op.repeatable),
    row(Operation(QuotaExceeded), "the tenant has as many users as it may have", |op| op.is(&["create_user"])),
    row(Operation(RateLimited { retry_after: 1 }), "too many requests", |op| op.is(RESOURCES)),
    row(Operation(Internal), "a fault of the service", |_| true),
    row(Operation(NotSupported), "the service has no resources", |op| op.is(RESOURCES)),
    row(Operation(NotSupported), "the catalogue does not list `top-users`", |op| op.is(&["top_users"]) && op.lacks(Capability::TopUsers)),
    row(Operation(NotSupported), "the catalogue does not list `usage-patterns`", |op| op.is(&["usage_patterns"]) && op.lacks(Capability::UsagePatterns)),
    row(Operation(NotSupported), "the catalogue does not list `limits`", |op| op.is(&["limits"]) && op.lacks(Capability::Limits)),
    row(Operation(Unavailable), "something that the service needs cannot be reached", |op| op.tenant || op.body || op.repeatable),
];

/// What activates tenants.
const ACTIVATE: &[&str] = &["activate_tenant", "alias_auto_provision", "alias_application_approved"];

/// What works in every state of a tenant.
const IN_ANY_STATE: &[&str] =
    &["activate_tenant", "deactivate_tenant", "tenant_status", "tenant_usage", "alias_status"];

/// What a service writes itself, and so can be refused in more ways.
const RESOURCES: &[&str] = &["list_resources", "alias_courses", "alias_discussions"];

const fn row(cause: Cause, text: &'static str, applies: fn(&Facts) -> bool) -> Refusal {
    Refusal { cause, text, applies }
}

impl Refusal {
    /// One with the status, the code and the headers of all.
    pub(super) fn example(&self) -> Problem {
        match self.cause {
            Door(problem) => problem(),
            Operation(kind) => Problem::of_kind(kind, ""),
        }
    }
}

impl Facts {
    fn is(&self, ids: &[&str]) -> bool {
        ids.contains(&self.id.as_str())
    }

    fn lacks(&self, capability: Capability) -> bool {
        !self.capabilities.contains(&capability)
    }
}
