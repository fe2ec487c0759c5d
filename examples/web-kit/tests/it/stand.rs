//! A service with the pages of accounts, on a database in a file.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use mt_paas_axum::auth::{Doorkeeper, Session, SessionCookie};
use mt_paas_axum::request_id::RequestIdLayer;
use mt_paas_axum::serve::{ServeOptions, serve};
use mt_paas_core::auth::{Access, Accounts, Login, Message, NewPerson, NotSent, Notifier, Principal, Visitor};
use mt_paas_core::clock::StillClock;
use mt_paas_core::fields::FromFields;
use mt_paas_core::standard_api::{ActivateRequest, Role};
use mt_paas_core::store::Store;
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_core::{Secret, StandardAPIHandler, StoreHandler, TenantId};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Mutex;
use web_kit::{Reader, Site, Text, View, account_pages, pages};

use crate::browser::Browser;

pub(crate) const PASSWORD: &str = "violet harbour lantern 7";
pub(crate) const OTHER: &str = "granite teapot orchard 9";

pub(crate) struct Stand {
    pub(crate) base: String,
    pub(crate) accounts: Accounts,
    pub(crate) clock: Arc<StillClock>,
    pub(crate) store: Arc<SqlStore>,
    sent: Arc<Mailbox>,
    _dir: TempDir,
}

impl Stand {
    /// With an operator `boss` and a tenant `acme`.
    pub(crate) async fn new() -> Self {
        let stand = Self::empty().await;
        assert!(stand.accounts.seed_first("boss", &Secret::from(PASSWORD), true).await.unwrap());
        let handler =
            StoreHandler::builder(stand.store.clone(), "test", "1").clock(stand.clock.clone()).build().unwrap();
        let body = json!({
            "tenant_id": "acme", "tenant_name": "Acme", "plan": "basic", "features": ["chat"],
            "contact": {"email": "a@b.kr", "name": "A"}
        });
        handler.activate_tenant(ActivateRequest::from_body(body.as_object().unwrap()).unwrap()).await.unwrap();
        stand
    }

    /// With nobody.
    pub(crate) async fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", dir.path().join("kit.db").display());
        let store = Arc::new(SqlStore::open(&url).await.unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(StillClock::at("2026-11-21T06:05:00Z".parse().unwrap()));
        let sent = Arc::new(Mailbox::default());
        let accounts = Accounts::builder(store.clone() as Arc<dyn Store>, "Test service")
            .public_url(&base)
            .clock(clock.clone())
            .notifier(sent.clone())
            .scope("chat", Access::User)
            .scope("people.read", Access::Viewer)
            .build()
            .unwrap();
        let keeper = Doorkeeper::new(accounts.clone(), store.clone(), SessionCookie::of_site(&base, false).unwrap());
        let site = Site::new(Text::new("Test service", "시험 서비스")).home("/home");
        let own =
            Router::new().route("/home", get(home)).route("/t/{tenant}", get(home)).with_state(Arc::new(site.clone()));
        let router = account_pages(&keeper, &site).merge(pages(own, &keeper, &site)).layer(RequestIdLayer);
        tokio::spawn(serve(listener, router, ServeOptions::default(), std::future::pending()));
        Self { base, accounts, clock, store, sent, _dir: dir }
    }

    /// A browser that nobody has used.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }

    /// A browser in which the operator is logged in.
    pub(crate) async fn operator(&self) -> Browser {
        let mut browser = self.browser();
        let answer = browser.post("/login", &[("login_name", "boss"), ("password", PASSWORD)]).await;
        assert_eq!((answer.status, answer.to.as_deref()), (303, Some("/home")), "{}", answer.body);
        browser
    }

    /// Adds somebody to `acme`; without a password the address of their link is returned.
    pub(crate) async fn person(&self, login_name: &str, password: Option<&str>) -> Option<String> {
        let new = NewPerson {
            login_name: Some(login_name.to_owned()),
            email: None,
            name: "김하늘".to_owned(),
            role: Role::User,
            access: Access::User,
            password: password.map(Secret::from),
            hand_over: true,
        };
        let added = self.accounts.add_person(&self.boss().await, &acme(), &new).await.unwrap();
        added.link.map(|link| link.expose().strip_prefix(&self.base).unwrap().to_owned())
    }

    /// The link that was sent to somebody last.
    pub(crate) async fn mailed(&self) -> Option<String> {
        // The work of a forgotten password is done behind the answer.
        for _ in 0..100 {
            self.accounts.send_links().await.unwrap();
            if let Some(link) = self.sent.0.lock().await.pop() {
                return Some(link.strip_prefix(&self.base).unwrap().to_owned());
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        None
    }

    pub(crate) async fn boss(&self) -> Principal {
        let login = Login {
            tenant: TenantId::operators(),
            login_name: "boss".to_owned(),
            password: Secret::from(PASSWORD),
            visitor: Visitor::default(),
        };
        self.accounts.log_in(&login).await.unwrap().principal
    }
}

pub(crate) fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// A page of the service's own.
async fn home(State(site): State<Arc<Site>>, reader: Reader, session: Session) -> axum::response::Response {
    let view = View::new(&site, reader, Some(&session));
    view.page(&web_kit::Page::new("Home of people", maud::html! { p { (session.principal.name) } }))
}

#[derive(Default)]
struct Mailbox(Mutex<Vec<String>>);

#[async_trait]
impl Notifier for Mailbox {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        self.0.lock().await.push(message.link.expose().clone());
        Ok(())
    }
}
