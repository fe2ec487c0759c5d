//! Activation, deactivation and status of a tenant.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::{BrandingChange, LimitsChange, feature_name};
use crate::fields::{Fields, FromFields, boolean, email, list, parsed, text};
use crate::ids::TenantId;
use crate::period::Zone;
use crate::wire::wire_enum;

wire_enum! {
    /// The state of a tenant.
    TenantStatus {
        /// In use.
        Active = "active",
        /// Stopped by the operator or by the end of the subscription; all data is kept.
        Suspended = "suspended",
        /// Closed by the market.
        Deactivated = "deactivated",
    }
}

wire_enum! {
    /// Why a market closes a tenant.
    DeactivateReason {
        /// The subscription ran out.
        SubscriptionExpired = "subscription_expired",
        /// Somebody asked for it.
        AdminRequest = "admin_request",
        /// Rules were broken.
        Violation = "violation",
    }
}

/// Who speaks for a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// E-mail address, as sent.
    #[cfg_attr(feature = "openapi", schema(format = "email", max_length = 254))]
    pub email: String,
    /// Name, as sent.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub name: String,
}

/// The members of `config` that an activation applies; others are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivationConfig {
    /// Limits that differ from the defaults.
    #[serde(default)]
    pub limits: LimitsChange,
    /// Branding.
    #[serde(default)]
    pub branding: BrandingChange,
    /// The tenant's time zone.
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Zone>,
}

/// How long a subscription that comes with an application lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// Its last day, in the tenant's calendar. It does not renew itself.
    pub end: NaiveDate,
}

/// The body of `POST …/activate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivateRequest {
    /// The tenant; equal to the one in the path.
    pub tenant_id: TenantId,
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub tenant_name: String,
    /// The plan that was bought; any name is accepted.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub plan: String,
    /// The features that are switched on.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>, max_items = 200))]
    pub features: BTreeSet<String>,
    /// Settings to begin with; `null` is none.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<ActivationConfig>))]
    pub config: ActivationConfig,
    /// Who speaks for the tenant.
    pub contact: Contact,
    /// The term of an application; not part of the standard body.
    #[serde(skip)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub term: Option<Term>,
    /// Where an application wants to be told of changes, already checked; not part of the standard body.
    #[serde(skip)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub callback_url: Option<String>,
}

/// The answer of `POST …/activate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivateResponse {
    /// Always `true`.
    pub success: bool,
    /// The tenant.
    pub tenant_id: TenantId,
    /// Where its people find the service.
    pub access_url: String,
    /// A sentence for people.
    pub message: String,
}

/// The body of `POST …/deactivate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeactivateRequest {
    /// Why.
    pub reason: DeactivateReason,
    /// Whether users and data are kept for a while. Default `true`.
    #[serde(default = "yes")]
    #[cfg_attr(feature = "openapi", schema(default = true))]
    pub preserve_data: bool,
}

/// The answer of `POST …/deactivate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeactivateResponse {
    /// Always `true`.
    pub success: bool,
    /// The tenant.
    pub tenant_id: TenantId,
    /// Always `deactivated`.
    pub status: TenantStatus,
    /// Whether users and data are kept.
    pub data_preserved: bool,
    /// Until when at least they are kept; `null` if they are gone.
    pub data_retention_until: Option<DateTime<Utc>>,
}

/// The answer of `GET …/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantStatusResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Its state.
    pub status: TenantStatus,
    /// The plan that it was activated with last.
    pub plan: String,
    /// The features that are switched on.
    pub features: Vec<String>,
    /// When it was activated for the first time.
    pub created_at: DateTime<Utc>,
    /// When its state or settings changed last.
    pub updated_at: DateTime<Utc>,
}

impl FromFields for ActivateRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let tenant_id = fields.required("tenant_id", parsed);
        let tenant_name = fields.required("tenant_name", text(1, 200));
        let plan = fields.required("plan", text(1, 100));
        let features = fields.required("features", list(200, feature_name));
        // The earlier clients send `null` for "no configuration".
        let config = match fields.value("config") {
            None | Some(Value::Null) => Some(ActivationConfig::default()),
            Some(_) => fields.object("config", ActivationConfig::from_fields),
        };
        let contact = fields.object("contact", Contact::from_fields);
        Some(Self {
            tenant_id: tenant_id?,
            tenant_name: tenant_name?,
            plan: plan?,
            features: features?.into_iter().collect(),
            config: config?,
            contact: contact?,
            term: None,
            callback_url: None,
        })
    }
}

impl FromFields for ActivationConfig {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let limits = fields.optional_object("limits", LimitsChange::from_fields);
        let branding = fields.optional_object("branding", BrandingChange::from_fields);
        let timezone = fields.optional("timezone", parsed);
        // `config.max_users` is the settings' short spelling of the limit; a limit sent beside it wins.
        let short = LimitsChange::max_users_of(fields);
        let mut limits = limits?.unwrap_or_default();
        limits.max_users = limits.max_users.or(short?);
        Some(Self { limits, branding: branding?.unwrap_or_default(), timezone: timezone? })
    }
}

impl FromFields for Contact {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email);
        let name = fields.required("name", text(1, 200));
        Some(Self { email: email?, name: name? })
    }
}

impl FromFields for DeactivateRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.required("reason", parsed);
        let preserve_data = fields.or("preserve_data", true, boolean);
        Some(Self { reason: reason?, preserve_data: preserve_data? })
    }
}

fn yes() -> bool {
    true
}
