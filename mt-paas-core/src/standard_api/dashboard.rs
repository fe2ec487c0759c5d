//! Figures of a tenant: stats, costs, top users, patterns and monthly usage.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::health::HealthStatus;
use crate::ids::{TenantId, UserId};
use crate::money::NanoUsd;
use crate::period::{Month, Period, Zone};

/// The answer of `GET …/stats`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatsResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The days that count.
    pub period: Period,
    /// Sums over the period.
    pub summary: StatsSummary,
    /// The same by day.
    pub trends: Trends,
    /// How the service answered this time.
    pub health: HealthBlock,
}

/// Sums over a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatsSummary {
    /// Users that exist now.
    pub total_users: u64,
    /// Of these, the ones that used the service in the period.
    pub active_users: u64,
    /// Of these, the ones made in the period.
    pub new_users_this_period: u64,
    /// Sessions that began in the period.
    pub total_sessions: u64,
    /// Messages.
    pub total_messages: u64,
    /// Input and output tokens.
    pub total_tokens: u64,
    /// Cost; equal to `total_cost_usd` of the costs.
    pub estimated_cost_usd: NanoUsd,
}

/// Figures by day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trends {
    /// Newest first; days without usage are left out.
    pub daily: Vec<DailyTrend>,
}

/// The figures of one day of the tenant's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DailyTrend {
    /// The day.
    pub date: NaiveDate,
    /// Users that used the service on it and still exist.
    pub users: u64,
    /// Messages.
    pub messages: u64,
    /// Input and output tokens.
    pub tokens: u64,
}

/// How the service answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthBlock {
    /// How well it works.
    pub status: HealthStatus,
    /// When this was found out.
    pub last_check: DateTime<Utc>,
    /// How long it took to find these figures, in milliseconds.
    pub response_time_ms: u64,
}

/// The answer of `GET …/stats/costs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CostsResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The days that count.
    pub period: Period,
    /// Everything together.
    pub total_cost_usd: NanoUsd,
    /// By model, dearest first.
    pub by_model: Vec<ModelCost>,
    /// The dearest users that still exist, at most ten, dearest first.
    pub by_user_top10: Vec<UserCost>,
    /// By day, newest first; days without usage are left out.
    pub daily_trend: Vec<DailyCost>,
    /// Models whose price is not known: their tokens count, their cost does not.
    pub unpriced_models: Vec<String>,
}

/// What one model cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelCost {
    /// The model.
    pub model: String,
    /// Tokens sent to it.
    pub input_tokens: u64,
    /// Tokens that came back.
    pub output_tokens: u64,
    /// Their cost.
    pub cost_usd: NanoUsd,
}

/// What one user cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserCost {
    /// The user.
    pub user_id: UserId,
    /// The user's name.
    pub name: String,
    /// Cost of the user's tokens.
    pub cost_usd: NanoUsd,
    /// Input and output tokens.
    pub tokens: u64,
}

/// What one day cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DailyCost {
    /// The day.
    pub date: NaiveDate,
    /// Its cost.
    pub cost_usd: NanoUsd,
}

/// The answer of `GET …/stats/top-users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TopUsersResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The days that count.
    pub period: Period,
    /// Most tokens first; users without usage are left out.
    pub users: Vec<TopUser>,
}

/// One of the users with most tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TopUser {
    /// The user.
    pub user_id: UserId,
    /// The user's name.
    pub name: String,
    /// The user's e-mail address.
    pub email: String,
    /// Sessions that the user began in the period.
    pub sessions: u64,
    /// Messages in the period.
    pub messages: u64,
    /// Tokens in the period.
    pub tokens: u64,
    /// The user's last event in the period.
    pub last_active: DateTime<Utc>,
}

/// The answer of `GET …/stats/usage-patterns`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsagePatternsResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The days that count.
    pub period: Period,
    /// The zone of the hours and days.
    pub timezone: Zone,
    /// 24 rows, hour 0 to 23.
    pub by_hour: Vec<HourBucket>,
    /// 7 rows, Monday (1) to Sunday (7).
    pub by_weekday: Vec<WeekdayBucket>,
    /// The hour with most messages, the earliest of equals; `null` without any.
    pub peak_hour: Option<u8>,
}

/// Figures of one hour of the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HourBucket {
    /// 0 to 23.
    pub hour: u8,
    /// Sessions that began in it.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
    /// Input and output tokens.
    pub tokens: u64,
}

/// Figures of one day of the week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WeekdayBucket {
    /// 1 (Monday) to 7 (Sunday).
    pub weekday: u8,
    /// Sessions that began on it.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
    /// Input and output tokens.
    pub tokens: u64,
}

/// The answer of `GET …/usage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The month.
    pub period: Month,
    /// What was used in it.
    pub usage: UsageMetrics,
}

/// What was used in a month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageMetrics {
    /// Everyone who was active in the month, also users that are gone.
    pub active_users: u64,
    /// Sessions that began in it.
    pub total_sessions: u64,
    /// Usage events; calls of the Standard API are none.
    pub api_calls: u64,
    /// Input and output tokens.
    pub ai_tokens: u64,
    /// The last known storage of the month in MiB, rounded up.
    pub storage_mb: u64,
    /// Other metrics of the service.
    #[serde(flatten)]
    pub more: BTreeMap<String, u64>,
}
