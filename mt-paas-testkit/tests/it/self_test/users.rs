//! The people of a tenant.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::clock::stamp;
use super::faults::Fault;
use super::fields::{Complaints, clean};
use super::history;
use super::ledger::Sum;
use super::page::{self, Needle, Page};
use super::reply::{Answer, Outcome, Refusal};
use super::world::{Room, Tenant, User, folded};

const ROLES: &[&str] = &["admin", "user", "moderator"];
const STATUSES: &[&str] = &["active", "inactive", "suspended"];

impl Room<'_> {
    pub(super) fn list_users(&mut self, id: &str) -> Outcome {
        let tenant = self.active(id)?;
        let page = Page::of(self.call, self.faults)?;
        let role = page::word(self.call, "role", ROLES);
        let role = if self.has(Fault::BadRoleFilterIgnored) { role.unwrap_or(None) } else { role? };
        let role = role.filter(|_| !self.has(Fault::M32));
        let status = page::word(self.call, "status", STATUSES)?.filter(|_| !self.has(Fault::StatusFilterIgnored));
        let needle = Needle::of(self.call, self.faults)?;
        let mut users = tenant.users.clone();
        if self.has(Fault::M38) {
            users = self.world.tenants.values().flat_map(|tenant| tenant.users.clone()).collect();
        }
        if self.has(Fault::SearchCrosses) && needle.is_some() {
            users = self.world.tenants.values().flat_map(|tenant| tenant.users.clone()).collect();
        }
        if self.has(Fault::DeletedUsersFound) && needle.is_some() {
            users.extend(self.world.deleted.iter().cloned());
        }
        let plain = self.has(Fault::AliasFiltersIgnored) && self.call.path.starts_with("/api/");
        let (role, status) = if plain { (None, None) } else { (role, status) };
        users.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        let everybody = users.len();
        users.retain(|user| {
            let in_email = |needle: &Needle| needle.is_in(&user.email) && !self.has(Fault::SearchSkipsEmail);
            let found = |needle: &Needle| needle.is_in(&user.name) || in_email(needle);
            if let (Some(role), Some(status), true) = (role, status, self.has(Fault::FiltersAreAlternatives)) {
                return user.role == role || user.status == status;
            }
            role.is_none_or(|role| user.role == role)
                && status.is_none_or(|status| user.status == status)
                && needle.as_ref().is_none_or(found)
        });
        if self.has(Fault::M47b) {
            let turn = usize::try_from(self.world.serial).unwrap_or(0) % users.len().max(1);
            users.rotate_left(turn);
        }
        if self.has(Fault::OrderDependsOnLimit) && page.limit % 2 == 1 {
            users.reverse();
        }
        if self.has(Fault::PastEndIsRefused) && page.offset as usize >= users.len() {
            return Err(Refusal::field(&["query", "offset"], "is past the end"));
        }
        let rows = page.cut(&users, self.faults);
        let total = match () {
            () if self.has(Fault::M34b) => rows.len(),
            () if self.has(Fault::TotalIgnoresFilter) => everybody,
            () => users.len(),
        };
        let rows: Vec<Value> = rows.iter().map(|user| self.row(tenant, user)).collect();
        let mut body = json!({
            "tenant_id": id, "total": total, "limit": page.limit, "offset": page.offset, "users": rows,
        });
        if self.has(Fault::ListOmitsOffset) {
            body["offset"] = Value::Null;
        }
        if self.has(Fault::WrongLimitEchoed) {
            body["limit"] = json!(20);
        }
        Ok(Answer::ok(body))
    }

    pub(super) fn create_user(&mut self, id: &str) -> Outcome {
        let body = self.call.object(self.faults)?;
        self.active(id)?;
        if self.has(Fault::M48) || self.has(Fault::RefusedCreateStays) {
            self.note_too_early(id, &body);
        }
        let other = body.get("tenant_id").is_some_and(|tenant| tenant != id);
        if other && self.has(Fault::ForeignTenantRefused) {
            return Err(Refusal::broken("path and body name different tenants"));
        }
        let user = self.read_user(&body)?;
        let tenant = self.active(id)?;
        let taken = self.is_taken(tenant, &user.email);
        if taken && !self.has(Fault::M27) && !self.sure_it_is_new {
            return Err(Refusal::new(409, "USER_EXISTS", format!("user {} exists", user.email)));
        }
        let full = tenant.limits.get("max_users").is_some_and(|most| tenant.users.len() as u64 >= *most);
        if full && !self.has(Fault::QuotaIgnored) {
            return Err(Refusal::new(429, "QUOTA_EXCEEDED", "the tenant has as many users as it may have"));
        }
        let mut answer = self.facts(&user);
        answer["temporary_password"] = json!(!self.has(Fault::PasswordStays));
        if let Some(password) = body.get("password").filter(|_| self.has(Fault::M28)) {
            answer["password"] = password.clone();
        }
        if self.has(Fault::CreateOmitsTemporaryPassword) {
            answer.as_object_mut().map(|answer| answer.remove("temporary_password"));
        }
        let password = body.get("password").and_then(Value::as_str).unwrap_or_default();
        self.world.passwords.insert(user.id.clone(), password.to_owned());
        self.world.former_ids.insert(folded(&user.email), user.id.clone());
        let named = body.get("tenant_id").and_then(Value::as_str).filter(|_| self.has(Fault::BodyTenantWins));
        if !self.has(Fault::M26) {
            self.active_mut(named.unwrap_or(id))?.users.push(user);
        }
        if self.has(Fault::CreateAnswers200) { Ok(Answer::ok(answer)) } else { Ok(Answer::created(answer)) }
    }

    fn is_taken(&self, tenant: &Tenant, email: &str) -> bool {
        let minds_case = self.has(Fault::EmailCaseCounts);
        let fold = |email: &str| if self.has(Fault::SpacesCount) { email.to_lowercase() } else { folded(email) };
        let stale = self.now - TimeDelta::seconds(5);
        let indexed = |user: &User| user.created_at < stale || !self.has(Fault::EmailIndexLags);
        let equal = |user: &User| user.email == email || (!minds_case && fold(&user.email) == fold(email));
        let same = |user: &User| indexed(user) && equal(user);
        match () {
            () if self.has(Fault::EmailUniqueEverywhere) => {
                self.world.tenants.values().flat_map(|t| &t.users).any(same)
            }
            () if self.has(Fault::DeletedEmailStaysTaken) => self.world.former_ids.contains_key(&folded(email)),
            () => tenant.users.iter().any(same),
        }
    }

    /// The check comes after the write: a refused user stays.
    fn note_too_early(&mut self, id: &str, body: &Map<String, Value>) {
        let word = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or("unnamed").to_owned();
        let refused = self.read_user(body).is_err();
        let email = word("email");
        let user = User {
            id: history::user_id(),
            name: word("name"),
            email,
            role: "user".into(),
            status: "active".into(),
            created_at: self.now,
        };
        if let Some(tenant) = self.world.tenants.get_mut(id).filter(|_| refused) {
            tenant.users.push(user);
        }
    }

    fn read_user(&self, body: &Map<String, Value>) -> Result<User, Refusal> {
        let mut wrong = Complaints::default();
        let mut email = wrong.email(body, &[], "email");
        let name = wrong.text(body, &[], "name");
        let role = wrong.word(body, "role", ROLES);
        wrong.flag(body, "send_welcome_email");
        match body.get("password") {
            None | Some(Value::Null) => {}
            Some(Value::String(password)) if clean(password) && !password.is_empty() => {}
            Some(_) => wrong.add(&[], "password", "must be a text"),
        }
        let word = |name: &str| body.get(name).and_then(Value::as_str);
        let lenient = self.has(Fault::M33) && word("role") == Some("root")
            || self.has(Fault::AnyRoleAccepted) && role.is_none()
            || self.has(Fault::MissingEmailAccepted) && !body.contains_key("email")
            || self.has(Fault::AnyEmailAccepted) && word("email").is_some()
            || self.has(Fault::LineEndsInEmail) && word("email").is_some_and(|email| email.contains(['\r', '\n']))
            || self.has(Fault::LongEmailAccepted) && word("email").is_some_and(|email| email.len() > 254)
            || self.has(Fault::BlankUserNameAccepted) && word("name").is_some_and(|name| name.trim().is_empty())
            || self.has(Fault::ControlCharactersAccepted) && word("name").is_some_and(|name| !clean(name));
        if lenient {
            email = word("email").unwrap_or_default().to_owned();
        } else if self.has(Fault::FieldNotNamed) {
            wrong.settle().map_err(|_| Refusal::new(422, "INVALID_REQUEST", "the request is not valid"))?;
        } else {
            wrong.settle()?;
        }
        if self.has(Fault::WelcomeFlagRefused) && body.get("send_welcome_email") == Some(&json!(false)) {
            return Err(Refusal::field(&["body", "send_welcome_email"], "must be true"));
        }
        let name = if lenient { word("name").unwrap_or_default().to_owned() } else { name };
        let role =
            role.or_else(|| word("role").filter(|_| lenient).map(str::to_owned)).unwrap_or_else(|| "user".into());
        Ok(User {
            id: self.new_user_id(&email, body),
            name: self.mangled(name),
            email,
            role,
            status: "active".into(),
            created_at: self.created_at(word("created_at")),
        })
    }

    fn new_user_id(&self, email: &str, body: &Map<String, Value>) -> String {
        let sent = body.get("user_id").and_then(Value::as_str).filter(|_| self.has(Fault::ReadOnlyFieldsApplied));
        let former = self.world.former_ids.get(&folded(email)).filter(|_| self.has(Fault::FormerIdGivenAgain));
        let counted = self.has(Fault::UserIdsConsecutive).then(|| (1_000 + self.world.former_ids.len()).to_string());
        if self.has(Fault::UserIdIsEmail) {
            return folded(email);
        }
        sent.map(str::to_owned).or_else(|| former.cloned()).or(counted).unwrap_or_else(history::user_id)
    }

    fn created_at(&self, sent: Option<&str>) -> DateTime<Utc> {
        let sent = sent.filter(|_| self.has(Fault::CreatedAtWritable)).and_then(|at| at.parse().ok());
        let late = if self.has(Fault::CreatedYesterday) { TimeDelta::hours(9) } else { TimeDelta::zero() };
        sent.unwrap_or(self.now - late)
    }

    fn mangled(&self, name: String) -> String {
        use unicode_normalization::UnicodeNormalization;
        if self.has(Fault::NamesNormalised) { name.nfc().collect() } else { name }
    }

    pub(super) fn one_user(&self, id: &str, user_id: &str) -> Outcome {
        let (tenant, user) = self.find(id, user_id)?;
        let mut row = self.row(tenant, user);
        if self.has(Fault::GetUserForgetsRole) {
            row["role"] = json!("user");
        }
        Ok(Answer::ok(row))
    }

    fn find(&self, id: &str, user_id: &str) -> Result<(&Tenant, &User), Refusal> {
        self.active(id)?;
        let crosses = match self.call.method.as_str() {
            "PUT" => self.has(Fault::ChangeCrosses),
            "DELETE" => self.has(Fault::DeleteCrosses),
            _ => false,
        };
        let crosses = crosses || self.has(Fault::M39);
        let mut rooms = self.world.tenants.values().filter(|other| other.id == id || crosses);
        let elsewhere = || self.world.tenants.values().flat_map(|tenant| &tenant.users);
        let found = rooms.find_map(|tenant| Some((tenant, tenant.users.iter().find(|user| user.id == user_id)?)));
        found.ok_or_else(|| match () {
            () if self.has(Fault::UnknownUserIsNoResource) => Refusal::new(404, "RESOURCE_NOT_FOUND", "not found"),
            () if self.has(Fault::ForeignIsForbidden) && elsewhere().any(|user| user.id == user_id) => {
                Refusal::new(403, "FEATURE_DISABLED", "not a user of this tenant")
            }
            () if self.has(Fault::ErrorsGossip) => {
                let names: Vec<_> = elsewhere().map(|user| user.name.as_str()).collect();
                Refusal::new(404, "USER_NOT_FOUND", format!("not one of {}", names.join(", ")))
            }
            () => Refusal::no_user(user_id),
        })
    }

    pub(super) fn change_user(&mut self, id: &str, user_id: &str) -> Outcome {
        let body = self.call.object(self.faults)?;
        if body.is_empty() && self.has(Fault::EmptyPutRefused) {
            return Err(Refusal::field(&["body"], "changes nothing"));
        }
        let (tenant, user) = self.find(id, user_id)?;
        let (home, before) = (tenant.id.clone(), user.clone());
        let after = match self.changed(&before, &body) {
            Err(refusal) if self.has(Fault::PartialChange) => {
                let sound = body.iter().filter(|(name, _)| *name == "name").map(|(n, v)| (n.clone(), v.clone()));
                let half = self.changed(&before, &sound.collect())?;
                self.store_user(&home, &before.id, &half);
                return Err(refusal);
            }
            after => after?,
        };
        let answer = self.row(self.known(&home)?, &after);
        if !self.has(Fault::M29) {
            self.store_user(&home, &before.id, &after);
        }
        Ok(Answer::ok(answer))
    }

    fn store_user(&mut self, home: &str, user_id: &str, after: &User) {
        let users = self.world.tenants.get_mut(home).map(|tenant| &mut tenant.users);
        users.into_iter().flatten().filter(|user| user.id == user_id).for_each(|user| *user = after.clone());
    }

    /// The user after a change; what was not sent stays.
    pub(super) fn changed(&self, before: &User, body: &Map<String, Value>) -> Result<User, Refusal> {
        let mut wrong = Complaints::default();
        let mut after = before.clone();
        if body.contains_key("name") {
            after.name = wrong.text(body, &[], "name");
        }
        after.role = wrong.word(body, "role", ROLES).unwrap_or(after.role);
        after.status = wrong.word(body, "status", STATUSES).unwrap_or(after.status);
        if let Some(role) = body.get("role").and_then(Value::as_str).filter(|_| self.has(Fault::RoleUpdateUnchecked)) {
            after.role = role.to_owned();
            return Ok(after);
        }
        if self.has(Fault::BadRoleUpdateIgnored) && body.contains_key("role") {
            return Ok(after);
        }
        wrong.settle()?;
        if self.has(Fault::M30) && !body.contains_key("role") {
            after.role = "user".into();
        }
        if self.has(Fault::M30) && !body.contains_key("status") {
            after.status = "inactive".into();
        }
        if self.has(Fault::EmptyPutBlanks) && body.is_empty() {
            after.name = String::new();
        }
        if self.has(Fault::PutAgainChangesMore) && body.get("name").and_then(Value::as_str) == Some(&before.name) {
            after.status = if before.status == "active" { "inactive" } else { "active" }.into();
        }
        if self.has(Fault::M33) && body.get("is_admin").is_some() {
            after.role = "admin".into();
        }
        for (name, slot) in [("user_id", &mut after.id), ("email", &mut after.email)] {
            let sent = body.get(name).and_then(Value::as_str).filter(|_| self.faults.has(Fault::ReadOnlyFieldsApplied));
            *slot = sent.map_or_else(|| std::mem::take(slot), str::to_owned);
        }
        Ok(after)
    }

    pub(super) fn delete_user(&mut self, id: &str, user_id: &str) -> Outcome {
        let found = self.find(id, user_id).map(|(tenant, user)| (tenant.id.clone(), user.id.clone()));
        let (home, user_id) = match found {
            Err(refusal) if refusal.code == "USER_NOT_FOUND" && self.has(Fault::DeleteAgainSucceeds) => {
                return Ok(Answer::empty());
            }
            found => found?,
        };
        if let Some(tenant) = self.world.tenants.get_mut(&home).filter(|_| !self.faults.has(Fault::M31)) {
            self.world.deleted.extend(tenant.users.extract_if(.., |user| user.id == user_id));
        }
        if self.has(Fault::DeleteAnswers200) {
            return Ok(Answer::ok(json!({"success": true, "user_id": user_id})));
        }
        Ok(Answer::empty())
    }

    /// A user as lists show them.
    fn row(&self, tenant: &Tenant, user: &User) -> Value {
        let sum = Sum::of(tenant.events.iter().filter(|event| event.user_id == user.id));
        let mut row = self.facts(user);
        row["last_login"] = json!(sum.last.map(stamp));
        row["usage"] = json!({"sessions": sum.sessions, "messages": sum.messages, "tokens": sum.tokens()});
        if let Some(password) = self.world.passwords.get(&user.id).filter(|_| self.has(Fault::PasswordKept)) {
            row["initial_secret"] = json!(password);
        }
        if self.has(Fault::PasswordHashShown) {
            row["password_hash"] = json!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA");
        }
        if self.has(Fault::RowsLackStatus) {
            row.as_object_mut().map(|row| row.remove("status"));
        }
        row
    }

    fn facts(&self, user: &User) -> Value {
        json!({
            "user_id": user.id,
            "email": user.email,
            "name": user.name,
            "role": user.role,
            "status": user.status,
            "created_at": stamp(user.created_at),
        })
    }
}
