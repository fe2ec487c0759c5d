//! Payloads of a pool, sealed by keys that come and go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mt_paas_core::key_pool::{
    AcquireOptions, Key, KeyChange, KeyId, KeyPool, KeyPoolStore, Lease, NewKey, PoolError, PoolLimits, Provider,
    SealError,
};
use mt_paas_core::seal::{
    Keyring, Progress, Replaced, ResealError, Resealed, RowPage, SealKeyId, SealedRows, reseal, sealed_under,
};
use mt_paas_core::store::StoreError;
use mt_paas_core::store::memory::MemoryKeyPool;
use mt_paas_core::{ApiError, ErrorKind, Secret};
use serde_json::json;

fn provider(number: usize) -> Provider {
    format!("p{}", number % 7).parse().unwrap()
}

fn key(number: usize) -> NewKey {
    let payload = Secret::new(json!({"api_key": format!("sk-secret-{number}")}));
    NewKey { concurrency: 3, ..NewKey::new(provider(number), format!("k{number}"), payload) }
}

fn limits() -> PoolLimits {
    PoolLimits { per_user: 10_000, total: 10_000, ..PoolLimits::default() }
}

/// A new key, and rings that have it first and the key of `old` after it, and it alone.
fn rings() -> (Keyring, Keyring, Keyring) {
    let (old, new) = (Keyring::new_key().unwrap(), Keyring::new_key().unwrap());
    let ring = |text: &str| Keyring::parse(text).unwrap();
    (ring(old.expose()), ring(&format!("{},{}", new.expose(), old.expose())), ring(new.expose()))
}

fn pools(ring: &Keyring) -> [(&'static str, KeyPool); 2] {
    let shared = KeyPool::shared(limits(), Arc::new(MemoryKeyPool::new()));
    let alone = KeyPool::in_memory(limits());
    [("memory", alone), ("shared", shared)].map(|(place, pool)| (place, pool.sealed_by(Arc::new(ring.clone()))))
}

async fn lease(pool: &KeyPool, number: usize) -> Lease {
    let options = AcquireOptions { patience: Duration::from_secs(5), ..AcquireOptions::default() };
    pool.acquire(&provider(number), &"t".parse().unwrap(), &"u".parse().unwrap(), &options).await.unwrap()
}

async fn keys(pool: &KeyPool) -> BTreeMap<KeyId, Arc<Key>> {
    pool.view().await.unwrap().keys.into_iter().map(|view| (view.key.id, view.key)).collect()
}

fn quiet(_: Progress) {}

#[tokio::test]
async fn without_a_key_nothing_is_sealed_opened_or_kept() {
    let (old, _, _) = rings();
    for (place, pool) in pools(&old) {
        pool.put_key(key(0)).await.unwrap();
        let sealed = pool.clone().sealed_by(Arc::new(Keyring::default()));
        let refused = sealed.put_key(key(1)).await.unwrap_err();
        let is_sealed =
            matches!(&refused, PoolError::NotSealed { source, .. } if matches!(**source, SealError::Sealed));
        assert!(is_sealed && !format!("{refused:?}").contains("sk-secret"), "{place}: {refused:?}");
        assert_eq!(ApiError::from(refused).kind(), ErrorKind::Unavailable, "{place}");
        assert_eq!(keys(&pool).await.len(), 1, "{place}");
        let held = lease(&sealed, 0).await;
        let refused = sealed.open(&held).unwrap_err();
        let is_sealed = matches!(&refused, PoolError::Sealed { source, .. } if matches!(**source, SealError::Sealed));
        assert!(is_sealed, "{place}: {refused:?}");
        let error = reseal(&Keyring::default(), &pool, &quiet).await.unwrap_err();
        assert!(matches!(error, ResealError::Seal(SealError::Sealed)), "{place}: {error}");
    }
}

#[tokio::test]
async fn keys_are_sealed_anew_while_they_are_lent_and_nothing_else_changes() {
    const KEYS: usize = 700;
    let (old, both, new) = rings();
    for (place, pool) in pools(&old) {
        for number in 0..KEYS {
            pool.put_key(key(number)).await.unwrap();
        }
        let (held, before) = (lease(&pool, 3).await, keys(&pool).await);
        assert_eq!(pool.count().await.unwrap(), [(old.active(), KEYS as u64)].into(), "{place}");

        let pool = pool.sealed_by(Arc::new(both.clone()));
        let over = Arc::new(AtomicBool::new(false));
        let reader = {
            let (pool, over) = (pool.clone(), over.clone());
            tokio::spawn(async move {
                let mut read = 0;
                while !over.load(Ordering::Relaxed) {
                    let lease = lease(&pool, read).await;
                    assert!(pool.open(&lease).unwrap().expose()["api_key"].is_string());
                    drop(lease);
                    read += 1;
                    tokio::task::yield_now().await;
                }
                read
            })
        };
        let pages = AtomicU64::new(0);
        let count = |_| {
            pages.fetch_add(1, Ordering::Relaxed);
        };
        let done = reseal(&both, &pool, &count).await.unwrap();
        over.store(true, Ordering::Relaxed);
        assert!(reader.await.unwrap() > 0, "{place}");
        assert_eq!(done, Progress { resealed: KEYS as u64, unreadable: 0 }, "{place}");
        assert!(pages.into_inner() >= 10, "{place}");
        assert_eq!(pool.count().await.unwrap(), [(new.active(), KEYS as u64)].into(), "{place}");
        assert_eq!(reseal(&both, &pool, &quiet).await.unwrap(), Progress::default(), "{place}: nothing is left");

        let after = keys(&pool).await;
        assert_eq!(after.len(), KEYS);
        for (id, was) in &before {
            let mut now = (*after[id]).clone();
            assert_ne!(now.spec.sealed_payload, was.spec.sealed_payload);
            now.spec.sealed_payload = was.spec.sealed_payload.clone();
            assert_eq!(now, **was, "{place}: more than the payload changed");
        }
        // As it was lent; and after the old key is gone, as it is now.
        assert!(pool.open(&held).is_ok(), "{place}");
        let pool = pool.sealed_by(Arc::new(new.clone()));
        assert!(matches!(pool.open(&held), Err(PoolError::Sealed { .. })), "{place}");
        assert!(pool.open(&lease(&pool, 3).await).is_ok(), "{place}");
    }
}

/// Changes a key's payload by hand between the reading and the writing of a page.
struct Meddling<'a> {
    pool: &'a KeyPool,
    meddles: AtomicBool,
    /// The fault that is looked for: it writes whatever stands there now.
    careless: bool,
}

#[async_trait]
impl SealedRows for Meddling<'_> {
    async fn count(&self) -> Result<BTreeMap<Option<SealKeyId>, u64>, StoreError> {
        self.pool.count().await
    }

    async fn page(&self, key: SealKeyId, after: Option<&str>, limit: usize) -> Result<RowPage, StoreError> {
        self.pool.page(key, after, limit).await
    }

    async fn replace(&self, mut rows: Vec<Resealed>) -> Result<Replaced, StoreError> {
        if !self.meddles.swap(true, Ordering::Relaxed) {
            let payload = Some(Secret::new(json!({"api_key": "by hand"})));
            self.pool.change_key(KeyId(1), KeyChange { payload, ..KeyChange::default() }).await.unwrap();
        }
        if self.careless {
            let now = keys(self.pool).await;
            for Resealed { row, .. } in &mut rows {
                let id = row.id.rsplit_once('/').unwrap().1.parse().unwrap();
                row.text = Secret::new(now[&KeyId(id)].spec.sealed_payload.clone());
            }
        }
        self.pool.replace(rows).await
    }
}

async fn keeps_what_was_changed_meanwhile(careless: bool) -> bool {
    let (old, both, new) = rings();
    let [_, (_, pool)] = pools(&old);
    for number in [0, 7, 14] {
        pool.put_key(key(number)).await.unwrap();
    }
    let rows = Meddling { pool: &pool, meddles: AtomicBool::new(false), careless };
    reseal(&both, &rows, &quiet).await.unwrap();
    assert_eq!(pool.count().await.unwrap(), [(new.active(), 3)].into());
    let first = keys(&pool).await[&KeyId(1)].clone();
    let place = mt_paas_core::key_pool::SealContext { provider: &first.spec.provider, name: &first.spec.name }.place();
    new.open(&first.spec.sealed_payload, place.place()).unwrap().expose().contains("by hand")
}

#[tokio::test]
async fn what_is_changed_meanwhile_is_not_undone() {
    assert!(keeps_what_was_changed_meanwhile(false).await);
    assert!(!keeps_what_was_changed_meanwhile(true).await);
}

#[tokio::test]
async fn what_does_not_open_is_counted_and_stays() {
    let (old, both, _) = rings();
    for (place, pool) in pools(&old) {
        pool.put_key(key(0)).await.unwrap();
        let (lost, _, _) = rings();
        pool.clone().sealed_by(Arc::new(lost.clone())).put_key(key(1)).await.unwrap();
        let done = reseal(&both, &pool, &quiet).await.unwrap();
        assert_eq!(done, Progress { resealed: 1, unreadable: 1 }, "{place}");
        assert_eq!(pool.count().await.unwrap(), [(both.active(), 1), (lost.active(), 1)].into(), "{place}");
    }
}

#[tokio::test]
async fn what_was_kept_as_clear_text_is_sealed_and_then_gone() {
    let (_, both, _) = rings();
    let store = Arc::new(MemoryKeyPool::new());
    let pool = KeyPool::shared(limits(), store.clone());
    for number in 0..100 {
        pool.put_key(key(number)).await.unwrap();
    }
    assert!(kept(&store).await.contains("sk-secret-42"), "the search finds nothing");
    assert_eq!(pool.count().await.unwrap(), [(None, 100)].into());
    assert!(!format!("{:?}", pool.page(both.active().unwrap(), None, 9).await.unwrap()).contains("sk-secret"));
    let done = reseal(&both, &pool, &quiet).await.unwrap();
    assert_eq!(done, Progress { resealed: 100, unreadable: 0 });
    let kept = kept(&store).await;
    assert!(!kept.contains("sk-secret") && kept.contains("mts1."), "clear text was left in the list");
    let pool = pool.sealed_by(Arc::new(both));
    assert!(pool.open(&lease(&pool, 42).await).is_ok());
    // Another process reads the same.
    let other = KeyPool::shared(limits(), store);
    assert!(keys(&other).await.values().all(|key| sealed_under(&key.spec.sealed_payload).is_some()));
}

/// The whole list.
async fn kept(store: &MemoryKeyPool) -> String {
    let mut turn = store.begin(0).await.unwrap();
    turn.entries().into_iter().map(|entry| entry.data).collect()
}
