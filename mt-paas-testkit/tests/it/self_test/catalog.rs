//! Health and catalogue.

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use super::faults::Fault;
use super::reply::{Answer, Outcome};
use super::settings::DEFAULT_LIMITS;
use super::world::Room;

const VERSION: &str = "1.4.0";
const CAPABILITIES: &[&str] = &["top-users", "usage-patterns", "limits", "idempotency", "aliases"];
const PLANS: &[(&str, &[&str])] = &[
    ("basic", &["chat", "rag"]),
    ("premium", &["chat", "rag", "quiz", "api_integration"]),
    ("enterprise", &["chat", "rag", "quiz", "api_integration", "custom_branding"]),
];

/// What a plan of the catalogue allows; nothing for a plan that is not there.
pub(super) fn features_of(plan: &str) -> &'static [&'static str] {
    PLANS.iter().find(|(name, _)| *name == plan).map_or(&[], |(_, features)| features)
}

impl Room<'_> {
    /// The one open route.
    pub(super) fn health(&self) -> Outcome {
        let late = if self.has(Fault::HealthClockWrong) { TimeDelta::hours(9) } else { TimeDelta::zero() };
        let mut body = json!({
            "status": if self.has(Fault::HealthStatusUnknown) { "ok" } else { "healthy" },
            "version": if self.has(Fault::VersionsDiffer) { "1.5.0" } else { VERSION },
            "timestamp": (self.now + late).to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        if self.has(Fault::HealthTellsTenants) {
            body["tenants"] = self.world.tenants.keys().cloned().collect::<Vec<_>>().into();
            body["database"] = "postgres://service:secret@db.internal/service".into();
        }
        Ok(Answer::ok(body))
    }

    fn capabilities(&self) -> Vec<&'static str> {
        let listed = |name: &&str| match *name {
            _ if self.has(Fault::NothingOptional) => false,
            "limits" => !self.has(Fault::LimitsUnlisted),
            _ => true,
        };
        CAPABILITIES.iter().copied().filter(listed).collect()
    }

    pub(super) fn catalog(&self) -> Outcome {
        let limits: Value = DEFAULT_LIMITS.iter().map(|(name, limit)| ((*name).to_owned(), json!(limit))).collect();
        let plan = |(name, features): &(&str, &[&str])| json!({"name": name, "features": features, "limits": limits});
        let mut body = json!({
            "service": "reference",
            "version": VERSION,
            "api_version": "2.0",
            "capabilities": self.capabilities(),
            "plans": PLANS.iter().map(plan).collect::<Vec<_>>(),
        });
        if self.has(Fault::CatalogLacksPlans) {
            body["plans"] = Value::Null;
        }
        Ok(Answer::ok(body))
    }
}
