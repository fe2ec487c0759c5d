//! The way in: a service tells what was used.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::{LedgerEntry, PriceList, Recorded};
use crate::clock::{Clock, SystemClock};
use crate::error::{ApiError, FieldError};
use crate::ids::{TenantId, UserId};
use crate::money::NanoUsd;
use crate::store::Store;
use crate::text;

/// Something that a tenant used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageEvent {
    /// Chosen by the service, unique in the tenant, 1 to 128 characters: recording it twice counts once.
    pub id: String,
    /// The tenant.
    pub tenant: TenantId,
    /// Who caused it; nobody for work of the service itself.
    pub user: Option<UserId>,
    /// The session that it belongs to.
    pub session: Option<String>,
    /// Messages exchanged, at most a million.
    pub messages: u64,
    /// The model that did the work. Tokens need one.
    pub model: Option<String>,
    /// Tokens sent to the model, at most a thousand million.
    pub input_tokens: u64,
    /// Tokens that came back, at most a thousand million.
    pub output_tokens: u64,
    /// What the tenant stores after it, in bytes; `None` if that did not change.
    pub storage_bytes: Option<u64>,
    /// When it happened; not more than a day ahead.
    pub at: DateTime<Utc>,
}

impl UsageEvent {
    /// An event that is a call and nothing more, to be filled in.
    pub fn new(id: impl Into<String>, tenant: TenantId, at: DateTime<Utc>) -> Self {
        Self {
            id: id.into(),
            tenant,
            user: None,
            session: None,
            messages: 0,
            model: None,
            input_tokens: 0,
            output_tokens: 0,
            storage_bytes: None,
            at,
        }
    }
}

/// Records usage: prices each event once and hands it to the store.
#[derive(Clone)]
pub struct Usage {
    store: Arc<dyn Store>,
    prices: Arc<PriceList>,
    clock: Arc<dyn Clock>,
}

impl Usage {
    /// Records into `store` at the prices of `prices`.
    pub fn new(store: Arc<dyn Store>, prices: Arc<PriceList>) -> Self {
        Self { store, prices, clock: Arc::new(SystemClock) }
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Records one event. `false`: it was known before.
    ///
    /// # Errors
    ///
    /// As [`record_many`](Self::record_many).
    pub async fn record(&self, event: UsageEvent) -> Result<bool, ApiError> {
        Ok(self.record_many([event]).await?.new == 1)
    }

    /// Records events, those of one tenant in one transaction. After a failure the whole batch can be sent again.
    ///
    /// # Errors
    ///
    /// [`Invalid`](crate::ErrorKind::Invalid) naming every faulty member, with nothing recorded;
    /// [`TenantNotFound`](crate::ErrorKind::TenantNotFound); [`Unavailable`](crate::ErrorKind::Unavailable).
    pub async fn record_many(&self, events: impl IntoIterator<Item = UsageEvent>) -> Result<Recorded, ApiError> {
        let events: Vec<UsageEvent> = events.into_iter().collect();
        let latest = self.clock.now() + TimeDelta::days(1);
        let faults: Vec<FieldError> =
            events.iter().enumerate().flat_map(|(index, event)| faults(index, event, latest)).collect();
        if !faults.is_empty() {
            return Err(ApiError::invalid_fields(faults));
        }
        let mut by_tenant: BTreeMap<TenantId, Vec<LedgerEntry>> = BTreeMap::new();
        for event in events {
            let (tenant, entry) = self.priced(event);
            by_tenant.entry(tenant).or_default().push(entry);
        }
        let mut recorded = Recorded::default();
        for (tenant, entries) in by_tenant {
            let found = self.store.record_usage(&tenant, &entries).await?;
            let batch = found.ok_or_else(|| ApiError::tenant_not_found(&tenant))?;
            recorded.new += batch.new;
            recorded.repeated += batch.repeated;
        }
        Ok(recorded)
    }

    fn priced(&self, event: UsageEvent) -> (TenantId, LedgerEntry) {
        let cost = match &event.model {
            Some(model) => self.prices.cost(model, event.at.date_naive(), event.input_tokens, event.output_tokens),
            None => Some(NanoUsd::ZERO),
        };
        let entry = LedgerEntry {
            id: event.id,
            at: event.at.trunc_subsecs(6),
            user: event.user,
            session: event.session,
            messages: event.messages,
            model: event.model,
            input_tokens: event.input_tokens,
            output_tokens: event.output_tokens,
            storage_bytes: event.storage_bytes,
            cost,
        };
        (event.tenant, entry)
    }
}

fn faults(index: usize, event: &UsageEvent, latest: DateTime<Utc>) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut check = |name: &str, good: bool, message: &str| {
        if !good {
            let loc = ["events", &index.to_string(), name].map(ToOwned::to_owned).to_vec();
            faults.push(FieldError { loc, message: message.to_owned() });
        }
    };
    let name = |text: &str| (1..=128).contains(&text.len()) && text::forbidden_control(text).is_none();
    check("id", name(&event.id), "must be 1 to 128 bytes without control characters");
    let session = event.session.as_deref().is_none_or(name);
    check("session", session, "must be 1 to 128 bytes without control characters");
    let model = event.model.as_deref().is_none_or(name);
    check("model", model, "must be 1 to 128 bytes without control characters");
    check(
        "model",
        event.model.is_some() || (event.input_tokens == 0 && event.output_tokens == 0),
        "is required with tokens",
    );
    check("messages", event.messages <= 1_000_000, "must be at most 1000000");
    check("input_tokens", event.input_tokens <= 1_000_000_000, "must be at most 1000000000");
    check("output_tokens", event.output_tokens <= 1_000_000_000, "must be at most 1000000000");
    let storage = event.storage_bytes.is_none_or(|bytes| bytes < 1 << 62);
    check("storage_bytes", storage, "must be less than 2^62");
    check("at", event.at <= latest && event.at.timestamp() >= 0, "must be after 1970 and at most a day ahead");
    faults
}
