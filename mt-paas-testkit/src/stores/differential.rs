//! Random operations on a store and on the in-memory store: both must answer the same.

use std::sync::Arc;

use chrono::TimeDelta;
use mt_paas_core::idempotency::{Claim, Scope, StoredAnswer};
use mt_paas_core::outbox::OutboxEvent;
use mt_paas_core::standard_api::{Page, Role, UpdateUserRequest, UserStatus};
use mt_paas_core::store::Store;
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::tenants::{Revision, Saved, Tenant};
use mt_paas_core::usage::LedgerEntry;
use mt_paas_core::users::{Changed, User, UserSearch};
use mt_paas_core::{NanoUsd, TenantId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::fixtures::{call, days, minute, new_tenant, new_user, noon, user_id, zone};
use super::violation::{Violation, same};

super::tests!("differential": answers_are_those_of_the_in_memory_store);

async fn answers_are_those_of_the_in_memory_store(store: Arc<dyn Store>) -> Result<(), Violation> {
    for _ in 0..4 {
        same_as_memory(&*store, rand::random(), 120).await?;
    }
    Ok(())
}

/// Does `steps` random operations of a `seed` with the store and with the in-memory store.
///
/// # Errors
///
/// The first difference, with seed and step, so that it can be had again on an empty store.
pub async fn same_as_memory(store: &dyn Store, seed: u64, steps: u32) -> Result<(), Violation> {
    let memory = MemoryStore::new();
    let tenant = new_tenant(&format!("d{seed}"))?;
    let mut pair = Pair {
        sides: [Side { store: &memory, revisions: Vec::new() }, Side { store, revisions: Vec::new() }],
        random: StdRng::seed_from_u64(seed),
        users: (0..8).map(|number| new_user(&tenant, &format!("u{number}"))).collect::<Result<_, _>>()?,
        row: tenant,
        claims: Vec::new(),
        events: 0,
        renewed: 0,
    };
    for step in 0..steps {
        let what = pair.step().await.map_err(|violation| violation.after(format!("seed {seed}, step {step}")))?;
        let checked = pair.compare_figures().await;
        checked.map_err(|violation| violation.after(format!("seed {seed}, step {step}, after {what}")))?;
    }
    Ok(())
}

/// Any event of two months around [`noon`], by one of the users or nobody.
pub(super) fn random_entry(random: &mut StdRng, id: &str, users: &[User]) -> LedgerEntry {
    // Few distinct minutes, so that times tie.
    let at = minute(random.random_range(-60..=20) * 540 + random.random_range(0..2));
    let model = [None, Some("gpt-4"), Some("클로드"), Some("new")][random.random_range(0..4)];
    let tokens = if model.is_some() { 100 } else { 1 };
    LedgerEntry {
        user: random.random_bool(0.9).then(|| users[random.random_range(0..users.len())].id.clone()),
        session: random.random_bool(0.8).then(|| format!("s{}", random.random_range(0..40))),
        messages: random.random_range(0..4),
        model: model.map(ToOwned::to_owned),
        input_tokens: random.random_range(0..tokens),
        output_tokens: random.random_range(0..tokens),
        storage_bytes: random.random_bool(0.2).then(|| random.random_range(0..1 << 40)),
        cost: match model {
            None => Some(NanoUsd::ZERO),
            Some("new") => random.random_bool(0.3).then(|| NanoUsd::new(random.random_range(0..100))),
            Some(_) => Some(NanoUsd::new(random.random_range(0..50) * 1_000_003)),
        },
        ..call(id, at)
    }
}

struct Side<'a> {
    store: &'a dyn Store,
    /// Every revision that the tenant's row had. They differ between stores, so the same one is named by its place.
    revisions: Vec<Revision>,
}

struct Pair<'a> {
    sides: [Side<'a>; 2],
    random: StdRng,
    /// The row as it was written last.
    row: Tenant,
    users: Vec<User>,
    claims: Vec<Claim>,
    events: u32,
    renewed: u32,
}

impl Side<'_> {
    /// The revision that is `back` changes old, and one that no row ever had where there is none.
    fn revision(&self, back: usize) -> Revision {
        self.revisions.iter().rev().nth(back).copied().unwrap_or(-1)
    }

    /// What a change came to, without the number.
    fn saved(&mut self, saved: Saved) -> bool {
        if let Saved::Done(revision) = saved {
            self.revisions.push(revision);
        }
        saved != Saved::Stale
    }
}

/// Does the same with both stores and demands the same answer.
macro_rules! both {
    ($pair:expr, $what:expr, |$side:ident| $operation:expr) => {{
        let [memory, store] = &mut $pair.sides;
        let expected = {
            let $side = memory;
            $operation
        };
        let found = {
            let $side = store;
            $operation
        };
        same!(found, expected, "{}", $what);
        expected
    }};
}

impl Pair<'_> {
    async fn step(&mut self) -> Result<&'static str, Violation> {
        match self.random.random_range(0..20) {
            0..=1 => self.save().await,
            2 => self.restore().await,
            3 => self.purge().await,
            4..=7 => self.insert().await,
            8..=9 => self.update().await,
            10 => self.delete().await,
            11..=16 => self.record().await,
            17..=18 => self.claim().await,
            _ => self.queue().await,
        }
    }

    /// Mostly the present revision, sometimes an older one.
    fn back(&mut self) -> usize {
        if self.random.random_bool(0.85) { 0 } else { self.random.random_range(1..4) }
    }

    async fn save(&mut self) -> Result<&'static str, Violation> {
        let mut row = self.row.clone();
        row.plan = format!("plan {}", self.random.random_range(0..100));
        if self.random.random_bool(0.4) {
            row.zone = zone(["UTC", "Asia/Seoul", "America/St_Johns"][self.random.random_range(0..3)])?;
        }
        let (back, first, purge) = (self.back(), self.random.random_bool(0.1), self.random.random_bool(0.4));
        let at = self.soon();
        let event = OutboxEvent::tenant_activated(&row, at);
        let saved = both!(self, "saving a tenant", |side| {
            let based_on = (!first && !side.revisions.is_empty()).then(|| side.revision(back));
            side.saved(side.store.save_tenant(&row, based_on, purge, std::slice::from_ref(&event), &[]).await?)
        });
        if saved {
            self.row = row;
        }
        Ok("saving a tenant")
    }

    async fn restore(&mut self) -> Result<&'static str, Violation> {
        let before = Tenant { plan: "restored".to_owned(), zone: zone("Europe/Berlin")?, ..self.row.clone() };
        let before = self.random.random_bool(0.8).then_some(before);
        let back = self.back();
        let unsent = self.sides[0].store.unsent_events(1000).await?;
        let withdrawn: Vec<Uuid> = unsent.last().map(|event| event.id).into_iter().collect();
        let restored = both!(self, "restoring a tenant", |side| {
            let written = side.revision(back);
            side.saved(side.store.restore_tenant(&self.row.id, before.as_ref(), written, &withdrawn, &[]).await?)
        });
        match before {
            Some(before) if restored => self.row = before,
            // The next change makes the row again.
            None if restored => self.sides.iter_mut().for_each(|side| side.revisions.clear()),
            _ => {}
        }
        Ok("restoring a tenant")
    }

    async fn purge(&mut self) -> Result<&'static str, Violation> {
        let back = self.back();
        both!(self, "purging users", |side| {
            side.store.purge_users(&self.row.id, side.revision(back)).await? != Saved::Stale
        });
        Ok("purging users")
    }

    async fn insert(&mut self) -> Result<&'static str, Violation> {
        let back = self.back();
        let user = self.any_user();
        // Sometimes with the address or the login name of another.
        let other = self.any_user();
        let user = User {
            email: [user.email.clone(), other.email.clone(), None][self.random.random_range(0..3)].clone(),
            login_name: if self.random.random_bool(0.2) { other.login_name } else { user.login_name.clone() },
            role: Role::ALL[self.random.random_range(0..Role::ALL.len())],
            status: UserStatus::ALL[self.random.random_range(0..UserStatus::ALL.len())],
            created_at: minute(self.random.random_range(0..3)),
            ..user
        };
        // An id that is there is not used again: ids are made at random.
        if self.sides[0].store.user(&user.tenant, &user.id).await?.is_some() {
            return Ok("nothing");
        }
        // Mostly whoever comes back is somebody new, since an id that has used something is not given again.
        let user = if self.random.random_bool(0.7) { self.renew(user)? } else { user };
        let quota = self.random.random_range(3..9);
        let at = self.soon();
        let event = OutboxEvent::user_created(&self.row, &user, at);
        both!(self, "inserting a user", |side| {
            side.store.insert_user(side.revision(back), &user, quota, &event, &[]).await?
        });
        Ok("inserting a user")
    }

    async fn update(&mut self) -> Result<&'static str, Violation> {
        let (back, user, at) = (self.back(), self.any_user().id, self.soon());
        let change = UpdateUserRequest {
            name: self.random.random_bool(0.5).then(|| format!("이름 {}", self.random.random_range(0..3))),
            role: self.random.random_bool(0.5).then(|| Role::ALL[self.random.random_range(0..Role::ALL.len())]),
            status: self.random.random_bool(0.5).then_some(UserStatus::Inactive),
        };
        both!(self, "changing a user", |side| {
            side.store.update_user(&self.row.id, side.revision(back), &user, &change, at, &[]).await?
        });
        Ok("changing a user")
    }

    async fn delete(&mut self) -> Result<&'static str, Violation> {
        let (back, user) = (self.back(), self.any_user().id);
        let deleted = both!(self, "deleting a user", |side| {
            side.store.delete_user(&self.row.id, side.revision(back), &user, &[]).await?
        });
        Ok(if deleted == Changed::Done(()) { "deleting a user" } else { "deleting nobody" })
    }

    async fn record(&mut self) -> Result<&'static str, Violation> {
        let mut entries = Vec::new();
        for _ in 0..self.random.random_range(1..30) {
            // Sometimes an id of before.
            let number =
                if self.random.random_bool(0.2) { self.random.random_range(0..=self.events) } else { self.events };
            self.events += u32::from(number == self.events);
            entries.push(random_entry(&mut self.random, &format!("e{number}"), &self.users));
        }
        both!(self, "recording usage", |side| side.store.record_usage(&self.row.id, &entries).await?);
        Ok("recording usage")
    }

    async fn claim(&mut self) -> Result<&'static str, Violation> {
        if !self.claims.is_empty() && self.random.random_bool(0.5) {
            let claim = self.claims[self.random.random_range(0..self.claims.len())].clone();
            if self.random.random_bool(0.6) {
                let answer = StoredAnswer { status: 200, body: claim.token.as_bytes().to_vec() };
                both!(self, "finishing a claim", |side| side.store.finish(&claim, &answer).await?);
            } else {
                both!(self, "giving a claim up", |side| side.store.abandon(&claim).await?);
            }
            return Ok("ending a claim");
        }
        let key = self.random.random_range(0..3).to_string();
        // Time goes on by up to a minute a claim, so that some claims run out.
        let at = self.claims.last().map_or(noon(), |last| last.at);
        let claim = Claim {
            scope: Scope { market_key: "m".to_owned(), route: self.row.id.to_string(), key },
            token: Uuid::from_u128(self.random.random()),
            fingerprint: [self.random.random_range(0..2); 32],
            at: at + TimeDelta::seconds(self.random.random_range(0..60)),
        };
        both!(self, "claiming", |side| side.store.claim(&claim).await?);
        self.claims.push(claim);
        Ok("claiming")
    }

    async fn queue(&mut self) -> Result<&'static str, Violation> {
        let at = self.soon();
        let event = OutboxEvent::quota_exceeded(&self.row, "users", 5, at);
        let since = at - TimeDelta::minutes(self.random.random_range(0..100));
        both!(self, "queueing a message", |side| side.store.queue_unless_recent(&event, since).await?);
        Ok("queueing a message")
    }

    async fn compare_figures(&mut self) -> Result<(), Violation> {
        let id = self.row.id.clone();
        let first = self.random.random_range(-40..=15);
        let window = days(first, first + self.random.random_range(0..40));
        let since = minute(self.random.random_range(0..3));
        both!(self, "the row", |side| row(side.store, &id).await?);
        both!(self, "stats", |side| side.store.stats(&id, window, since).await?);
        both!(self, "costs", |side| side.store.costs(&id, window).await?);
        both!(self, "top users", |side| side.store.top_users(&id, window, 5).await?);
        both!(self, "hours", |side| side.store.hours(&id, window).await?);
        both!(self, "usage", |side| side.store.usage(&id, window).await?);
        both!(self, "storage", |side| side.store.storage_bytes(&id, window.last).await?);
        both!(self, "the count of users", |side| side.store.count_users(&id).await?);
        let search = UserSearch {
            role: self.random.random_bool(0.3).then_some(Role::User),
            status: self.random.random_bool(0.3).then_some(UserStatus::Active),
            folded: self.random.random_bool(0.3).then(|| "u".to_owned()),
            page: Page { limit: self.random.random_range(1..6), offset: self.random.random_range(0..4) },
        };
        both!(self, "users", |side| side.store.users(&id, &search).await?);
        both!(self, "messages", |side| {
            let messages = side.store.unsent_events(10_000).await?;
            messages.into_iter().filter(|message| message.tenant == id).collect::<Vec<_>>()
        });
        both!(self, "the audit", |side| side.store.audit_usage(&id, false).await?);
        Ok(())
    }

    /// The same person under an id that nobody had.
    fn renew(&mut self, user: User) -> Result<User, Violation> {
        self.renewed += 1;
        let id = user_id(&format!("u{}", 100 + self.renewed))?;
        for known in self.users.iter_mut().filter(|known| known.id == user.id) {
            known.id = id.clone();
        }
        Ok(User { id, ..user })
    }

    fn any_user(&mut self) -> User {
        self.users[self.random.random_range(0..self.users.len())].clone()
    }

    fn soon(&mut self) -> chrono::DateTime<chrono::Utc> {
        minute(self.random.random_range(0..300))
    }
}

/// The row without the number of its revision.
async fn row(store: &dyn Store, id: &TenantId) -> Result<Option<Tenant>, Violation> {
    let found = store.tenant(id).await?;
    Ok(found.map(|found| Tenant { revision: 0, ..(*found).clone() }))
}
