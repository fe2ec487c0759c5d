//! Health and catalogue.

use axum::extract::State;
use mt_paas_core::standard_api::{Catalog, HealthResponse};

use super::Api;
use crate::extract::ContractJson;

/// Whether the service works. Open to everybody.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "Health", security(()), responses(
    (status = 200, description = "How well the service works", body = HealthResponse),
))]
pub(super) async fn health(State(api): State<Api>) -> ContractJson<HealthResponse> {
    ContractJson(api.handler.check_health().await)
}

/// What the service offers and sells.
#[utoipa::path(get, path = "/catalog", operation_id = "catalog", tag = "Health", responses(
    (status = 200, description = "Capabilities and plans", body = Catalog),
))]
pub(super) async fn catalog(State(api): State<Api>) -> ContractJson<Catalog> {
    let mut catalog = api.handler.catalog();
    let added = api.added.iter().filter(|capability| !catalog.capabilities.contains(capability));
    catalog.capabilities.extend(added.copied().collect::<Vec<_>>());
    ContractJson(catalog)
}
