//! What tenants use: events, their prices, and the roll-ups that every figure is read from.

mod figures;
mod prices;
mod record;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

pub use figures::{Calendar, CalendarHour, Counter, RowKey, RowSums, patterns};
pub use prices::{InvalidPrices, ModelPrice, PriceList};
pub use record::{Usage, UsageEvent};

use crate::ids::{TenantId, UserId};
use crate::money::NanoUsd;
use crate::period::DateRange;
use crate::standard_api::{DailyCost, DailyTrend, ModelCost, TopUser, UserCost};
use crate::store::StoreError;

/// A usage event with its price, as the append-only ledger holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Unique in the tenant; the same id counts once.
    pub id: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who caused it; nobody for work of the service itself.
    pub user: Option<UserId>,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// Messages exchanged.
    pub messages: u64,
    /// The model that did the work.
    pub model: Option<String>,
    /// Tokens sent to the model.
    pub input_tokens: u64,
    /// Tokens that came back.
    pub output_tokens: u64,
    /// What the tenant stores after it, in bytes; `None` if that did not change.
    pub storage_bytes: Option<u64>,
    /// What it cost, rounded once. `None`: the model's price is not known.
    pub cost: Option<NanoUsd>,
}

impl LedgerEntry {
    /// Input and output tokens.
    pub fn tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

/// How many events of a batch were new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Counted now.
    pub new: u64,
    /// Known before, or twice in the batch; counted once.
    pub repeated: u64,
}

/// The figures of `stats` over some days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatsFigures {
    /// Users that exist.
    pub total_users: u64,
    /// Of these, the ones that used the service in the window.
    pub active_users: u64,
    /// Of these, the ones made at or after the window's first moment.
    pub new_users: u64,
    /// Sessions that began in the window.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
    /// Input and output tokens.
    pub tokens: u64,
    /// Cost of the priced events.
    pub cost: NanoUsd,
    /// Newest first.
    pub daily: Vec<DailyTrend>,
}

/// The figures of `costs` over some days, all of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CostFigures {
    /// Priced events with a model, dearest first, then by name.
    pub by_model: Vec<ModelCost>,
    /// Users that exist, dearest first, then by id, at most ten; users that cost nothing are left out.
    pub top_users: Vec<UserCost>,
    /// Newest first.
    pub daily: Vec<DailyCost>,
    /// Models of events without a price, by name.
    pub unpriced_models: Vec<String>,
}

/// The figures of a month or a day, of everyone who was there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageFigures {
    /// Everyone who was active, also users that are gone.
    pub active_users: u64,
    /// Sessions that began in the window.
    pub sessions: u64,
    /// Events.
    pub events: u64,
    /// Input and output tokens.
    pub tokens: u64,
    /// The last storage gauge of the window, in bytes.
    pub storage_bytes: u64,
}

/// Where the roll-ups of a tenant differ from its ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The roll-up and its row: `daily 2026-01-29 u_1 gpt-4`.
    pub row: String,
    /// What the ledger says.
    pub ledger: String,
    /// What the roll-up says.
    pub rollup: String,
}

/// Keeps usage: an append-only ledger and roll-ups by the tenant's calendar, written in one transaction. Figures are
/// read from roll-ups only. A session counts once, in the day and hour of its first event (by time, then id), and for
/// that event's user and model.
#[async_trait]
pub trait UsageStore: Send + Sync + 'static {
    /// Adds events to ledger and roll-ups. `None`: there is no such tenant.
    async fn record_usage(&self, tenant: &TenantId, entries: &[LedgerEntry]) -> Result<Option<Recorded>, StoreError>;

    /// The figures of `stats`; users made at or after `new_since` are new.
    async fn stats(
        &self,
        tenant: &TenantId,
        days: DateRange,
        new_since: DateTime<Utc>,
    ) -> Result<Arc<StatsFigures>, StoreError>;

    /// The figures of `costs`.
    async fn costs(&self, tenant: &TenantId, days: DateRange) -> Result<CostFigures, StoreError>;

    /// The `limit` users that exist and have most tokens, then most messages, then by id; users without usage are
    /// left out.
    async fn top_users(&self, tenant: &TenantId, days: DateRange, limit: u32) -> Result<Vec<TopUser>, StoreError>;

    /// Figures by hour of the tenant's calendar, in order; hours without usage are left out.
    async fn hours(&self, tenant: &TenantId, days: DateRange) -> Result<Vec<CalendarHour>, StoreError>;

    /// The figures of `usage`.
    async fn usage(&self, tenant: &TenantId, days: DateRange) -> Result<UsageFigures, StoreError>;

    /// The last storage gauge at or before `day`, in bytes.
    async fn storage_bytes(&self, tenant: &TenantId, day: NaiveDate) -> Result<u64, StoreError>;

    /// Counts the tenant's ledger again and says where the roll-ups differ; with `repair` the roll-ups are replaced in
    /// the same transaction.
    async fn audit_usage(&self, tenant: &TenantId, repair: bool) -> Result<Vec<Difference>, StoreError>;
}
