//! The fault that answers for tenants who do not exist.

use std::collections::BTreeMap;

use serde_json::Map;

use super::reply::Outcome;
use super::routes::Spot;
use super::world::{Order, Room};

impl Room<'_> {
    /// Reads an unknown tenant as one without any data.
    pub(super) fn pretend(&mut self, spot: &Spot, alias: bool) -> Outcome {
        let id = spot.tenant.as_str();
        if self.world.tenants.contains_key(id) {
            return self.run(spot, alias);
        }
        self.carry_out(&nobodys(id))?;
        if let Some(tenant) = self.world.tenants.get_mut(id) {
            tenant.users.clear();
            tenant.items.clear();
            tenant.events.clear();
        }
        let outcome = self.run(spot, alias);
        self.world.tenants.remove(id);
        outcome
    }
}

/// An order that nobody placed.
pub(super) fn nobodys(id: &str) -> Order {
    let unknown = || "unknown".to_owned();
    Order {
        tenant_id: id.to_owned(),
        name: unknown(),
        plan: unknown(),
        features: Default::default(),
        contact_email: unknown(),
        contact_name: unknown(),
        limits: BTreeMap::new(),
        branding: Map::new(),
        zone: chrono_tz::UTC,
    }
}
