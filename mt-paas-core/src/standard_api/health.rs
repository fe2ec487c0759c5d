//! Health and catalogue.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::settings::Limits;
use crate::wire::wire_enum;

/// The version of the Standard API that this SDK speaks.
pub const API_VERSION: &str = "2.0";

wire_enum! {
    /// How well a service works.
    HealthStatus {
        /// Everything works.
        Healthy = "healthy",
        /// It answers, and something is missing.
        Degraded = "degraded",
        /// It cannot do its work.
        Unhealthy = "unhealthy",
    }
}

wire_enum! {
    /// What a service may offer beyond the required operations.
    Capability {
        /// `GET …/stats/top-users`.
        TopUsers = "top-users",
        /// `GET …/stats/usage-patterns`.
        UsagePatterns = "usage-patterns",
        /// `GET …/limits`.
        Limits = "limits",
        /// `Idempotency-Key` on every POST.
        Idempotency = "idempotency",
        /// Calls back to the market.
        Callbacks = "callbacks",
        /// The old paths under `/api/tenant`.
        Aliases = "aliases",
    }
}

/// The answer of `GET /mt/health`. It holds nothing about tenants, hosts or databases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthResponse {
    /// How well it works.
    pub status: HealthStatus,
    /// The version of the service.
    pub version: String,
    /// When this was found out.
    pub timestamp: DateTime<Utc>,
}

/// The answer of `GET /mt/catalog`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Catalog {
    /// The service's name.
    pub service: String,
    /// The service's version.
    pub version: String,
    /// The version of the Standard API.
    pub api_version: String,
    /// What it offers beyond the required operations.
    pub capabilities: Vec<Capability>,
    /// The plans that a market can sell.
    pub plans: Vec<Plan>,
}

/// A plan of the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// Its name, as an activation gives it.
    pub name: String,
    /// The features that it allows.
    pub features: Vec<String>,
    /// The limits that it suggests.
    pub limits: Limits,
}
