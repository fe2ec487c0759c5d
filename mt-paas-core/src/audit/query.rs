//! Which entries are asked for.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::action::Action;
use super::event::{ActorKind, Outcome};
use super::line::Line;
use super::row::AuditEntry;
use crate::fields::{Fields, FromFields, digits, parsed, text};
use crate::ids::TenantId;

/// Filters, which combine with *and*, and a part of what they leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only by this kind of actor.
    pub actor_kind: Option<ActorKind>,
    /// Only by the actor with this name.
    pub actor: Option<Line>,
    /// Only this action.
    pub action: Option<Action>,
    /// Only to things of this kind.
    pub target_kind: Option<Line>,
    /// Only to the thing with this id.
    pub target: Option<Line>,
    /// Only with this outcome.
    pub outcome: Option<Outcome>,
    /// Only of this request.
    pub request_id: Option<Line>,
    /// Only from this moment on.
    pub from: Option<DateTime<Utc>>,
    /// Only before this moment.
    pub until: Option<DateTime<Utc>>,
    /// Only entries that hold this text, as it is written, in the action, the reason, the actor, the target or a detail.
    pub text: Option<Line>,
    /// Only what comes behind this entry.
    pub after: Option<AuditCursor>,
    /// At most so many.
    pub limit: u32,
}

/// A place among the entries, for the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditCursor {
    /// The time of the last entry, in microseconds since 1970.
    pub at: i64,
    /// Its event's id.
    pub id: Uuid,
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the cursor of an earlier answer")]
pub struct InvalidCursor;

impl AuditQuery {
    /// How many entries a page has unless something else is said.
    pub const PAGE: u32 = 50;
    /// The most that one page can be asked to have.
    pub const MAX_PAGE: u32 = 1000;

    /// Whether an entry is asked for, wherever the part begins and ends. What a database does must agree with it.
    pub fn matches(&self, entry: &AuditEntry) -> bool {
        let raw = entry.raw();
        let event = &entry.event;
        let same =
            |asked: &Option<Line>, found: &Option<String>| asked.is_none() || asked.as_deref() == found.as_deref();
        let texts =
            [Some(&raw.action), raw.reason.as_ref(), raw.actor_id.as_ref(), raw.target_id.as_ref(), Some(&raw.details)];
        (self.tenant.is_none() || self.tenant == event.tenant)
            && self.actor_kind.is_none_or(|kind| kind == event.actor.kind)
            && same(&self.actor, &raw.actor_id)
            && self.action.as_ref().is_none_or(|action| *action == event.action)
            && same(&self.target_kind, &raw.target_kind)
            && same(&self.target, &raw.target_id)
            && self.outcome.is_none_or(|outcome| outcome == event.outcome)
            && same(&self.request_id, &raw.request_id)
            && self.from.is_none_or(|from| event.at >= from)
            && self.until.is_none_or(|until| event.at < until)
            && self.text.as_deref().is_none_or(|text| texts.into_iter().flatten().any(|found| found.contains(text)))
    }
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self {
            tenant: None,
            actor_kind: None,
            actor: None,
            action: None,
            target_kind: None,
            target: None,
            outcome: None,
            request_id: None,
            from: None,
            until: None,
            text: None,
            after: None,
            limit: Self::PAGE,
        }
    }
}

impl FromFields for AuditQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let tenant = fields.optional("tenant_id", console);
        let actor_kind = fields.optional("actor_kind", parsed);
        let actor = fields.optional("actor", line);
        let action = fields.optional("action", parsed);
        let target_kind = fields.optional("target_kind", line);
        let target = fields.optional("target", line);
        let outcome = fields.optional("outcome", parsed);
        let request_id = fields.optional("request_id", line);
        let from = fields.optional("from", parsed);
        let until = fields.optional("until", parsed);
        let words = fields.optional("text", line);
        let after = fields.optional("cursor", parsed);
        let limit = fields.or("limit", Self::PAGE.into(), digits(1, Self::MAX_PAGE.into()));
        Some(Self {
            tenant: tenant?,
            actor_kind: actor_kind?,
            actor: actor?,
            action: action?,
            target_kind: target_kind?,
            target: target?,
            outcome: outcome?,
            request_id: request_id?,
            from: from?,
            until: until?,
            text: words?,
            after: after?,
            limit: u32::try_from(limit?).ok()?,
        })
    }
}

/// A market's tenant, or the operators'.
fn console(value: &Value) -> Result<TenantId, String> {
    TenantId::of_console(&parsed::<String>(value)?).map_err(|error| error.to_string())
}

/// Text as it stands in entries.
fn line(value: &Value) -> Result<Line, String> {
    text(1, Line::MAX)(value).map(Line::from)
}

impl From<&AuditEntry> for AuditCursor {
    fn from(entry: &AuditEntry) -> Self {
        Self { at: entry.event.at.timestamp_micros(), id: entry.event.id }
    }
}

impl fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.at, self.id.simple())
    }
}

impl FromStr for AuditCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (at, id) = text.split_once('_').ok_or(InvalidCursor)?;
        Ok(Self { at: at.parse().map_err(|_| InvalidCursor)?, id: id.parse().map_err(|_| InvalidCursor)? })
    }
}
