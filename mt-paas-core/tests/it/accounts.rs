//! Accounts on the in-memory store.

mod first;
mod keys;
mod links;
mod login;
mod people;
mod sessions;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use mt_paas_core::audit::{AuditEntry, AuditQuery, AuditStore, Outcome};
use mt_paas_core::auth::{
    Access, Accounts, AccountsBuilder, AuthError, AuthStore, FirstOperator, HashAlgorithm, HasherOptions, LoggedIn,
    Login, Message, NewPerson, NotSent, Notifier, OneTimeToken, Opened, PasswordHasher, Principal, Visitor,
};
use mt_paas_core::clock::{Clock, StillClock};
use mt_paas_core::standard_api::Role;
use mt_paas_core::store::memory::MemoryStore;
use mt_paas_core::tenants::TenantStore;
use mt_paas_core::{Secret, TenantId, UserId};

/// A password that is good enough for operators and users alike.
const GOOD: &str = "seven herons at dusk";

/// Hands messages over to the test.
#[derive(Default)]
struct Mailbox {
    messages: Mutex<Vec<(String, String)>>,
    refuse: Mutex<Option<bool>>,
}

#[async_trait]
impl Notifier for Mailbox {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        match *self.refuse.lock().unwrap() {
            Some(true) => Err(NotSent::Later("full".into())),
            Some(false) => Err(NotSent::Never("nobody".into())),
            None => {
                let letter = (message.email.clone(), message.link.expose().clone());
                self.messages.lock().unwrap().push(letter);
                Ok(())
            }
        }
    }
}

struct House {
    store: Arc<MemoryStore>,
    clock: Arc<StillClock>,
    mail: Arc<Mailbox>,
    accounts: Accounts,
}

impl House {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(set: impl Fn(AccountsBuilder) -> AccountsBuilder) -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(StillClock::at("2026-11-21T09:00:00Z".parse::<DateTime<Utc>>().unwrap()));
        let mail = Arc::new(Mailbox::default());
        let accounts = set(process(&store, &clock, &mail)).build().unwrap();
        Self { store, clock, mail, accounts }
    }

    /// The same service in another process.
    fn another(&self) -> Accounts {
        self.another_with(|builder| builder)
    }

    fn another_with(&self, set: impl Fn(AccountsBuilder) -> AccountsBuilder) -> Accounts {
        set(process(&self.store, &self.clock, &self.mail)).build().unwrap()
    }

    /// The first operator, logged in.
    async fn first(&self) -> Opened {
        let token = self.accounts.setup_token().await.unwrap().unwrap();
        self.accounts.first(&first(token, "root")).await.unwrap()
    }

    /// Somebody new with a password of their own, made by a super administrator, and logged in.
    async fn person(&self, tenant: &TenantId, name: &str, access: Access) -> Opened {
        self.accounts.own_tenant(tenant).await.unwrap();
        let new = NewPerson { access, hand_over: true, ..new_person(name) };
        let added = self.accounts.add_person(&super_admin(), tenant, &new).await.unwrap();
        let token = token_of(added.link.unwrap().expose());
        self.accounts.set_password(&token, &GOOD.into(), &Visitor::default()).await.unwrap()
    }

    async fn log_in(&self, tenant: &TenantId, name: &str, password: &str) -> Result<Opened, AuthError> {
        self.accounts.log_in(&login(tenant, name, password, "10.0.0.1")).await
    }

    /// The actions in the trail with what came of them, the oldest first.
    async fn trail(&self) -> Vec<(String, Outcome)> {
        let entries = self.entries().await;
        entries.into_iter().map(|entry| (entry.event.action.to_string(), entry.event.outcome)).collect()
    }

    async fn entries(&self) -> Vec<AuditEntry> {
        let mut entries = self.store.audit_entries(&AuditQuery { limit: 1000, ..AuditQuery::default() }).await.unwrap();
        entries.reverse();
        entries
    }
}

fn process(store: &Arc<MemoryStore>, clock: &Arc<StillClock>, mail: &Arc<Mailbox>) -> AccountsBuilder {
    let options = HasherOptions { algorithm: HashAlgorithm::FOR_TESTS, ..HasherOptions::default() };
    Accounts::builder(store.clone(), "advisor")
        .public_url("https://ai.example.com")
        .clock(clock.clone())
        .notifier(mail.clone())
        .hasher(PasswordHasher::new(options))
}

fn first(token: OneTimeToken, name: &str) -> FirstOperator {
    FirstOperator {
        token,
        login_name: name.to_owned(),
        email: None,
        name: name.to_owned(),
        password: GOOD.into(),
        visitor: Visitor::default(),
    }
}

/// A super administrator that no store needs to know.
fn super_admin() -> Principal {
    principal(TenantId::operators(), "root", Access::SuperAdmin)
}

fn principal(tenant: TenantId, name: &str, access: Access) -> Principal {
    let user: UserId = name.parse().unwrap();
    Principal { tenant, user, login_name: name.to_owned(), name: name.to_owned(), access, must_change: false }
}

fn new_person(name: &str) -> NewPerson {
    NewPerson {
        login_name: None,
        email: Some(format!("{name}@example.com")),
        name: name.to_owned(),
        role: Role::User,
        access: Access::User,
        password: None,
        hand_over: false,
    }
}

fn login(tenant: &TenantId, name: &str, password: &str, address: &str) -> Login {
    Login { tenant: tenant.clone(), login_name: name.to_owned(), password: password.into(), visitor: from(address) }
}

fn from(address: &str) -> Visitor {
    Visitor { address: Some(address.parse::<IpAddr>().unwrap()), user_agent: Some("curl/8".to_owned()) }
}

fn token_of(link: &str) -> OneTimeToken {
    link.strip_prefix("https://ai.example.com/set-password/").unwrap().parse().unwrap()
}

fn school() -> TenantId {
    "school".parse().unwrap()
}

fn logged_in(opened: &Opened) -> LoggedIn {
    LoggedIn { session: opened.session.clone(), principal: opened.principal.clone() }
}
