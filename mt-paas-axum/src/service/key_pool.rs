//! The key pool of a service: its settings, and the one place where it is decided where it is kept.

use std::fmt;
use std::sync::{Arc, OnceLock};

use mt_paas_core::Secret;
use mt_paas_core::audit::{AuditStore, action};
use mt_paas_core::key_pool::{Choice, KeyPool, KeyPoolStore, KeySeed, PoolLimits};
use mt_paas_core::seal::Keyring;

use super::settings::{InvalidSetting, invalid, secret};
use super::{Settings, hidden};
use crate::audit::Trail;
use crate::auth::MarketKeys;

/// The settings of a key pool.
#[derive(Debug, Default)]
pub struct KeyPoolSettings {
    /// What runs at once, and which key is taken.
    pub limits: PoolLimits,
    /// The keys that are there from the start.
    pub seed: KeySeed,
    /// The keys of administrators, if any are given.
    pub admin_keys: Option<MarketKeys>,
}

impl KeyPoolSettings {
    /// Reads them; `value` looks a variable up.
    pub(super) fn read(value: &dyn Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let standard = PoolLimits::default();
        let seed = secret("KEY_POOL_JSON", "KEY_POOL_JSON_FILE", value)?.unwrap_or_default();
        let admins = secret("ADMIN_API_KEYS", "ADMIN_API_KEYS_FILE", value)?;
        let refused = |name, error: &dyn std::error::Error| invalid(name, &format!("cannot be used: {error}"));
        Ok(Self {
            limits: PoolLimits {
                per_user: jobs("USER_MAX_CONCURRENCY", value)?.unwrap_or(standard.per_user),
                total: jobs("GLOBAL_MAX_CONCURRENCY", value)?.unwrap_or(standard.total),
                choice: match value("KEY_CHOICE").as_deref() {
                    None | Some("priority") => Choice::Priority,
                    Some("least_loaded") => Choice::LeastLoaded,
                    Some(_) => return Err(invalid("KEY_CHOICE", "must be priority or least_loaded")),
                },
            },
            seed: KeySeed::parse(&seed).map_err(|error| refused("KEY_POOL_JSON", &error))?,
            admin_keys: admins
                .map(|keys| MarketKeys::parse(&keys).map_err(|error| refused("ADMIN_API_KEYS", &error)))
                .transpose()?,
        })
    }
}

impl KeyPoolSettings {
    /// The keys of administrators and providers, as texts.
    pub(super) fn secrets(&self) -> impl Iterator<Item = Secret<String>> {
        let seeded = self.seed.keys().unwrap_or_default().iter();
        let admins = self.admin_keys.iter().flat_map(MarketKeys::secrets).cloned();
        admins.chain(seeded.flat_map(|key| hidden::of_payload(key.payload.expose())))
    }
}

fn jobs(name: &'static str, value: &dyn Fn(&str) -> Option<String>) -> Result<Option<u32>, InvalidSetting> {
    let Some(text) = value(name) else { return Ok(None) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && (1..=100_000).contains(number));
    number.map(Some).ok_or_else(|| invalid(name, "must be a number from 1 to 100000"))
}

/// Why the keys of the settings are not in the pool.
type SeedFailure = Box<dyn std::error::Error + Send + Sync>;

/// A key pool that is made when it is asked for, so that a service without one has none. Clones are the same one.
#[derive(Clone, Default)]
pub struct LazyKeyPool {
    pool: Arc<OnceLock<KeyPool>>,
    /// Where processes share it; `None`: it is this process's alone.
    store: Option<Arc<dyn KeyPoolStore>>,
}

impl LazyKeyPool {
    /// A pool that processes share through `store`.
    pub fn shared(store: Arc<dyn KeyPoolStore>) -> Self {
        Self { store: Some(store), ..Self::default() }
    }

    /// The pool. To be called in a Tokio runtime.
    pub(super) fn get(&self, settings: &Settings, keyring: &Keyring) -> KeyPool {
        let limits = settings.key_pool.limits;
        let make = || {
            let pool = match &self.store {
                Some(store) => KeyPool::shared(limits, store.clone()),
                None => KeyPool::in_memory(limits),
            };
            pool.sealed_by(Arc::new(keyring.clone()))
        };
        self.pool.get_or_init(make).clone()
    }

    /// The pool, if somebody asked for it.
    pub(super) fn asked_for(&self) -> Option<&KeyPool> {
        self.pool.get()
    }

    /// Whether it outlives the process.
    pub(super) fn is_kept(&self) -> bool {
        self.store.is_some()
    }

    /// Puts the seeded keys in, if somebody asked for the pool and there are any, and tells of it in the audit trail.
    pub(super) async fn seed(&self, settings: &KeyPoolSettings, store: Arc<dyn AuditStore>) -> Result<(), SeedFailure> {
        let (Some(pool), Some(keys)) = (self.pool.get(), settings.seed.keys()) else { return Ok(()) };
        let trail = Trail::new(store);
        let told = trail.event(action::POOL_SEED).on("pool", "keys").detail("keys", keys.len().to_string());
        let mut refused = None;
        let seeded = trail.around(told, async {
            Ok(pool.seed(&settings.seed).await.inspect_err(|error| refused = Some(error.clone()))?)
        });
        // The operator reads why, which callers of a door do not.
        let seeded = seeded.await;
        refused.map_or(Ok(seeded?), |error| Err(error.into()))
    }

    /// Ends the pool in this process.
    pub(super) fn close(&self) {
        if let Some(pool) = self.pool.get() {
            pool.close();
        }
    }
}

impl fmt::Debug for LazyKeyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyKeyPool").field("pool", &self.pool).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, StatusCode};
    use mt_paas_core::audit::AuditQuery;
    use mt_paas_core::key_pool::PoolError;
    use mt_paas_core::store::memory::MemoryStore;
    use tower::ServiceExt;

    use super::*;
    use crate::service::secrets::start_key_pool;
    use crate::service::{About, Context};

    const ABOUT: About = About { name: "advisor", version: "0.2.0", port: 8000 };
    const SEED: &str = r#"{"openai": [{"name": "a", "api_key": "hidden", "concurrency_limit": 3}]}"#;

    fn read(vars: &[(&str, &str)]) -> Result<Settings, String> {
        let get = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::read(ABOUT, &get).map_err(|error| error.to_string())
    }

    fn context(vars: &[(&str, &str)]) -> Context {
        Context {
            about: ABOUT,
            store: Arc::new(MemoryStore::new()),
            market_keys: MarketKeys::parse("market").unwrap(),
            public_url: "http://127.0.0.1:8000".to_owned(),
            prices: Default::default(),
            settings: Arc::new(read(vars).unwrap()),
            address: "127.0.0.1:8000".parse().unwrap(),
            key_pool: LazyKeyPool::default(),
            accounts: Default::default(),
            keyring: Keyring::parse(Keyring::new_key().unwrap().expose()).unwrap(),
        }
    }

    #[test]
    fn the_settings_have_defaults_and_are_read() {
        let settings = read(&[]).unwrap().key_pool;
        assert_eq!(settings.limits, PoolLimits { per_user: 1, total: 4, choice: Choice::Priority });
        assert!(settings.seed.keys().is_none() && settings.admin_keys.is_none());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{SEED}\n")).unwrap();
        let settings = read(&[
            ("USER_MAX_CONCURRENCY", "2"),
            ("GLOBAL_MAX_CONCURRENCY", "100000"),
            ("KEY_CHOICE", "least_loaded"),
            ("KEY_POOL_JSON_FILE", file.path().to_str().unwrap()),
            ("ADMIN_API_KEYS", "one,two"),
        ]);
        let settings = settings.unwrap().key_pool;
        assert_eq!(settings.limits, PoolLimits { per_user: 2, total: 100_000, choice: Choice::LeastLoaded });
        assert_eq!(settings.seed.keys().unwrap().len(), 1);
        assert!(settings.admin_keys.is_some());
    }

    #[test]
    fn a_value_that_cannot_be_read_is_named_and_not_repeated() {
        for (name, value) in [
            ("USER_MAX_CONCURRENCY", "0"),
            ("USER_MAX_CONCURRENCY", "+1"),
            ("USER_MAX_CONCURRENCY", "100001"),
            ("GLOBAL_MAX_CONCURRENCY", "-1"),
            ("GLOBAL_MAX_CONCURRENCY", "many"),
            ("KEY_CHOICE", "random"),
            ("KEY_POOL_JSON", "hidden"),
            ("KEY_POOL_JSON", r#"{"openai": [{"name": "a", "api_key": "hidden", "rpm_limit": 0}]}"#),
            ("KEY_POOL_JSON_FILE", "/nowhere/keys.json"),
            ("ADMIN_API_KEYS", "hidden word"),
            ("ADMIN_API_KEYS", ","),
        ] {
            let said = read(&[(name, value)]).unwrap_err();
            assert!(said.starts_with(name) && !said.contains("hidden"), "{said}");
        }
        assert!(read(&[("KEY_POOL_JSON", "{}"), ("KEY_POOL_JSON_FILE", "/x")]).unwrap_err().contains("both"));
        let said = read(&[("KEY_POOL_JSON", r#"{"openai": [{"name": "a"}, 1]}"#)]).unwrap_err();
        assert!(said.contains("openai[0].api_key: is required; openai[1]: must be an object"), "{said}");
    }

    #[tokio::test]
    async fn the_pool_is_made_when_it_is_asked_for_and_then_seeded() {
        let context = context(&[("KEY_POOL_JSON", SEED), ("DATABASE_URL", "memory:")]);
        start_key_pool(&context, None).await.unwrap();
        assert!(context.key_pool.asked_for().is_none(), "nobody asked for a pool");
        let pool = context.clone().key_pool();
        start_key_pool(&context, None).await.unwrap();
        assert_eq!(pool.view().await.unwrap().keys[0].key.spec.concurrency, 3);
        let told = context.store.audit_entries(&AuditQuery::default()).await.unwrap();
        let told: Vec<String> =
            told.iter().map(|entry| format!("{} {}", entry.event.action, entry.event.outcome)).collect();
        assert_eq!(told, ["pool.seed done", "pool.seed begun"]);
        context.key_pool.close();
        assert!(matches!(pool.view().await, Err(PoolError::Closed)));
    }

    #[tokio::test]
    async fn the_doors_are_there_when_administrators_have_keys() {
        for (keys, expected) in [("one", StatusCode::OK), ("", StatusCode::NOT_FOUND)] {
            let context = context(&[("ADMIN_API_KEYS", keys), ("DATABASE_URL", "memory:")]);
            let handler = Arc::new(context.store_handler().build().unwrap());
            let router = context.standard_api(handler).routes(context.key_pool_routes()).build().unwrap();
            let request = Request::get("/admin/key-pool").header("x-admin-key", "one");
            let answer = router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status(), expected, "{keys}");
            let described = Request::get("/openapi.json").body(axum::body::Body::empty()).unwrap();
            let described = router.oneshot(described).await.unwrap().into_body();
            let described = axum::body::to_bytes(described, 1 << 20).await.unwrap();
            let text = std::str::from_utf8(&described).unwrap();
            let shown = text.contains("\"/admin/key-pool/events\"") && text.contains("\"adminKey\":{");
            assert_eq!(shown, expected == StatusCode::OK);
        }
    }
}
