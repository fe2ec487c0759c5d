//! Activate, deactivate, status.

use std::collections::BTreeMap;

use chrono::{Days, SecondsFormat, TimeDelta};
use serde_json::{Map, Value, json};

use super::catalog::features_of;
use super::clock::{day, stamp};
use super::faults::Fault;
use super::fields::{Complaints, is_tenant_id};
use super::history;
use super::pretence::nobodys;
use super::reply::{Answer, Outcome, Refusal};
use super::routes::bent;
use super::settings;
use super::world::{Order, Room, Standing, Tenant};

/// Promised days of keeping.
const RETENTION: i64 = 90;
const REASONS: &[&str] = &["subscription_expired", "admin_request", "violation"];

impl Room<'_> {
    /// Makes a tenant, wakes it up again, or recognises the repetition of an order.
    pub(super) fn activate(&mut self, id: &str) -> Outcome {
        let body = self.call.object(self.faults)?;
        let order = self.order(&body);
        if order.is_err() && self.has(Fault::M48) && !self.world.tenants.contains_key(id) {
            self.open(&nobodys(id));
        }
        let order = order?;
        if order.tenant_id != id && !self.has(Fault::M09) {
            if self.has(Fault::MismatchCreates) {
                self.open(&nobodys(id));
            }
            return Err(Refusal::broken("path and body name different tenants"));
        }
        self.carry_out(&order)
    }

    /// What follows once an order has been read.
    pub(super) fn carry_out(&mut self, order: &Order) -> Outcome {
        let id = order.tenant_id.as_str();
        match self.world.tenants.get(id) {
            _ if self.sure_it_is_new => self.open(order),
            None => self.open(order),
            Some(tenant) if tenant.standing != Standing::Active => self.reopen(order),
            Some(_) if self.has(Fault::M08) => self.open(order),
            Some(_) if self.has(Fault::RetriedActivationRefused) => return Err(exists(id)),
            Some(tenant) if tenant.order == *order => {}
            Some(_) if self.has(Fault::SecondActivationOverwrites) => self.reopen(order),
            Some(_) => return Err(exists(id)),
        }
        let shown = if self.has(Fault::M10) { "tenant-1" } else { id };
        let mut answer = json!({
            "success": true,
            "tenant_id": shown,
            "access_url": self.access_url(id),
            "message": format!("tenant {id} is active"),
        });
        if self.has(Fault::ActivateHasNoMessage) {
            answer["message"] = json!("");
        }
        Ok(Answer::ok(answer))
    }

    pub(super) fn access_url(&self, id: &str) -> String {
        match () {
            () if self.has(Fault::OneUrlForAll) => format!("{}/t", self.base),
            () if self.has(Fault::AccessUrlRelative) => format!("/t/{id}"),
            () => format!("{}/t/{id}", self.base),
        }
    }

    /// Reads an activation body.
    pub(super) fn order(&self, body: &Map<String, Value>) -> Result<Order, Refusal> {
        let mut wrong = Complaints::default();
        let nobody = Map::new();
        let contact = body.get("contact").and_then(Value::as_object);
        if contact.is_none() {
            wrong.add(&[], "contact", "must be an object with email and name");
        }
        let person = contact.unwrap_or(&nobody);
        let mut order = Order {
            tenant_id: wrong.text(body, &[], "tenant_id"),
            name: wrong.text(body, &[], "tenant_name"),
            plan: wrong.text(body, &[], "plan"),
            features: wrong.texts(body, "features").into_iter().collect(),
            contact_email: wrong.email(person, &["contact"], "email"),
            contact_name: wrong.text(person, &["contact"], "name"),
            limits: BTreeMap::new(),
            branding: Map::new(),
            zone: chrono_tz::UTC,
        };
        if self.has(Fault::M46) {
            order.tenant_id = bent(&order.tenant_id);
        }
        if !order.tenant_id.is_empty() && !is_tenant_id(&order.tenant_id) {
            wrong.add(&[], "tenant_id", "is not a tenant id");
        }
        settings::read_config(body, &mut order, &mut wrong);
        self.twist(body, &mut order, wrong)
    }

    /// Where faulty variants read an activation wrongly.
    fn twist(&self, body: &Map<String, Value>, order: &mut Order, wrong: Complaints) -> Result<Order, Refusal> {
        let missing = |name: &str| !body.contains_key(name);
        let blank = |name: &str| body.get(name).and_then(Value::as_str).is_some_and(|text| text.trim().is_empty());
        let contact = body.get("contact").and_then(Value::as_object);
        let lenient = self.has(Fault::ContactMayLack) && contact.is_some_and(|contact| !contact.contains_key("email"))
            || self.has(Fault::FeaturesMayBeText) && body.get("features").is_some_and(Value::is_string)
            || self.has(Fault::MissingFieldAccepted) && (missing("tenant_name") || missing("plan"))
            || self.has(Fault::WrongTypeAccepted) && body.get("tenant_name").is_some_and(|name| !name.is_string())
            || self.has(Fault::BlankNameAccepted) && (blank("tenant_name") || blank("plan"));
        if lenient {
            order.tenant_id = body.get("tenant_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        } else {
            wrong.settle()?;
        }
        if self.has(Fault::UnknownPlanRefused) && features_of(&order.plan).is_empty() {
            return Err(Refusal::field(&["body", "plan"], "is not a plan"));
        }
        let known = ["tenant_id", "tenant_name", "plan", "features", "config", "contact"];
        if self.has(Fault::UnknownFieldRefused) && body.keys().any(|name| !known.contains(&name.as_str())) {
            return Err(Refusal::field(&["body"], "has an unknown member"));
        }
        let composed: String = unicode_normalization::UnicodeNormalization::nfc(order.name.as_str()).collect();
        if self.has(Fault::DecomposedNameRefused) && composed != order.name {
            return Err(Refusal::field(&["body", "tenant_name"], "must be composed"));
        }
        Ok(order.clone())
    }

    /// A tenant as if it had never been there.
    fn open(&mut self, order: &Order) {
        let bare = self.has(Fault::NoDemonstration);
        let users = if bare { Vec::new() } else { history::users(self.now) };
        let tenant = Tenant {
            id: order.tenant_id.clone(),
            standing: Standing::Active,
            order: order.clone(),
            features: BTreeMap::new(),
            limits: BTreeMap::new(),
            branding: Map::new(),
            zone: order.zone,
            starts: day(self.now, order.zone),
            ends: day(self.now, order.zone) + Days::new(365),
            created_at: self.now,
            updated_at: self.now,
            items: if bare { Vec::new() } else { history::items(&users, self.now) },
            events: if bare { Vec::new() } else { history::events(&users, self.now) },
            users,
        };
        self.world.tenants.insert(order.tenant_id.clone(), tenant);
        self.apply(order);
    }

    /// A known tenant under a new order; what was kept is still there.
    fn reopen(&mut self, order: &Order) {
        let now = self.now;
        let frozen = self.has(Fault::M16);
        let moved = self.has(Fault::ReactivationMovesCreatedAt);
        if let Some(tenant) = self.world.tenants.get_mut(&order.tenant_id) {
            tenant.standing = Standing::Active;
            tenant.starts = day(now, order.zone);
            tenant.ends = tenant.starts + Days::new(365);
            tenant.updated_at = if frozen { tenant.updated_at } else { now };
            tenant.created_at = if moved { now } else { tenant.created_at };
        }
        if !self.has(Fault::ReactivationKeepsOldPlan) {
            self.apply(order);
        }
    }

    fn apply(&mut self, order: &Order) {
        let mut order = order.clone();
        if self.has(Fault::M11) {
            (order.plan, order.features) = ("basic".into(), Default::default());
        }
        if let Some(tenant) = self.world.tenants.get_mut(&order.tenant_id) {
            tenant.features = features_of(&order.plan).iter().map(|name| ((*name).to_owned(), false)).collect();
            tenant.features.extend(order.features.iter().map(|name| (name.clone(), true)));
            tenant.limits = settings::DEFAULT_LIMITS.iter().copied().collect();
            tenant.limits.extend(order.limits.iter());
            tenant.branding = settings::blank_branding();
            tenant.branding.extend(order.branding.clone());
            tenant.zone = order.zone;
            tenant.order = order;
        }
    }

    /// Ends a tenant; a second time nothing changes, whatever is asked.
    pub(super) fn deactivate(&mut self, id: &str) -> Outcome {
        let body = self.call.object(self.faults)?;
        if self.has(Fault::DeactivateUnknownSucceeds) && !self.world.tenants.contains_key(id) {
            return Ok(self.ended(id, true, None));
        }
        if let Standing::Deactivated { preserved, until } = self.known(id)?.standing {
            if self.has(Fault::SecondDeactivationRefused) {
                return Err(Refusal::new(403, "TENANT_INACTIVE", format!("tenant {id} is not active")));
            }
            if self.has(Fault::SecondDeactivationCounts) && body.get("preserve_data") == Some(&json!(false)) {
                self.close(id, false, None);
                return Ok(self.ended(id, false, None));
            }
            return Ok(self.ended(id, preserved, until));
        }
        let mut wrong = Complaints::default();
        if wrong.word(&body, "reason", REASONS).is_none() && !body.contains_key("reason") {
            wrong.add(&[], "reason", "is required");
        }
        let preserved = wrong.flag(&body, "preserve_data").unwrap_or(!self.has(Fault::PreserveDefaultsToFalse));
        if !self.has(Fault::AnyReasonAccepted) {
            wrong.settle()?;
        }
        let until = preserved.then(|| self.now + TimeDelta::days(RETENTION));
        if !self.has(Fault::M12) {
            self.close(id, preserved, until);
        }
        Ok(self.ended(id, preserved, until))
    }

    fn close(&mut self, id: &str, preserved: bool, until: Option<chrono::DateTime<chrono::Utc>>) {
        let keeps = (preserved || self.has(Fault::M13)) && !self.has(Fault::PreservedDataLost);
        let (now, frozen) = (self.now, self.has(Fault::M16));
        let all = self.has(Fault::DeactivationEndsEverybody);
        for tenant in self.world.tenants.values_mut().filter(|tenant| all || tenant.id == id) {
            tenant.standing = Standing::Deactivated { preserved, until };
            tenant.updated_at = if frozen { tenant.updated_at } else { now };
            if !keeps {
                // The events stay: they are owed to the next bill.
                tenant.users.clear();
                tenant.items.clear();
            }
        }
    }

    fn ended(&self, id: &str, preserved: bool, until: Option<chrono::DateTime<chrono::Utc>>) -> Answer {
        let until = match () {
            () if self.has(Fault::RetentionMissing) => None,
            () if self.has(Fault::RetentionInThePast) => until.map(|_| self.now - TimeDelta::days(1)),
            () if self.has(Fault::RetentionThoughDeleted) => Some(self.now + TimeDelta::days(RETENTION)),
            () => until,
        };
        let body = json!({
            "success": true,
            "tenant_id": id,
            "status": "deactivated",
            "data_preserved": preserved || self.has(Fault::SaysItPreserves),
            "data_retention_until": until.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        });
        Answer { status: if self.has(Fault::DeactivateAnswers202) { 202 } else { 200 }, body: Some(body) }
    }

    /// Readable in every state.
    pub(super) fn status(&mut self, id: &str) -> Outcome {
        if self.has(Fault::GetChangesState)
            && let Some(tenant) = self.world.tenants.get_mut(id)
        {
            tenant.updated_at = self.now;
        }
        let tenant = self.known(id)?;
        let active = match () {
            () if self.has(Fault::StatusStaysPending) => "pending",
            () if self.has(Fault::StatusWordInvented) => "running",
            () => "active",
        };
        let created = if self.has(Fault::CreatedAtIsNow) { self.now } else { tenant.created_at };
        let enabled: Vec<_> = tenant.features.iter().filter(|(_, on)| **on).map(|(name, _)| name).collect();
        Ok(Answer::ok(json!({
            "tenant_id": id,
            "status": if tenant.standing == Standing::Active { active } else { "deactivated" },
            "plan": tenant.order.plan,
            "features": enabled,
            "created_at": stamp(created),
            "updated_at": stamp(tenant.updated_at.max(created)),
        })))
    }
}

fn exists(id: &str) -> Refusal {
    Refusal::new(409, "TENANT_EXISTS", format!("tenant {id} exists with another order"))
}
