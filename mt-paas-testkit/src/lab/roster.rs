//! The tenants that a run made, and how they are put away.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::Value;

use crate::client::{Answer, Call, Client};
use crate::outcome::Stop;
use crate::route::{activation, farewell};

/// The tenants that a run made or may have made.
pub(crate) struct Roster {
    run_id: String,
    tenants: Mutex<BTreeSet<String>>,
}

impl Roster {
    pub(crate) fn new() -> Self {
        let digits: String =
            (0..8).map(|_| char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[rand::random_range(0..32)])).collect();
        Self { run_id: digits, tenants: Mutex::default() }
    }

    /// The run's name, part of every tenant id and e-mail address that it makes up.
    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Remembers a tenant that is, or may become, the run's own.
    pub(crate) fn note(&self, tenant: &str) {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.to_owned());
    }

    /// Whether the run has made no tenant so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Deactivates every tenant of the run without keeping its data; names those where that did not work.
    pub(crate) async fn put_away(&self, client: &Arc<Client>) -> Vec<String> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ended = stream::iter(tenants).map(|tenant| async move {
            let gone = put_away(client, &tenant).await.unwrap_or(false);
            (!gone).then_some(tenant)
        });
        ended.buffer_unordered(8).filter_map(std::future::ready).collect().await
    }
}

async fn put_away(client: &Arc<Client>, tenant: &str) -> Result<bool, Stop> {
    let first = send(client, tenant, "deactivate", &farewell()).await?;
    if first.at("/data_preserved") != &Value::Bool(true) {
        return Ok(matches!(first.status(), 200 | 404));
    }
    // A second deactivation changes nothing, so data that were kept can only be deleted from an active tenant.
    send(client, tenant, "activate", &activation(tenant)).await?;
    Ok(send(client, tenant, "deactivate", &farewell()).await?.status() == 200)
}

async fn send(client: &Arc<Client>, tenant: &str, verb: &str, body: &Value) -> Result<Answer, Stop> {
    let path = format!("{}/tenant/{tenant}/{verb}", client.target.standard_prefix());
    Call::new(client, Method::POST, path).json(body).await
}
