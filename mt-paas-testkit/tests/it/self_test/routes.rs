//! Which operation a path means, and which verbs it knows.

use super::faults::Fault;
use super::fields::is_tenant_id;
use super::reply::{Outcome, Refusal};
use super::world::Room;

/// A path that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) operation: Operation,
    pub(super) tenant: String,
    pub(super) user: String,
}

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Health,
    Catalog,
    Activate,
    Deactivate,
    Status,
    Usage,
    Stats,
    StatsNow,
    UsagePatterns,
    Costs,
    TopUsers,
    Users,
    User,
    Resources,
    Courses,
    Discussions,
    Settings,
    Limits,
    Webhook,
}

impl Spot {
    /// The methods that the path knows; the old paths only read.
    pub(super) fn verbs(&self, old: bool) -> &'static [&'static str] {
        match self.operation {
            Operation::Activate | Operation::Deactivate | Operation::Webhook => &["POST"],
            Operation::User => &["GET", "HEAD", "PUT", "DELETE"],
            Operation::Settings => &["GET", "HEAD", "PUT"],
            Operation::Users if !old => &["GET", "HEAD", "POST"],
            _ => &["GET", "HEAD"],
        }
    }
}

/// Finds a standard path or an old one; `None` is a path that nobody knows.
pub(super) fn find(segments: &[String]) -> Option<Spot> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["mt", rest @ ..] => standard(rest),
        ["api", "tenant", rest @ ..] => old(rest),
        _ => None,
    }
}

fn standard(path: &[&str]) -> Option<Spot> {
    let (tenant, operation, user) = match path {
        ["health"] => ("", Operation::Health, ""),
        ["catalog"] => ("", Operation::Catalog, ""),
        ["tenant", tenant, "users", user] if !user.is_empty() => (*tenant, Operation::User, *user),
        ["tenant", tenant, rest @ ..] => {
            let operation = match rest {
                ["activate"] => Operation::Activate,
                ["deactivate"] => Operation::Deactivate,
                ["status"] => Operation::Status,
                ["usage"] => Operation::Usage,
                ["stats"] => Operation::Stats,
                ["stats", "usage-patterns"] => Operation::UsagePatterns,
                ["stats", "costs"] | ["costs"] => Operation::Costs,
                ["stats", "top-users"] => Operation::TopUsers,
                ["users"] => Operation::Users,
                ["resources"] => Operation::Resources,
                ["settings"] => Operation::Settings,
                ["limits"] => Operation::Limits,
                _ => return None,
            };
            (*tenant, operation, "")
        }
        _ => return None,
    };
    Some(Spot { operation, tenant: tenant.into(), user: user.into() })
}

fn old(path: &[&str]) -> Option<Spot> {
    let (tenant, operation) = match path {
        ["webhook", "auto-provision" | "application-approved"] => ("", Operation::Webhook),
        ["stats", tenant] | [tenant, "stats"] => (*tenant, Operation::StatsNow),
        ["users", tenant] | [tenant, "users"] => (*tenant, Operation::Users),
        ["courses", tenant] => (*tenant, Operation::Courses),
        ["discussions", tenant] => (*tenant, Operation::Discussions),
        ["status", tenant] => (*tenant, Operation::Status),
        _ => return None,
    };
    Some(Spot { operation, tenant: tenant.into(), user: String::new() })
}

/// The standard path that takes an old one's place.
pub(super) fn successor(spot: &Spot) -> String {
    let Spot { operation, tenant, .. } = spot;
    // An id that could not be a tenant's must not shape a header.
    let tenant = if is_tenant_id(tenant) { tenant.as_str() } else { "{tenant_id}" };
    let page = match operation {
        Operation::Webhook => "activate",
        Operation::StatsNow => "stats",
        Operation::Users => "users",
        Operation::Courses => "resources?type=course",
        Operation::Discussions => "resources?type=discussion",
        _ => "status",
    };
    let tenant = if *operation == Operation::Webhook { "{tenant_id}" } else { tenant };
    format!("/mt/tenant/{tenant}/{page}").replace('{', "%7B").replace('}', "%7D")
}

/// What a service makes of a tenant id that would rather not refuse any.
pub(super) fn bent(id: &str) -> String {
    id.to_ascii_lowercase().trim_matches([' ', '.', '\0']).replace(['/', ';'], "-")
}

impl Room<'_> {
    /// Runs the operation of a path; the verb is one of its own.
    pub(super) fn run(&mut self, spot: &Spot, alias: bool) -> Outcome {
        let free = matches!(spot.operation, Operation::Health | Operation::Catalog | Operation::Webhook);
        let spot = &self.misread(spot);
        let tenant = spot.tenant.as_str();
        if !free && !is_tenant_id(tenant) {
            if self.has(Fault::OddIdCrashes) {
                return Err(Refusal::crash());
            }
            return Err(Refusal::field(&["path", "tenant_id"], "is not a tenant id"));
        }
        if spot.operation != Operation::Activate && !free {
            self.knows(spot)?;
        }
        let optional = matches!(spot.operation, Operation::TopUsers | Operation::UsagePatterns | Operation::Limits);
        if optional && self.has(Fault::NothingOptional) {
            return Err(Refusal::new(501, "NOT_SUPPORTED", "this service does not offer the operation"));
        }
        let outcome = match (spot.operation, self.call.method.as_str()) {
            (Operation::Health, _) => self.health(),
            (Operation::Catalog, _) => self.catalog(),
            (Operation::Activate, _) => self.activate(tenant),
            (Operation::Deactivate, _) => self.deactivate(tenant),
            (Operation::Status, _) => self.status(tenant),
            (Operation::Usage, _) => self.usage(tenant),
            (Operation::Stats, _) => self.stats(tenant, None),
            (Operation::StatsNow, _) => self.stats(tenant, Some("30d")),
            (Operation::UsagePatterns, _) => self.usage_patterns(tenant),
            (Operation::Costs, _) => self.costs(tenant),
            (Operation::TopUsers, _) => self.top_users(tenant),
            (Operation::Users, "POST") => self.create_user(tenant),
            (Operation::Users, _) => self.list_users(tenant),
            (Operation::User, "PUT") => self.change_user(tenant, &spot.user),
            (Operation::User, "DELETE") => self.delete_user(tenant, &spot.user),
            (Operation::User, _) => self.one_user(tenant, &spot.user),
            (Operation::Resources, _) => self.resources(tenant, None),
            (Operation::Courses, _) => self.resources(tenant, Some("course")),
            (Operation::Discussions, _) => self.resources(tenant, Some("discussion")),
            (Operation::Settings, "PUT") => self.change_settings(tenant),
            (Operation::Settings, _) => self.settings(tenant),
            (Operation::Limits, _) => self.limits(tenant),
            (Operation::Webhook, _) => self.webhook(),
        };
        if alias { self.estrange(spot, outcome) } else { outcome }
    }

    fn knows(&self, spot: &Spot) -> Result<(), Refusal> {
        if spot.operation == Operation::Costs
            && self.call.path.matches('/').count() == 4
            && self.has(Fault::CostsHaveOnePath)
        {
            return Err(Refusal::no_route());
        }
        if self.world.tenants.contains_key(&spot.tenant) || self.has(Fault::DeactivateUnknownSucceeds) {
            return Ok(());
        }
        if self.has(Fault::NoTenantIsNoUser) && matches!(spot.operation, Operation::User | Operation::Users) {
            return Err(Refusal::no_user(&spot.user));
        }
        Err(Refusal::no_tenant(&spot.tenant))
    }

    /// Where faulty variants take a request for another tenant's.
    fn misread(&mut self, spot: &Spot) -> Spot {
        let mut spot = spot.clone();
        if self.has(Fault::M46) {
            spot.tenant = bent(&spot.tenant);
        }
        let named = self.call.header("x-tenant-id").or_else(|| self.call.asked("tenant_id")).map(str::to_owned);
        if let Some(other) = named.filter(|_| self.has(Fault::M47)) {
            spot.tenant = other;
        }
        if self.has(Fault::CaseMerges)
            && let Some(same) = self.world.tenants.keys().find(|id| id.eq_ignore_ascii_case(&spot.tenant))
        {
            spot.tenant.clone_from(same);
        }
        let before = self.world.before.replace(spot.tenant.clone());
        let reads = self.call.method == "GET" && matches!(spot.operation, Operation::Users | Operation::Status);
        if let Some(other) = before.filter(|other| reads && self.has(Fault::TenantLeftOver) && !other.is_empty()) {
            spot.tenant = other;
        }
        spot
    }
}
