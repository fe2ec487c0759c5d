//! Figures, put into the contract's words.

use std::time::Instant;

use super::StoreHandler;
use crate::error::ApiError;
use crate::ids::TenantId;
use crate::period::{DateRange, Month, Period};
use crate::standard_api::{
    CostsResponse, HealthBlock, HealthStatus, LimitsResponse, LimitsUsed, StatsResponse, StatsSummary, Trends,
    UsageMetrics, UsageResponse,
};

impl StoreHandler {
    pub(super) async fn stats(
        &self,
        tenant: &TenantId,
        period: Period,
        began: Instant,
    ) -> Result<StatsResponse, ApiError> {
        let (found, now) = self.active_tenant(tenant).await?;
        let days = period.ending(found.zone.date(now));
        let figures = self.0.store.stats(tenant, days, found.zone.start_of(days.first)).await?;
        Ok(StatsResponse {
            tenant_id: tenant.clone(),
            period,
            summary: StatsSummary {
                total_users: figures.total_users,
                active_users: figures.active_users,
                new_users_this_period: figures.new_users,
                total_sessions: figures.sessions,
                total_messages: figures.messages,
                total_tokens: figures.tokens,
                estimated_cost_usd: figures.cost,
            },
            trends: Trends { daily: figures.daily.clone() },
            health: HealthBlock {
                status: HealthStatus::Healthy,
                last_check: now,
                response_time_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            },
        })
    }

    pub(super) async fn costs(&self, tenant: &TenantId, period: Period) -> Result<CostsResponse, ApiError> {
        let (found, now) = self.active_tenant(tenant).await?;
        let figures = self.0.store.costs(tenant, period.ending(found.zone.date(now))).await?;
        Ok(CostsResponse {
            tenant_id: tenant.clone(),
            period,
            total_cost_usd: figures.by_model.iter().map(|model| model.cost_usd).sum(),
            by_model: figures.by_model,
            by_user_top10: figures.top_users,
            daily_trend: figures.daily,
            unpriced_models: figures.unpriced_models,
        })
    }

    pub(super) async fn monthly_usage(&self, tenant: &TenantId, month: Month) -> Result<UsageResponse, ApiError> {
        self.known_tenant(tenant).await?;
        let figures = self.0.store.usage(tenant, month.days()).await?;
        let usage = UsageMetrics {
            active_users: figures.active_users,
            total_sessions: figures.sessions,
            api_calls: figures.events,
            ai_tokens: figures.tokens,
            storage_mb: mebibytes(figures.storage_bytes),
            ..UsageMetrics::default()
        };
        Ok(UsageResponse { tenant_id: tenant.clone(), period: month, usage })
    }

    pub(super) async fn limits_used(&self, tenant: &TenantId) -> Result<LimitsResponse, ApiError> {
        let (found, now) = self.active_tenant(tenant).await?;
        let today = found.zone.date(now);
        let store = &self.0.store;
        let day = store.usage(tenant, DateRange { first: today, last: today }).await?;
        let month = store.usage(tenant, Month::of(today).days()).await?;
        let used = LimitsUsed {
            users: store.count_users(tenant).await?,
            storage_mb: mebibytes(store.storage_bytes(tenant, today).await?),
            daily_tokens: day.tokens,
            monthly_tokens: month.tokens,
        };
        Ok(LimitsResponse { tenant_id: tenant.clone(), limits: found.limits, used })
    }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
