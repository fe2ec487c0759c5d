//! The tester's side of the wire: one connection pool and the transcript of everything that was said.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::target::Target;

pub(crate) use self::answer::{Answer, moment};
pub(crate) use self::call::{Call, TOO_LARGE};
pub(crate) use self::exchange::Exchange;

mod answer;
mod call;
mod exchange;
mod raw;

/// How long one answer may take before the service counts as silent.
const PATIENCE: Duration = Duration::from_secs(15);

/// A call that waited so long in vain counts as given up.
const GIVEN_UP: Duration = Duration::from_secs(9);

/// After so many calls given up in a row the service is not asked any more: the rest of the run would only wait.
const DEAF: u32 = 8;

/// Sends calls and remembers them.
pub(crate) struct Client {
    pub(crate) target: Target,
    http: reqwest::Client,
    transcript: Mutex<Vec<Arc<Exchange>>>,
    catalogue: OnceLock<Value>,
    given_up: AtomicU32,
}

impl Client {
    /// # Errors
    ///
    /// When the TLS back end cannot be set up.
    pub(crate) fn new(target: Target) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(PATIENCE)
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { target, http, transcript: Mutex::default(), catalogue: OnceLock::new(), given_up: AtomicU32::new(0) })
    }

    /// Every exchange so far, oldest first.
    pub(crate) fn transcript(&self) -> Vec<Arc<Exchange>> {
        self.transcript.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the service has stopped answering.
    fn is_deaf(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) >= DEAF
    }

    /// Takes note of how a call ended.
    fn heard(&self, answered: bool, after: Duration) {
        if answered {
            self.given_up.store(0, Ordering::Relaxed);
        } else if after >= GIVEN_UP {
            self.given_up.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn remember(&self, exchange: &Arc<Exchange>) {
        self.transcript.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(exchange));
    }

    pub(crate) fn learn_catalogue(&self, catalogue: Value) {
        // Read once, before the first check; a second value would be a second opinion.
        let _ = self.catalogue.set(catalogue);
    }

    /// The answer of `/mt/catalog`, `null` if there was none.
    pub(crate) fn catalogue(&self) -> &Value {
        self.catalogue.get().unwrap_or(&Value::Null)
    }

    /// Whether the service's catalogue lists the capability.
    pub(crate) fn offers(&self, capability: &str) -> bool {
        let listed = self.catalogue()["capabilities"].as_array();
        listed.is_some_and(|names| names.iter().any(|name| name == capability))
    }
}
