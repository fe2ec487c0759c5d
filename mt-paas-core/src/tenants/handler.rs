//! The ready-made handler: the whole contract on any store.

mod after;
mod builder;
mod dashboard;
mod lifecycle;
mod people;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

pub use builder::{InvalidHandler, StoreHandlerBuilder};

use super::state::{after, current};
use super::{Saved, Tenant, TenantHooks};
use crate::audit::{Action, AuditContext, AuditEvent, action};
use crate::auth::Accounts;
use crate::clock::Clock;
use crate::error::ApiError;
use crate::ids::{TenantId, UserId};
use crate::period::{Month, Period};
use crate::standard_api::{
    API_VERSION, ActivateRequest, ActivateResponse, Capability, Catalog, CostsResponse, CreateUserRequest,
    CreatedUserResponse, DeactivateRequest, DeactivateResponse, HealthResponse, HealthStatus, LimitsResponse, Plan,
    ResourceFilters, ResourcesResponse, SettingsResponse, StandardAPIHandler, StatsResponse, Subscription,
    TenantConfig, TenantStatus, TenantStatusResponse, TopUsersQuery, TopUsersResponse, UpdateSettingsRequest,
    UpdateUserRequest, UsagePatternsResponse, UsageResponse, UserFilters, UserResponse, UsersListResponse,
};
use crate::store::Store;
use crate::turns::{Turn, Turns, pause};
use crate::usage::{PriceList, Usage};

/// Implements the whole Standard API on the SDK's own tables.
///
/// A service that holds resources of its own overrides `list_resources`, and whatever else it does better, with
/// [`delegate_standard_api!`](crate::delegate_standard_api). Cloning is cheap; clones share everything.
#[derive(Clone)]
pub struct StoreHandler(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    hooks: Option<Arc<dyn TenantHooks>>,
    accounts: Option<Accounts>,
    turns: Turns<TenantId>,
    /// Tells the hooks of this process from those of others.
    instance: uuid::Uuid,
    prices: Arc<PriceList>,
    service: String,
    version: String,
    plans: Vec<Plan>,
    public_url: String,
    retention: TimeDelta,
}

/// How often an operation decides again because the tenant changed under it, before it gives up with 503. Each try
/// loses only to a change that succeeded.
const TRIES: usize = 32;

/// How long a caller waits for others who change the same tenant.
const PATIENCE: Duration = Duration::from_secs(10);

impl StoreHandler {
    /// Starts a handler on `store`; `service` and `version` stand in the catalogue.
    pub fn builder(
        store: Arc<dyn Store>,
        service: impl Into<String>,
        version: impl Into<String>,
    ) -> StoreHandlerBuilder {
        StoreHandlerBuilder::new(store, service.into(), version.into())
    }

    /// The store underneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// The way in for usage events, at this handler's prices.
    pub fn usage(&self) -> Usage {
        Usage::new(self.0.store.clone(), self.0.prices.clone()).with_clock(self.0.clock.clone())
    }

    /// Stops a tenant by the operator's order; all data is kept, and an activation makes it active again.
    ///
    /// # Errors
    ///
    /// [`ApiError::tenant_not_found`]; [`ApiError::tenant_inactive`] if it is closed or stopped already.
    pub async fn suspend_tenant(&self, tenant: &TenantId) -> Result<(), ApiError> {
        let _turn = self.turn(tenant).await?;
        for tries in 0..TRIES {
            let (before, now) = self.active_tenant(tenant).await?;
            let stopped =
                Tenant { status: TenantStatus::Suspended, updated_at: after(&before, now), ..(*before).clone() };
            let (context, told) = self.told(action::TENANT_SUSPEND, tenant);
            let told = [told.on("tenant", tenant.as_str())];
            let based_on = Some(before.revision);
            if let Saved::Done(_) = self.0.store.save_tenant(&stopped, based_on, false, &[], &told).await? {
                context.tell();
                return Ok(());
            }
            pause(tries).await;
        }
        Err(contended())
    }

    /// Waits for the turn to change a tenant.
    async fn turn(&self, tenant: &TenantId) -> Result<Turn, ApiError> {
        self.0.turns.take(tenant.clone()).await.map_err(ApiError::unavailable)
    }

    /// What is to be said in the audit trail about a change of a tenant, and who makes it.
    fn told(&self, action: Action, tenant: &TenantId) -> (AuditContext, AuditEvent) {
        let context = AuditContext::current();
        let event = context.event(action, self.0.clock.now()).of(tenant);
        (context, event)
    }

    /// A tenant in any state.
    async fn known_tenant(&self, tenant: &TenantId) -> Result<(Arc<Tenant>, DateTime<Utc>), ApiError> {
        let found = self.0.store.tenant(tenant).await?;
        Ok((found.ok_or_else(|| ApiError::tenant_not_found(tenant))?, self.0.clock.now()))
    }

    /// A tenant that may be used now.
    async fn active_tenant(&self, tenant: &TenantId) -> Result<(Arc<Tenant>, DateTime<Utc>), ApiError> {
        let (found, now) = self.known_tenant(tenant).await?;
        self.take_over(&found, now);
        match current(&found, now).0 {
            TenantStatus::Active if self.waits_for_hook(&found) => {
                Err(ApiError::unavailable("the tenant's hook has not ended"))
            }
            TenantStatus::Active => Ok((found, now)),
            TenantStatus::Suspended | TenantStatus::Deactivated => Err(ApiError::tenant_inactive(tenant)),
        }
    }

    async fn change_settings(
        &self,
        tenant: &TenantId,
        request: UpdateSettingsRequest,
    ) -> Result<SettingsResponse, ApiError> {
        let _turn = self.turn(tenant).await?;
        for tries in 0..TRIES {
            let (before, now) = self.active_tenant(tenant).await?;
            let mut changed = (*before).clone();
            for (feature, on) in &request.features {
                if *on && !before.allowed_features.contains(feature) {
                    return Err(ApiError::feature_disabled(feature));
                }
                changed.features.insert(feature.clone(), *on);
            }
            if changed.features.len() > 400 {
                return Err(ApiError::invalid_field(&["body", "features"], "would hold more than 400 features"));
            }
            changed.limits = changed.limits.with(request.limits);
            changed.branding = changed.branding.with(request.branding.clone());
            changed.zone = request.timezone.unwrap_or(changed.zone);
            if current(&changed, now).0 != TenantStatus::Active {
                // It would close the tenant at once, and no settings could be changed any more to undo it.
                return Err(ApiError::invalid_field(
                    &["body", "timezone"],
                    "has a day in which the subscription is over",
                ));
            }
            if changed == *before {
                return Ok(settings_of(&before, now));
            }
            changed.updated_at = after(&before, now);
            let (context, told) = self.told(action::SETTINGS_UPDATE, tenant);
            let told = [told.on("settings", tenant.as_str()).detail("changed", changes(&before, &changed))];
            let based_on = Some(before.revision);
            if let Saved::Done(_) = self.0.store.save_tenant(&changed, based_on, false, &[], &told).await? {
                context.tell();
                return Ok(settings_of(&changed, now));
            }
            pause(tries).await;
        }
        Err(contended())
    }
}

#[async_trait]
impl StandardAPIHandler for StoreHandler {
    fn catalog(&self) -> Catalog {
        Catalog {
            service: self.0.service.clone(),
            version: self.0.version.clone(),
            api_version: API_VERSION.to_owned(),
            capabilities: vec![Capability::TopUsers, Capability::UsagePatterns, Capability::Limits],
            plans: self.0.plans.clone(),
        }
    }

    fn access_url(&self, tenant: &TenantId) -> String {
        format!("{}/t/{tenant}", self.0.public_url)
    }

    async fn check_health(&self) -> HealthResponse {
        let status = match self.0.store.ping().await {
            Ok(()) => HealthStatus::Healthy,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the store does not answer");
                HealthStatus::Unhealthy
            }
        };
        HealthResponse { status, version: self.0.version.clone(), timestamp: self.0.clock.now() }
    }

    async fn activate_tenant(&self, request: ActivateRequest) -> Result<ActivateResponse, ApiError> {
        self.activate(request).await
    }

    async fn deactivate_tenant(
        &self,
        tenant: &TenantId,
        request: DeactivateRequest,
    ) -> Result<DeactivateResponse, ApiError> {
        self.deactivate(tenant, request).await
    }

    async fn tenant_status(&self, tenant: &TenantId) -> Result<TenantStatusResponse, ApiError> {
        let (found, now) = self.known_tenant(tenant).await?;
        Ok(TenantStatusResponse {
            tenant_id: tenant.clone(),
            status: current(&found, now).0,
            plan: found.plan.clone(),
            features: found.features.iter().filter(|(_, on)| **on).map(|(name, _)| name.clone()).collect(),
            created_at: found.created_at,
            updated_at: found.updated_at,
        })
    }

    async fn tenant_usage(&self, tenant: &TenantId, month: Month) -> Result<UsageResponse, ApiError> {
        self.monthly_usage(tenant, month).await
    }

    async fn tenant_stats(&self, tenant: &TenantId, period: Period) -> Result<StatsResponse, ApiError> {
        self.stats(tenant, period, Instant::now()).await
    }

    async fn tenant_costs(&self, tenant: &TenantId, period: Period) -> Result<CostsResponse, ApiError> {
        self.costs(tenant, period).await
    }

    async fn top_users(&self, tenant: &TenantId, query: TopUsersQuery) -> Result<TopUsersResponse, ApiError> {
        let (found, now) = self.active_tenant(tenant).await?;
        let days = query.period.ending(found.zone.date(now));
        let users = self.0.store.top_users(tenant, days, query.limit).await?;
        Ok(TopUsersResponse { tenant_id: tenant.clone(), period: query.period, users })
    }

    async fn usage_patterns(&self, tenant: &TenantId, period: Period) -> Result<UsagePatternsResponse, ApiError> {
        let (found, now) = self.active_tenant(tenant).await?;
        let hours = self.0.store.hours(tenant, period.ending(found.zone.date(now))).await?;
        Ok(crate::usage::patterns(tenant, period, found.zone, &hours))
    }

    async fn list_users(&self, tenant: &TenantId, filters: UserFilters) -> Result<UsersListResponse, ApiError> {
        self.users_page(tenant, filters).await
    }

    async fn create_user(
        &self,
        tenant: &TenantId,
        request: CreateUserRequest,
    ) -> Result<CreatedUserResponse, ApiError> {
        self.add_user(tenant, request).await
    }

    async fn user(&self, tenant: &TenantId, user: &UserId) -> Result<UserResponse, ApiError> {
        self.active_tenant(tenant).await?;
        let found = self.0.store.user(tenant, user).await?;
        let (found, usage) = found.ok_or_else(|| ApiError::user_not_found(user))?;
        Ok(found.response(usage))
    }

    async fn update_user(
        &self,
        tenant: &TenantId,
        user: &UserId,
        request: UpdateUserRequest,
    ) -> Result<UserResponse, ApiError> {
        self.change_user(tenant, user, &request).await
    }

    async fn delete_user(&self, tenant: &TenantId, user: &UserId) -> Result<(), ApiError> {
        self.remove_user(tenant, user).await
    }

    /// The SDK's tables hold no resources: every type is an empty list.
    async fn list_resources(&self, tenant: &TenantId, filters: ResourceFilters) -> Result<ResourcesResponse, ApiError> {
        self.active_tenant(tenant).await?;
        Ok(ResourcesResponse::page(tenant, &filters, Vec::new()))
    }

    async fn settings(&self, tenant: &TenantId) -> Result<SettingsResponse, ApiError> {
        let (found, now) = self.active_tenant(tenant).await?;
        Ok(settings_of(&found, now))
    }

    async fn update_settings(
        &self,
        tenant: &TenantId,
        request: UpdateSettingsRequest,
    ) -> Result<SettingsResponse, ApiError> {
        self.change_settings(tenant, request).await
    }

    async fn limits(&self, tenant: &TenantId) -> Result<LimitsResponse, ApiError> {
        self.limits_used(tenant).await
    }
}

/// Which settings differ.
fn changes(before: &Tenant, after: &Tenant) -> String {
    let members = [
        ("features", before.features != after.features),
        ("limits", before.limits != after.limits),
        ("branding", before.branding != after.branding),
        ("timezone", before.zone != after.zone),
    ];
    members.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

fn settings_of(tenant: &Tenant, now: DateTime<Utc>) -> SettingsResponse {
    let term = current(tenant, now).1;
    SettingsResponse {
        tenant_id: tenant.id.clone(),
        config: TenantConfig {
            max_users: tenant.limits.max_users,
            max_storage_mb: tenant.limits.max_storage_mb,
            features: tenant.features.clone(),
            limits: tenant.limits,
            branding: tenant.branding.clone(),
            timezone: tenant.zone,
        },
        subscription: Subscription {
            plan: tenant.plan.clone(),
            start_date: term.start,
            end_date: Some(term.end),
            auto_renew: term.auto_renew,
        },
    }
}

fn contended() -> ApiError {
    ApiError::unavailable("the tenant changed at every try")
}
