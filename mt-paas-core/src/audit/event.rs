//! What an entry says.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::action::Action;
use super::line::Line;
use crate::ids::TenantId;
use crate::wire::wire_enum;

/// How many details an event has at most; further ones are left out.
pub const MAX_DETAILS: usize = 16;

wire_enum! {
    /// Who acts.
    ActorKind {
        /// Who runs the service, by an account or an administrator's key.
        Operator = "operator",
        /// A user of a tenant.
        User = "user",
        /// A program, by a key that the service gave it.
        ClientKey = "client_key",
        /// A marketplace, by its key.
        MarketKey = "market_key",
        /// The service itself.
        System = "system",
        /// Somebody who showed no valid key or session.
        Anonymous = "anonymous",
    }
}

wire_enum! {
    /// What came of it.
    Outcome {
        /// It is about to be tried. What came of it is told by another entry with the same request id; if there is none,
        /// the process ended in the middle.
        Begun = "begun",
        /// It was done.
        Done = "done",
        /// It was not allowed or not possible, and changed nothing.
        Refused = "refused",
        /// It went wrong.
        Failed = "failed",
    }
}

/// Somebody who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// What kind of somebody.
    pub kind: ActorKind,
    /// The name of the account, or the name or fingerprint of the key; never what it is made of.
    pub id: Option<Line>,
}

/// What is acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The kind of thing, such as `user`.
    pub kind: Line,
    /// Which one.
    pub id: Line,
}

/// One thing that was done, or tried.
///
/// Whoever makes one sees to it that no text of it is a secret. [`Secret`](crate::Secret) is no text, so that this takes
/// some trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its own.
    pub id: Uuid,
    /// When, in whole microseconds.
    pub at: DateTime<Utc>,
    /// The tenant that it is about, if it is about one.
    pub tenant: Option<TenantId>,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To what.
    pub target: Option<Target>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, as a short code.
    pub reason: Option<Line>,
    /// The request that it was part of.
    pub request_id: Option<Line>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    /// What else is to be known.
    pub details: BTreeMap<Line, Line>,
}

impl Actor {
    /// The service itself.
    pub const SYSTEM: Self = Self { kind: ActorKind::System, id: None };
    /// Nobody knows who.
    pub const ANONYMOUS: Self = Self { kind: ActorKind::Anonymous, id: None };

    /// Somebody with a name.
    pub fn new(kind: ActorKind, id: impl Into<Line>) -> Self {
        Self { kind, id: Some(id.into()) }
    }
}

impl AuditEvent {
    /// Something that somebody has done at `at`, of no tenant.
    pub fn new(actor: Actor, action: Action, at: DateTime<Utc>) -> Self {
        Self {
            id: Uuid::now_v7(),
            at: at.trunc_subsecs(6),
            tenant: None,
            actor,
            action,
            target: None,
            outcome: Outcome::Done,
            reason: None,
            request_id: None,
            address: None,
            details: BTreeMap::new(),
        }
    }

    /// Of a tenant.
    #[must_use]
    pub fn of(mut self, tenant: &TenantId) -> Self {
        self.tenant = Some(tenant.clone());
        self
    }

    /// To a thing of a kind.
    #[must_use]
    pub fn on(mut self, kind: impl Into<Line>, id: impl Into<Line>) -> Self {
        self.target = Some(Target { kind: kind.into(), id: id.into() });
        self
    }

    /// With this end, for a reason that is a short code.
    #[must_use]
    pub fn with(mut self, outcome: Outcome, reason: impl Into<Line>) -> Self {
        (self.outcome, self.reason) = (outcome, Some(reason.into()));
        self
    }

    /// About to be tried.
    #[must_use]
    pub fn begun(mut self) -> Self {
        (self.outcome, self.reason) = (Outcome::Begun, None);
        self
    }

    /// With one more detail, unless there are [`MAX_DETAILS`].
    #[must_use]
    pub fn detail(mut self, name: impl Into<Line>, value: impl Into<Line>) -> Self {
        let name = name.into();
        if self.details.len() < MAX_DETAILS || self.details.contains_key(&name) {
            self.details.insert(name, value.into());
        }
        self
    }

    /// The same thing at a later moment, as an entry of its own.
    #[must_use]
    pub fn later(&self, at: DateTime<Utc>) -> Self {
        Self { id: Uuid::now_v7(), at: at.trunc_subsecs(6), ..self.clone() }
    }
}
