//! The contract of the Standard API, version 2: what a service offers to a marketplace, in Rust instead of HTTP.

mod dashboard;
mod health;
mod lifecycle;
mod query;
mod resources;
mod settings;
mod users;

use async_trait::async_trait;

pub use dashboard::{
    CostsResponse, DailyCost, DailyTrend, HealthBlock, HourBucket, ModelCost, StatsResponse, StatsSummary, TopUser,
    TopUsersResponse, Trends, UsageMetrics, UsagePatternsResponse, UsageResponse, UserCost, WeekdayBucket,
};
pub use health::{API_VERSION, Capability, Catalog, HealthResponse, HealthStatus, Plan};
pub use lifecycle::{
    ActivateRequest, ActivateResponse, ActivationConfig, Contact, DeactivateReason, DeactivateRequest,
    DeactivateResponse, TenantStatus, TenantStatusResponse, Term,
};
pub use query::{Page, PeriodQuery, ResourceFilters, TopUsersQuery, UserFilters};
pub use resources::{Resource, ResourceType, ResourcesResponse};
pub use settings::{
    Branding, BrandingChange, FeatureMap, Limits, LimitsChange, LimitsResponse, LimitsUsed, SettingsResponse,
    Subscription, TenantConfig, UpdateSettingsRequest,
};
pub use users::{
    CreateUserRequest, CreatedUserResponse, Role, UpdateUserRequest, UserResponse, UserStatus, UserUsage,
    UsersListResponse,
};

use crate::error::ApiError;
use crate::ids::{TenantId, UserId};
use crate::period::{Month, Period};

/// What an AI service offers to a marketplace: the operations of the Standard API.
///
/// [`StoreHandler`](crate::StoreHandler) implements all of it on the SDK's own tables; a service overrides single
/// operations with [`delegate_standard_api!`](crate::delegate_standard_api).
///
/// # Who this binds
///
/// Implementors promise that a tenant never sees another tenant's data, that an `Err` changed nothing that a caller
/// can read, and that every method may be called concurrently. Callers may drop a future at any await point. An
/// unknown tenant is [`ApiError::tenant_not_found`]; one that is not active is [`ApiError::tenant_inactive`] everywhere
/// but in [`activate_tenant`](Self::activate_tenant), [`deactivate_tenant`](Self::deactivate_tenant),
/// [`tenant_status`](Self::tenant_status) and [`tenant_usage`](Self::tenant_usage).
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StandardAPIHandler: Send + Sync + 'static {
    /// Who the service is and what it offers beyond the required operations. An operation that is not listed answers
    /// [`ApiError::not_supported`].
    fn catalog(&self) -> Catalog;

    /// Where the people of a tenant find the service: an absolute http or https address, another for each tenant.
    fn access_url(&self, tenant: &TenantId) -> String;

    /// Whether the service works. Never fails: a broken service says so.
    async fn check_health(&self) -> HealthResponse;

    /// Makes a tenant ready for use, or ready again. An active tenant with equal content is a success that changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`ApiError::tenant_exists`] if the tenant is active with other content.
    async fn activate_tenant(&self, request: ActivateRequest) -> Result<ActivateResponse, ApiError>;

    /// Closes a tenant. Twice is a success that changes nothing.
    async fn deactivate_tenant(
        &self,
        tenant: &TenantId,
        request: DeactivateRequest,
    ) -> Result<DeactivateResponse, ApiError>;

    /// The tenant's state, plan and enabled features.
    async fn tenant_status(&self, tenant: &TenantId) -> Result<TenantStatusResponse, ApiError>;

    /// What the tenant used in a month of its own calendar; zeros for a month without usage.
    async fn tenant_usage(&self, tenant: &TenantId, month: Month) -> Result<UsageResponse, ApiError>;

    /// The figures of the dashboard.
    async fn tenant_stats(&self, tenant: &TenantId, period: Period) -> Result<StatsResponse, ApiError>;

    /// What the tenant's usage costs, by model, by user and by day.
    async fn tenant_costs(&self, tenant: &TenantId, period: Period) -> Result<CostsResponse, ApiError>;

    /// The users with most tokens. Offered if the catalogue lists [`Capability::TopUsers`].
    async fn top_users(&self, _tenant: &TenantId, _query: TopUsersQuery) -> Result<TopUsersResponse, ApiError> {
        Err(ApiError::not_supported("top-users"))
    }

    /// Usage by hour of day and day of week. Offered if the catalogue lists [`Capability::UsagePatterns`].
    async fn usage_patterns(&self, _tenant: &TenantId, _period: Period) -> Result<UsagePatternsResponse, ApiError> {
        Err(ApiError::not_supported("usage-patterns"))
    }

    /// The tenant's users in stable order: by creation, then id.
    async fn list_users(&self, tenant: &TenantId, filters: UserFilters) -> Result<UsersListResponse, ApiError>;

    /// Adds a user, who must set a password of their own at first login.
    ///
    /// # Errors
    ///
    /// [`ApiError::user_exists`] for a taken address, reported before [`ApiError::quota_exceeded`].
    async fn create_user(&self, tenant: &TenantId, request: CreateUserRequest)
    -> Result<CreatedUserResponse, ApiError>;

    /// One user.
    async fn user(&self, tenant: &TenantId, user: &UserId) -> Result<UserResponse, ApiError>;

    /// Changes a user; members that are not sent keep their values.
    async fn update_user(
        &self,
        tenant: &TenantId,
        user: &UserId,
        request: UpdateUserRequest,
    ) -> Result<UserResponse, ApiError>;

    /// Removes a user. The address is free again; past usage stays in the totals.
    async fn delete_user(&self, tenant: &TenantId, user: &UserId) -> Result<(), ApiError>;

    /// The service's own things: courses, discussions, documents, sessions.
    async fn list_resources(&self, tenant: &TenantId, filters: ResourceFilters) -> Result<ResourcesResponse, ApiError>;

    /// The tenant's configuration and subscription.
    async fn settings(&self, tenant: &TenantId) -> Result<SettingsResponse, ApiError>;

    /// Merges a change into the settings, member by member.
    ///
    /// # Errors
    ///
    /// [`ApiError::feature_disabled`] for a feature that the plan does not hold.
    async fn update_settings(
        &self,
        tenant: &TenantId,
        request: UpdateSettingsRequest,
    ) -> Result<SettingsResponse, ApiError>;

    /// The limits of the settings beside what is used of them. Offered if the catalogue lists [`Capability::Limits`].
    async fn limits(&self, _tenant: &TenantId) -> Result<LimitsResponse, ApiError> {
        Err(ApiError::not_supported("limits"))
    }
}
