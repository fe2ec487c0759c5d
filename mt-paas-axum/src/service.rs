//! What every service binary does alike: settings from the environment, keys, the command line, start and stop.
//!
//! A service gives its name and a function that makes its router; see `examples/advisor` for a whole `main.rs`.

mod accounts;
mod audit;
mod command;
mod hidden;
mod key_pool;
mod keys;
mod log;
mod secrets;
mod settings;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use http::{HeaderMap, HeaderName, header};
use mt_paas_core::StoreHandler;
use mt_paas_core::audit::action;
use mt_paas_core::auth::{Accounts, AccountsBuilder};
use mt_paas_core::key_pool::KeyPool;
use mt_paas_core::seal::Keyring;
use mt_paas_core::store::Store;
use mt_paas_core::tenants::StoreHandlerBuilder;
use mt_paas_core::usage::PriceList;
use utoipa_axum::router::OpenApiRouter;

pub use accounts::{AccountsSettings, LazyAccounts, NoAccounts};
pub use command::run;
pub use key_pool::{KeyPoolSettings, LazyKeyPool};
pub use settings::{InvalidSetting, Settings};

use crate::audit::{Refusals, audit_routes};
use crate::auth::{Doorkeeper, InsecureCookies, MarketKeyLayer, MarketKeys, SessionCookie};
use crate::compat::Aliases;
use crate::key_pool::admin_routes;
use crate::standard_api::{StandardApi, StandardApiBuilder};

/// Who a service is.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its name, also of its database file and its binary.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The port that it listens on unless `PORT` says otherwise.
    pub port: u16,
}

/// What a service is given to make its router from.
#[derive(Clone)]
pub struct Context {
    /// Who it is.
    pub about: About,
    /// Where it keeps things.
    pub store: Arc<dyn Store>,
    /// The keys of its markets.
    pub market_keys: MarketKeys,
    /// Where people reach it, without a path.
    pub public_url: String,
    /// What tokens cost.
    pub prices: PriceList,
    /// The rest of the settings.
    pub settings: Arc<Settings>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The key pool, if it is asked for by [`key_pool`](Self::key_pool).
    pub key_pool: LazyKeyPool,
    /// The accounts, if they are asked for by [`accounts`](Self::accounts).
    pub accounts: LazyAccounts,
    /// What seals the service's secrets; without a key where none was given, and none was made.
    pub keyring: Keyring,
}

impl Context {
    /// The service's key pool, as the settings say. It is made by the first call, and its seeded keys are in it before the
    /// service takes its first request.
    pub fn key_pool(&self) -> KeyPool {
        self.key_pool.get(&self.settings, &self.keyring)
    }

    /// The service's accounts, as the settings say; `set` adapts them to the service. They are made by the first call, and
    /// looked after while the service runs.
    ///
    /// # Errors
    ///
    /// A sentence that names the setting that stands in the way.
    pub fn accounts(&self, set: impl FnOnce(AccountsBuilder) -> AccountsBuilder) -> Result<Accounts, NoAccounts> {
        self.accounts.get(self, set)
    }

    /// The cookie that sessions are kept in.
    ///
    /// # Errors
    ///
    /// [`InsecureCookies`], unless `ALLOW_INSECURE_COOKIES` is set.
    pub fn session_cookie(&self) -> Result<SessionCookie, InsecureCookies> {
        let insecure = self.settings.accounts.insecure_cookies;
        SessionCookie::of_site(&self.public_url, insecure)
    }

    /// The layer that finds out who sends a request.
    ///
    /// # Errors
    ///
    /// [`InsecureCookies`], unless `ALLOW_INSECURE_COOKIES` is set.
    pub fn doorkeeper(&self, accounts: &Accounts) -> Result<Doorkeeper, InsecureCookies> {
        Ok(Doorkeeper::new(accounts.clone(), self.store.clone(), self.session_cookie()?))
    }

    /// The doors of the key pool for administrators; none if no `ADMIN_API_KEYS` are set.
    pub fn key_pool_routes(&self) -> OpenApiRouter {
        let keys = self.settings.key_pool.admin_keys.clone();
        keys.and_then(|keys| admin_routes(self.key_pool(), keys, self.store.clone()).ok()).unwrap_or_default()
    }

    /// The doors of the audit trail for administrators; none if no `ADMIN_API_KEYS` are set.
    pub fn audit_routes(&self) -> OpenApiRouter {
        let keys = self.settings.key_pool.admin_keys.clone();
        keys.and_then(|keys| audit_routes(self.store.clone(), keys).ok()).unwrap_or_default()
    }

    /// Asks for a market's key in `header`, and tells of requests without one in the audit trail; for routes of a
    /// service's own.
    pub fn market_key(&self, header: HeaderName) -> MarketKeyLayer {
        let refusals = Refusals::new(self.store.clone(), action::MARKET_REFUSED);
        MarketKeyLayer::new(self.market_keys.clone(), header).telling(refusals)
    }

    /// Whether a request comes from the machine that the service runs on: what only its operator may see is shown
    /// then. A service that has another public address, or whose request came by another host name or says that it was
    /// forwarded, stands behind a proxy.
    pub fn is_local(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.trim_matches(['[', ']']);
        let named = name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let told = |name: &HeaderName| {
            *name == header::FORWARDED || *name == header::VIA || name.as_str().starts_with("x-forwarded")
        };
        self.is_at_home() && named && !headers.keys().any(told)
    }

    /// Whether only the machine that the service runs on reaches it: it listens on a loopback address, and its public
    /// address is one.
    pub fn is_at_home(&self) -> bool {
        let public = url::Url::parse(&self.public_url).ok();
        let at_home = public.is_some_and(|url| match url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        });
        self.address.ip().is_loopback() && at_home
    }

    /// Whether `/docs` is served.
    pub fn docs(&self) -> bool {
        self.settings.docs.unwrap_or(self.address.ip().is_loopback())
    }

    /// A ready-made handler with everything that the settings say.
    pub fn store_handler(&self) -> StoreHandlerBuilder {
        StoreHandler::builder(self.store.clone(), self.about.name, self.about.version)
            .public_url(&self.public_url)
            .prices(self.prices.clone())
    }

    /// A router of the Standard API with everything that the settings say.
    pub fn standard_api(&self, handler: Arc<dyn mt_paas_core::StandardAPIHandler>) -> StandardApiBuilder {
        StandardApi::builder(handler)
            .market_keys(self.market_keys.clone())
            .idempotency(self.store.clone())
            .audit(self.store.clone())
            .aliases(Aliases::new(self.settings.aliases))
            .cors_origins(self.settings.cors_origins.clone())
            .docs(self.docs())
    }
}

/// Makes a service's router; a failure is one sentence for the operator.
pub type Make = fn(&Context) -> Result<Router, Box<dyn std::error::Error + Send + Sync>>;
