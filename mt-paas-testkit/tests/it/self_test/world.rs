//! Everything that the service remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::Phase;
use super::call::Call;
use super::faults::{Fault, Faults};
use super::ledger::Event;
use super::replay::Replays;
use super::reply::Refusal;

/// One service: its faults and its memory.
pub(super) struct House {
    pub(super) base: String,
    pub(super) phase: Phase,
    pub(super) faults: Faults,
    pub(super) replays: Replays,
    /// Held while a deliberately slow answer is made.
    pub(super) bottleneck: tokio::sync::Mutex<()>,
    world: Mutex<World>,
}

impl House {
    pub(super) fn new(base: String, phase: Phase, faults: &[Fault]) -> Self {
        let (replays, bottleneck, world) = Default::default();
        Self { base, phase, faults: Faults::new(faults), replays, bottleneck, world }
    }

    /// A panic in one request must not take the others along.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// All tenants, and what faulty variants remember beyond them.
#[derive(Default)]
pub(super) struct World {
    pub(super) tenants: BTreeMap<String, Tenant>,
    /// Which tenant an applicant got, by folded e-mail.
    pub(super) applicants: BTreeMap<String, String>,
    /// Rises with every request and with every user made.
    pub(super) serial: u64,
    /// The tenant of the request before this one.
    pub(super) before: Option<String>,
    /// One settings page for everybody.
    pub(super) shared_branding: Option<Map<String, Value>>,
    /// E-mail addresses and the ids they once had.
    pub(super) former_ids: BTreeMap<String, String>,
    /// Who was there once.
    pub(super) deleted: Vec<User>,
    /// What nobody should remember.
    pub(super) passwords: BTreeMap<String, String>,
    /// An old answer that a careless cache keeps.
    pub(super) kept_answers: BTreeMap<String, Value>,
}

/// A tenant's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Active,
    /// What the market was promised when it ended.
    Deactivated {
        preserved: bool,
        until: Option<DateTime<Utc>>,
    },
}

/// One customer of the market.
#[derive(Clone)]
pub(super) struct Tenant {
    pub(super) id: String,
    pub(super) standing: Standing,
    /// The order that made it active, to recognise a repetition.
    pub(super) order: Order,
    pub(super) features: BTreeMap<String, bool>,
    pub(super) limits: BTreeMap<&'static str, u64>,
    pub(super) branding: Map<String, Value>,
    pub(super) zone: Tz,
    pub(super) starts: NaiveDate,
    pub(super) ends: NaiveDate,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) users: Vec<User>,
    pub(super) items: Vec<Item>,
    pub(super) events: Vec<Event>,
}

/// An activation, reduced to what is applied.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    pub(super) tenant_id: String,
    pub(super) name: String,
    pub(super) plan: String,
    pub(super) features: BTreeSet<String>,
    pub(super) contact_email: String,
    pub(super) contact_name: String,
    pub(super) limits: BTreeMap<&'static str, u64>,
    pub(super) branding: Map<String, Value>,
    pub(super) zone: Tz,
}

/// Somebody who works in a tenant.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) status: String,
    pub(super) created_at: DateTime<Utc>,
}

/// A course, discussion, document or session.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) created_by: String,
    pub(super) created_at: DateTime<Utc>,
}

/// What an operation may look at while it runs.
pub(super) struct Room<'a> {
    pub(super) faults: &'a Faults,
    pub(super) world: &'a mut World,
    pub(super) call: &'a Call,
    pub(super) base: &'a str,
    pub(super) now: DateTime<Utc>,
    /// Set by races: the check for an existing one was made too early and found nothing.
    pub(super) sure_it_is_new: bool,
}

impl Room<'_> {
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    /// A tenant in any state.
    pub(super) fn known(&self, id: &str) -> Result<&Tenant, Refusal> {
        self.world.tenants.get(id).ok_or_else(|| Refusal::no_tenant(id))
    }

    /// A tenant that is served.
    pub(super) fn active(&self, id: &str) -> Result<&Tenant, Refusal> {
        let tenant = self.known(id)?;
        let path = self.call.path.rsplit('/').next().unwrap_or_default();
        let outlives = self.has(Fault::M14)
            || self.has(Fault::SettingsOutlive) && path == "settings" && self.call.method == "GET"
            || self.has(Fault::WritesOutlive) && path == "users" && self.call.method == "POST";
        if tenant.standing == Standing::Active || outlives {
            return Ok(tenant);
        }
        Err(Refusal::new(403, "TENANT_INACTIVE", format!("tenant {id} is not active")))
    }

    pub(super) fn active_mut(&mut self, id: &str) -> Result<&mut Tenant, Refusal> {
        self.active(id)?;
        self.world.tenants.get_mut(id).ok_or_else(|| Refusal::no_tenant(id))
    }
}

/// The form in which e-mail addresses are compared.
pub(super) fn folded(email: &str) -> String {
    email.trim().to_lowercase()
}
