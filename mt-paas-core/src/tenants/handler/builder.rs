//! How a ready-made handler is put together.

use std::sync::Arc;

use chrono::TimeDelta;
use url::Url;

use super::super::TenantHooks;
use super::{Inner, PATIENCE, StoreHandler};
use crate::auth::Accounts;
use crate::clock::{Clock, SystemClock};
use crate::standard_api::Plan;
use crate::store::Store;
use crate::turns::Turns;
use crate::usage::PriceList;

/// The optional parts of a [`StoreHandler`].
pub struct StoreHandlerBuilder(Inner);

/// The handler cannot be built from what was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHandler {
    /// The public address is not an absolute http or https address.
    #[error("the public address '{0}' is not an absolute http or https address")]
    PublicUrl(String),
    /// Preserved data must be kept for a while.
    #[error("the retention of preserved data must be at least a day")]
    Retention,
}

impl StoreHandlerBuilder {
    pub(super) fn new(store: Arc<dyn Store>, service: String, version: String) -> Self {
        Self(Inner {
            store,
            clock: Arc::new(SystemClock),
            hooks: None,
            accounts: None,
            turns: Turns::new(1, PATIENCE),
            instance: uuid::Uuid::new_v4(),
            prices: Arc::new(PriceList::default()),
            service,
            version,
            plans: Vec::new(),
            public_url: "http://127.0.0.1:8000".to_owned(),
            retention: TimeDelta::days(90),
        })
    }

    /// Where people reach the service, without a path; tenants are below it at `/t/{tenant}`.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.0.public_url = url.into();
        self
    }

    /// The plans of the catalogue.
    #[must_use]
    pub fn plans(mut self, plans: Vec<Plan>) -> Self {
        self.0.plans = plans;
        self
    }

    /// What the service does around activation and deactivation.
    #[must_use]
    pub fn hooks(mut self, hooks: impl TenantHooks) -> Self {
        self.0.hooks = Some(Arc::new(hooks));
        self
    }

    /// Lets the users that a market adds log in: they are sent a link by which they set their password, and a password
    /// that came with them has to be changed first. Without this, passwords are looked at and dropped.
    #[must_use]
    pub fn accounts(mut self, accounts: Accounts) -> Self {
        self.0.accounts = Some(accounts);
        self
    }

    /// What tokens cost, instead of the built-in list.
    #[must_use]
    pub fn prices(mut self, prices: PriceList) -> Self {
        self.0.prices = Arc::new(prices);
        self
    }

    /// How long preserved data of a closed tenant is promised to stay, instead of 90 days.
    #[must_use]
    pub fn retention(mut self, retention: TimeDelta) -> Self {
        self.0.retention = retention;
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.0.clock = clock;
        self
    }

    /// The handler.
    ///
    /// # Errors
    ///
    /// [`InvalidHandler`] names the part that cannot be used.
    pub fn build(mut self) -> Result<StoreHandler, InvalidHandler> {
        let url = Url::parse(&self.0.public_url).ok();
        if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(InvalidHandler::PublicUrl(self.0.public_url));
        }
        if self.0.retention < TimeDelta::days(1) {
            return Err(InvalidHandler::Retention);
        }
        self.0.public_url.truncate(self.0.public_url.trim_end_matches('/').len());
        Ok(StoreHandler(Arc::new(self.0)))
    }
}
