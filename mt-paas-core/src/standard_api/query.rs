//! What a list or dashboard is asked for.

use serde::Serialize;

use super::resources::ResourceType;
use super::users::{Role, UserStatus};
use crate::fields::{Fields, FromFields, digits, parsed, text};
use crate::period::Period;

/// Which part of a list: `limit` 1 to 100 (default 20), `offset` from 0. Out of range is an error, never clamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Page {
    /// At most so many rows.
    pub limit: u32,
    /// Rows to skip.
    pub offset: u64,
}

/// The filters of `GET …/users`; two filters combine with *and*.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilters {
    /// Only users of this role.
    pub role: Option<Role>,
    /// Only users of this status.
    pub status: Option<UserStatus>,
    /// Only users whose name or e-mail address holds this text.
    pub search: Option<String>,
    /// Which part of the list.
    pub page: Page,
}

/// The filters of `GET …/resources`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceFilters {
    /// Only resources of this type; all types if missing.
    pub resource_type: Option<ResourceType>,
    /// Only resources whose title holds this text.
    pub search: Option<String>,
    /// Which part of the list.
    pub page: Page,
}

/// The parameters of `GET …/stats/top-users`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopUsersQuery {
    /// The days that count.
    pub period: Period,
    /// At most so many users, 1 to 50 (default 10).
    pub limit: u32,
}

/// The parameter of the other dashboard routes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeriodQuery {
    /// The days that count.
    pub period: Period,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 20, offset: 0 }
    }
}

impl FromFields for Page {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let limit = fields.or("limit", 20, digits(1, 100));
        // The stores count rows in signed 64-bit numbers.
        let offset = fields.or("offset", 0, digits(0, i64::MAX.unsigned_abs()));
        Some(Self { limit: u32::try_from(limit?).ok()?, offset: offset? })
    }
}

impl FromFields for UserFilters {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let role = fields.optional("role", parsed);
        let status = fields.optional("status", parsed);
        let search = search(fields);
        let page = Page::from_fields(fields);
        Some(Self { role: role?, status: status?, search: search?, page: page? })
    }
}

impl FromFields for ResourceFilters {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let resource_type = fields.optional("type", parsed);
        let search = search(fields);
        let page = Page::from_fields(fields);
        Some(Self { resource_type: resource_type?, search: search?, page: page? })
    }
}

impl FromFields for PeriodQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { period: fields.or("period", Period::default(), parsed)? })
    }
}

impl FromFields for TopUsersQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let period = fields.or("period", Period::default(), parsed);
        let limit = fields.or("limit", 10, digits(1, 50));
        Some(Self { period: period?, limit: u32::try_from(limit?).ok()? })
    }
}

/// An empty search finds everything, as an empty search box does.
fn search(fields: &mut Fields<'_>) -> Option<Option<String>> {
    fields.optional("search", text(0, 1000)).map(|search| search.filter(|text| !text.is_empty()))
}
