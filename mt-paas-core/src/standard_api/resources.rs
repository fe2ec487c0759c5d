//! A service's own things, under the four names that every market knows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{TenantId, UserId};
use crate::wire::wire_enum;

wire_enum! {
    /// What kind of thing a resource is.
    ResourceType {
        /// A course.
        Course = "course",
        /// A discussion.
        Discussion = "discussion",
        /// A document.
        Document = "document",
        /// A session.
        Session = "session",
    }
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resource {
    /// Its id, unique in the tenant over all types.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub resource_type: ResourceType,
    /// The user who made it, if that user still exists.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: Option<DateTime<Utc>>,
    /// Counts such as `participants`, `discussions`, `documents`, `messages`.
    pub stats: Option<BTreeMap<String, u64>>,
}

/// The answer of `GET …/resources`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourcesResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The type that was asked for; `null` for all.
    pub resource_type: Option<ResourceType>,
    /// How many resources match, on all pages.
    pub total: u64,
    /// The limit that was asked for.
    pub limit: u32,
    /// The offset that was asked for.
    pub offset: u64,
    /// The resources of this page.
    pub items: Vec<Resource>,
}

impl ResourcesResponse {
    /// The page of `all` that `filters` ask for: type and search applied, in stable order.
    ///
    /// For services that hold few resources a tenant; others filter in their database.
    pub fn page(tenant: &TenantId, filters: &super::ResourceFilters, mut all: Vec<Resource>) -> Self {
        let search = filters.search.as_deref().map(crate::text::fold);
        all.retain(|item| filters.resource_type.is_none_or(|kind| item.resource_type == kind));
        all.retain(|item| search.as_deref().is_none_or(|text| crate::text::fold(&item.title).contains(text)));
        all.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        let total = all.len() as u64;
        let skip = usize::try_from(filters.page.offset).unwrap_or(usize::MAX);
        let items = all.into_iter().skip(skip).take(filters.page.limit as usize).collect();
        Self {
            tenant_id: tenant.clone(),
            resource_type: filters.resource_type,
            total,
            limit: filters.page.limit,
            offset: filters.page.offset,
            items,
        }
    }
}
