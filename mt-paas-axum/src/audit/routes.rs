//! The trail for administrators: pages of it, and all of it as a file.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, stream};
use http::header;
use mt_paas_core::audit::{
    ActorKind, AuditCursor, AuditEntry, AuditQuery, AuditStore, CSV_HEADER, Outcome, action, csv_line, json_line,
};
use mt_paas_core::fields::{Fields, FromFields, parsed};
use mt_paas_core::store::StoreError;
use mt_paas_core::{ApiError, TenantId};
use serde::Serialize;
use utoipa::openapi::OpenApiBuilder;
use utoipa::openapi::tag::TagBuilder;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Trail;
use crate::auth::{InvalidMarketKeys, MarketKeys};
use crate::error::Problem;
use crate::extract::{ContractJson, ContractQuery};
use crate::key_pool::behind_admin_key;
use crate::key_pool::refusals::{QueryRefusals, Refusals};
use crate::standard_api::mount;

/// Where the routes begin.
pub const PREFIX: &str = "/admin/audit";

/// How many entries are read at once for a file.
const CHUNK: u32 = 500;

/// The routes for administrators, with their description; for
/// [`StandardApiBuilder::routes`](crate::standard_api::StandardApiBuilder::routes). They are opened by the same keys as
/// those of a key pool.
///
/// # Errors
///
/// [`InvalidMarketKeys::None`] without a key.
pub fn audit_routes(store: Arc<dyn AuditStore>, keys: MarketKeys) -> Result<OpenApiRouter, InvalidMarketKeys> {
    let mut described = OpenApiBuilder::new().tags(Some([TagBuilder::new().name("Audit trail").build()])).build();
    let table = vec![routes!(list), routes!(export)];
    let router = mount(table, PREFIX, &mut described).with_state(Trail::new(store.clone()));
    behind_admin_key(router, described, store, keys)
}

/// An entry of the trail.
#[derive(Serialize, ToSchema)]
pub(super) struct Entry {
    id: String,
    at: DateTime<Utc>,
    /// The tenant that it is about, if it is about one.
    tenant_id: Option<TenantId>,
    actor: EntryActor,
    /// Such as `user.create`.
    action: String,
    target: Option<EntryTarget>,
    outcome: Outcome,
    /// Why, as a short code.
    reason: Option<String>,
    request_id: Option<String>,
    #[schema(value_type = Option<String>)]
    address: Option<IpAddr>,
    details: BTreeMap<String, String>,
    /// The chain that it stands in.
    writer: String,
    /// Its place there.
    seq: u64,
    /// SHA-256 of the entry and, through it, of all before it.
    hash: String,
}

/// Who acted.
#[derive(Serialize, ToSchema)]
pub(super) struct EntryActor {
    kind: ActorKind,
    /// The name of an account, or the name or fingerprint of a key.
    id: Option<String>,
}

/// What was acted on.
#[derive(Serialize, ToSchema)]
pub(super) struct EntryTarget {
    kind: String,
    id: String,
}

/// A page of entries.
#[derive(Serialize, ToSchema)]
pub(super) struct EntryPage {
    /// The newest first.
    entries: Vec<Entry>,
    /// The `cursor` of the next page; `null` on the last one.
    next_cursor: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; core reads them")]
struct FilterParams {
    /// A tenant, or `_operators` for those who run the service.
    #[param(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    actor_kind: Option<ActorKind>,
    /// The name of the actor.
    #[param(min_length = 1, max_length = 256)]
    actor: Option<String>,
    /// Such as `user.create`.
    #[param(pattern = "^[a-z0-9._-]{1,64}$")]
    action: Option<String>,
    #[param(min_length = 1, max_length = 256)]
    target_kind: Option<String>,
    /// The id of the target.
    #[param(min_length = 1, max_length = 256)]
    target: Option<String>,
    outcome: Option<Outcome>,
    #[param(min_length = 1, max_length = 256)]
    request_id: Option<String>,
    /// From this moment on.
    from: Option<DateTime<Utc>>,
    /// Before this moment.
    until: Option<DateTime<Utc>>,
    /// Stands, as it is written here, in the action, the reason, the actor, the target or a detail.
    #[param(min_length = 1, max_length = 256)]
    text: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameter; core reads it")]
struct LimitParam {
    /// Entries on a page.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameter; the extractor reads it")]
struct FormatParam {
    /// `jsonl` (a JSON object a line) or `csv`.
    #[param(pattern = "^(jsonl|csv)$", default = "jsonl")]
    format: Option<String>,
}

/// Entries of the audit trail.
#[utoipa::path(get, path = "", operation_id = "audit_entries", tag = "Audit trail", security(("adminKey" = [])),
    params(FilterParams, LimitParam),
    responses((status = 200, description = "One page, the newest first", body = EntryPage), Refusals, QueryRefusals))]
async fn list(
    State(trail): State<Trail>,
    ContractQuery(query): ContractQuery<AuditQuery>,
) -> Result<ContractJson<EntryPage>, Problem> {
    let entries = trail.store().audit_entries(&query).await.map_err(ApiError::from)?;
    let full = entries.len() >= query.limit as usize;
    let next = entries.last().filter(|_| full).map(|last| AuditCursor::from(last).to_string());
    Ok(ContractJson(EntryPage { entries: entries.into_iter().map(Entry::from).collect(), next_cursor: next }))
}

/// The audit trail as a file, the newest entry first. That it was exported is written into it before.
#[utoipa::path(get, path = "/export", operation_id = "export_audit", tag = "Audit trail", security(("adminKey" = [])),
    params(FilterParams, FormatParam),
    responses((status = 200, description = "The entries, a line each", body = String, content_type = "application/jsonl"),
        Refusals, QueryRefusals))]
async fn export(
    State(trail): State<Trail>,
    ContractQuery(Export { format, query }): ContractQuery<Export>,
) -> Result<Response, Problem> {
    trail.done(trail.event(action::AUDIT_EXPORT).detail("format", format.name())).await?;
    // Before the answer begins, so that a store that is away is told as what it is.
    let first = trail.store().audit_entries(&query).await.map_err(ApiError::from)?;
    let file = format!("attachment; filename=\"audit.{}\"", format.name());
    let headers = [(header::CONTENT_TYPE, format.content_type().to_owned()), (header::CONTENT_DISPOSITION, file)];
    Ok((headers, Body::from_stream(lines(trail, format, query, first))).into_response())
}

/// What is exported, and how.
struct Export {
    format: Format,
    query: AuditQuery,
}

#[derive(Clone, Copy)]
enum Format {
    Jsonl,
    Csv,
}

/// Page by page; a store that fails in the middle breaks the answer off.
fn lines(
    trail: Trail,
    format: Format,
    query: AuditQuery,
    first: Vec<AuditEntry>,
) -> impl Stream<Item = Result<Bytes, StoreError>> {
    stream::unfold(Some((Some(first), query)), move |state| {
        let trail = trail.clone();
        async move {
            let (read, mut query) = state?;
            let begins = read.is_some();
            let page = match read {
                Some(first) => first,
                None => match trail.store().audit_entries(&query).await {
                    Ok(page) => page,
                    Err(error) => return Some((Err(error), None)),
                },
            };
            let mut text = if begins { format.head().to_owned() } else { String::new() };
            page.iter().for_each(|entry| text.push_str(&format.line(entry)));
            let next = page.last().filter(|_| page.len() >= CHUNK as usize).map(|last| {
                query.after = Some(last.into());
                (None, query)
            });
            Some((Ok(Bytes::from(text)), next))
        }
    })
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Jsonl => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::Jsonl => "",
            Self::Csv => CSV_HEADER,
        }
    }

    fn line(self, entry: &AuditEntry) -> String {
        match self {
            Self::Jsonl => json_line(entry),
            Self::Csv => csv_line(entry),
        }
    }
}

impl std::str::FromStr for Format {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, &'static str> {
        match name {
            "jsonl" => Ok(Self::Jsonl),
            "csv" => Ok(Self::Csv),
            _ => Err("must be jsonl or csv"),
        }
    }
}

impl FromFields for Export {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let format = fields.or("format", Format::Jsonl, parsed);
        let query = AuditQuery::from_fields(fields);
        Some(Self { format: format?, query: AuditQuery { limit: CHUNK, ..query? } })
    }
}

impl From<AuditEntry> for Entry {
    fn from(entry: AuditEntry) -> Self {
        fn text(line: &impl Display) -> String {
            line.to_string()
        }
        let event = entry.event;
        Self {
            id: event.id.to_string(),
            at: event.at,
            tenant_id: event.tenant,
            actor: EntryActor { kind: event.actor.kind, id: event.actor.id.as_ref().map(text) },
            action: event.action.to_string(),
            target: event.target.map(|target| EntryTarget { kind: text(&target.kind), id: text(&target.id) }),
            outcome: event.outcome,
            reason: event.reason.as_ref().map(text),
            request_id: event.request_id.as_ref().map(text),
            address: event.address,
            details: event.details.iter().map(|(name, value)| (text(name), text(value))).collect(),
            writer: entry.writer.to_string(),
            seq: entry.seq,
            hash: entry.hash.to_string(),
        }
    }
}
