//! The service in this process, on a port of its own.

use std::sync::Arc;

use axum::Router;
use libtest_mimic::Failed;
use mt_paas_axum::auth::MarketKeys;
use mt_paas_axum::serve::{ServeOptions, serve};
use mt_paas_axum::service::{Context, LazyAccounts, LazyKeyPool, Make, Settings};
use mt_paas_core::seal::Keyring;
use mt_paas_core::store::Store;
use mt_paas_core::store::memory::MemoryStore;

pub(crate) const KEY: &str = "market_key_123";

/// The router of a service on `store`, as its binary would make it with nothing set but its keys.
pub(crate) fn router(make: Make, store: Arc<dyn Store>, address: &str) -> Result<Router, Failed> {
    router_with(make, store, address, &|_| None)
}

/// A setting by its name.
type Get<'a> = &'a dyn Fn(&str) -> Option<String>;

fn router_with(make: Make, store: Arc<dyn Store>, address: &str, get: Get<'_>) -> Result<Router, Failed> {
    let settings = Settings::read(advisor::ABOUT, get)?;
    let context = Context {
        about: advisor::ABOUT,
        store,
        market_keys: MarketKeys::parse(KEY)?.with("second", "market_key_456")?,
        public_url: "http://127.0.0.1:8000".to_owned(),
        prices: mt_paas_core::usage::PriceList::default(),
        settings: Arc::new(settings),
        address: address.parse()?,
        key_pool: LazyKeyPool::default(),
        accounts: LazyAccounts::default(),
        keyring: Keyring::default(),
    };
    make(&context).map_err(|error| error.to_string().into())
}

/// The advisor on a store in memory; returns its address.
pub(crate) async fn advisor() -> Result<String, Failed> {
    advisor_with(&|_| None).await
}

/// The same with settings.
pub(crate) async fn advisor_with(get: Get<'_>) -> Result<String, Failed> {
    let router = router_with(advisor::app, Arc::new(MemoryStore::new()), "127.0.0.1:8000", get)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    tokio::spawn(serve(listener, router, ServeOptions::default(), std::future::pending()));
    Ok(base)
}

/// A client that asks nobody on the way.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client without settings can be built")
}
