//! The old provisioning webhook and its three bodies.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::clock;
use super::faults::Fault;
use super::fields::{Complaints, is_tenant_id};
use super::reply::{Answer, Outcome, Refusal};
use super::settings::is_public_url;
use super::world::{Order, Room, folded};

const KINDS: &[&str] = &["demo", "service"];

/// What an application asks for.
struct Application {
    order: Order,
    /// The last day that was applied for.
    ends: Option<NaiveDate>,
    /// Whether the body chose the tenant's name itself.
    named: bool,
}

impl Room<'_> {
    /// Makes a tenant for an applicant, or finds the one they have.
    pub(super) fn webhook(&mut self) -> Outcome {
        match self.provision() {
            Err(refusal) if self.has(Fault::M44) => {
                Ok(Answer::ok(json!({"status": "error", "success": false, "message": refusal.message})))
            }
            outcome => outcome,
        }
    }

    fn provision(&mut self) -> Outcome {
        let body = self.call.object(self.faults)?;
        let flat = body.contains_key("application_id");
        let nested = body.contains_key("application");
        if flat && self.has(Fault::FlatBodyRefused) || nested && self.has(Fault::NestedBodyRefused) {
            return Err(Refusal::field(&["body", "tenant_id"], "is required"));
        }
        let mut wish = match (flat, nested) {
            (false, false) => Application { order: self.order(&body)?, ends: None, named: true },
            _ => self.application(&body, nested)?,
        };
        let applicant = folded(&wish.order.contact_email);
        let known = self.world.applicants.get(&applicant).filter(|_| !wish.named).cloned();
        let known = known.filter(|_| !self.has(Fault::ApplicantGetsAnother));
        if let Some(id) = &known {
            wish.order.tenant_id.clone_from(id);
        }
        let asleep = known.as_ref().is_some_and(|id| self.active(id).is_err());
        let id = wish.order.tenant_id.clone();
        if (known.is_none() || asleep) && !self.has(Fault::WebhookMakesNothing) {
            self.carry_out(&wish.order)?;
        }
        self.world.applicants.entry(applicant).or_insert_with(|| id.clone());
        Ok(Answer::ok(self.approval(&id, wish.ends)))
    }

    fn approval(&self, id: &str, ends: Option<NaiveDate>) -> Value {
        let url = self.access_url(id);
        let default = self.world.tenants.get(id).map(|tenant| tenant.ends);
        let mut body = json!({
            "success": true,
            "status": if self.has(Fault::WebhookStatusInvented) { "done" } else { "approved" },
            "tenant_id": id,
            "tenant_url": url,
            "access_url": url,
            "message": format!("tenant {id} is ready"),
            "expires_at": ends.filter(|_| !self.has(Fault::DemoNeverEnds)).or(default).map(|day| format!("{day}T23:59:59Z")),
        });
        if self.has(Fault::OldWordsOnly) {
            body.as_object_mut().map(|body| (body.remove("success"), body.remove("access_url")));
        }
        body
    }

    fn new_tenant_id(&self) -> String {
        let tail = if self.has(Fault::LongTenantNames) { "-application-of-a-university" } else { "" };
        format!("app-{}{tail}", Uuid::new_v4().simple())
    }

    /// The market's application form, flat or with its head in `application`.
    fn application(&self, body: &Map<String, Value>, nested: bool) -> Result<Application, Refusal> {
        let nothing = Map::new();
        let mut wrong = Complaints::default();
        let mut part = |name: &str, needed: bool| {
            let part = body.get(name).and_then(Value::as_object);
            if part.is_none() && (needed || body.contains_key(name)) {
                wrong.add(&[], name, "must be an object");
            }
            part.unwrap_or(&nothing)
        };
        let applicant = part("applicant", true);
        let service = part("service", true);
        let head = if nested { part("application", true) } else { body };
        let kind = wrong.word(head, "kind", KINDS);
        if kind.is_none() && !head.contains_key("kind") {
            wrong.add(&[], "kind", "is required");
        }
        let number = if nested { "id" } else { "application_id" };
        if head.get(number).and_then(Value::as_u64).is_none() {
            wrong.add(&[], number, "must be a whole number");
        }
        let email = wrong.email(applicant, &["applicant"], "email");
        let name = wrong.text(applicant, &["applicant"], "name");
        let university = applicant.get("university_name").and_then(Value::as_str).unwrap_or(&name).to_owned();
        let feature = service.get("slug").and_then(Value::as_str).unwrap_or("chat").to_owned();
        let date = |name: &str| body.get(name).or_else(|| head.get(name)).filter(|date| !date.is_null());
        let end = date("end_date");
        let ends = end.and_then(Value::as_str).and_then(|date| date.get(..10)?.parse().ok());
        if end.is_some() && ends.is_none() {
            wrong.add(&[], "end_date", "is not a date");
        }
        let callback = date("callback_url").map(|url| url.as_str().is_some_and(is_public_url));
        if callback == Some(false) {
            wrong.add(&[], "callback_url", "is not a public http(s) address");
        }
        let chosen = date("tenant_id").map(|id| id.as_str().filter(|id| is_tenant_id(id)));
        if chosen == Some(None) {
            wrong.add(&[], "tenant_id", "is not a tenant id");
        }
        wrong.settle()?;
        let demo = kind.as_deref() == Some("demo");
        let month_on = clock::day(self.now, chrono_tz::UTC) + Days::new(30);
        let order = Order {
            tenant_id: chosen.flatten().map_or_else(|| self.new_tenant_id(), str::to_owned),
            name: university,
            plan: if demo { "basic" } else { "premium" }.into(),
            features: BTreeSet::from([feature]),
            contact_email: email,
            contact_name: name,
            limits: BTreeMap::new(),
            branding: Map::new(),
            zone: chrono_tz::UTC,
        };
        let ends = match ends {
            _ if demo => Some(month_on),
            Some(_) if self.has(Fault::EndDateIgnored) => None,
            None if self.has(Fault::NoEndDateIsAMonth) => Some(month_on),
            asked => asked,
        };
        Ok(Application { order, ends, named: chosen.is_some() })
    }
}
