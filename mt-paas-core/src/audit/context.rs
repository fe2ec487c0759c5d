//! Who is behind what the process does at this moment.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};

use super::action::Action;
use super::event::{Actor, AuditEvent};
use super::line::Line;

tokio::task_local! {
    static CURRENT: AuditContext;
}

/// Who acts, by which request and from where.
///
/// The doors set it around a handler ([`scope`](Self::scope)), and what writes entries below asks for it
/// ([`current`](Self::current)). A task that is spawned in between has none of it unless it is given on.
#[derive(Debug, Clone)]
pub struct AuditContext {
    /// Who.
    pub actor: Actor,
    /// The request's id.
    pub request_id: Option<Line>,
    /// Where the request came from.
    pub address: Option<IpAddr>,
    told: Arc<AtomicBool>,
}

impl AuditContext {
    /// Somebody acts.
    pub fn new(actor: Actor) -> Self {
        Self { actor, request_id: None, address: None, told: Arc::default() }
    }

    /// By a request.
    #[must_use]
    pub fn by(mut self, request_id: Option<Line>, address: Option<IpAddr>) -> Self {
        (self.request_id, self.address) = (request_id, address);
        self
    }

    /// The same with somebody else who acts.
    #[must_use]
    pub fn acting(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// The context of this task; outside of any the service itself acts.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self::new(Actor::SYSTEM))
    }

    /// Does work in this context.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// The same for work inside of an operation, such as a hook: what is told there is not the operation itself.
    #[must_use]
    pub fn inside(&self) -> Self {
        Self { told: Arc::default(), ..self.clone() }
    }

    /// Something that is done in this context.
    pub fn event(&self, action: Action, at: DateTime<Utc>) -> AuditEvent {
        let event = AuditEvent::new(self.actor.clone(), action, at);
        AuditEvent { request_id: self.request_id.clone(), address: self.address, ..event }
    }

    /// Says that what came of the operation stands in the trail. The doors then do not write it once more.
    pub fn tell(&self) {
        self.told.store(true, Ordering::Release);
    }

    /// Whether somebody has said so.
    pub fn is_told(&self) -> bool {
        self.told.load(Ordering::Acquire)
    }
}
