//! Seeds, seals and changes by hand, as a pool keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mt_paas_core::Secret;
use mt_paas_core::key_pool::{
    AcquireOptions, Happened, Health, KeyChange, KeyId, KeyPool, KeyRefused, KeySeed, KeyView, NewKey, PayloadSeal,
    PoolError, PoolLimits, Provider, SealContext, SealError, Verdict,
};
use mt_paas_core::store::memory::MemoryKeyPool;
use serde_json::{Value, json};

/// Like a real seal: never the same text twice, and bound to its place. `word` stands for its key.
struct Envelope {
    word: &'static str,
    sealed: AtomicU64,
}

impl Envelope {
    fn new(word: &'static str) -> Arc<Self> {
        Arc::new(Self { word, sealed: AtomicU64::new(0) })
    }

    fn mark(&self, context: SealContext<'_>) -> String {
        format!("{}/{}", self.word, context.place().row)
    }
}

impl PayloadSeal for Envelope {
    fn seal(&self, plain: &Secret<String>, context: SealContext<'_>) -> Result<String, SealError> {
        let nonce = self.sealed.fetch_add(1, Ordering::Relaxed);
        Ok(format!("{nonce}|{}|{}", self.mark(context), plain.expose()))
    }

    fn open(&self, sealed: &str, context: SealContext<'_>) -> Result<Secret<String>, SealError> {
        let mut parts = sealed.splitn(3, '|').skip(1);
        match (parts.next(), parts.next()) {
            (Some(mark), Some(plain)) if mark == self.mark(context) => Ok(Secret::from(plain)),
            _ => Err(SealError::Foreign),
        }
    }
}

fn pool() -> KeyPool {
    KeyPool::in_memory(PoolLimits { per_user: 9, total: 9, ..PoolLimits::default() }).sealed_by(Envelope::new("w"))
}

fn provider() -> Provider {
    "openai".parse().unwrap()
}

fn seed(entries: &[Value]) -> KeySeed {
    KeySeed::parse(&json!({"openai": entries}).to_string()).unwrap()
}

fn entry(name: &str, secret: &str, rpm: u32) -> Value {
    json!({"name": name, "api_key": secret, "rpm_limit": rpm})
}

async fn keys(pool: &KeyPool) -> Vec<KeyView> {
    pool.view().await.unwrap().keys
}

async fn named(pool: &KeyPool, name: &str) -> KeyView {
    keys(pool).await.into_iter().find(|view| view.key.spec.name == name).unwrap()
}

async fn lease(pool: &KeyPool) -> mt_paas_core::key_pool::Lease {
    let options = AcquireOptions { patience: Duration::ZERO, ..AcquireOptions::default() };
    pool.acquire(&provider(), &"t".parse().unwrap(), &"u".parse().unwrap(), &options).await.unwrap()
}

async fn quarantine(pool: &KeyPool) {
    lease(pool).await.report(Verdict::Unauthorized).await.unwrap();
    assert!(matches!(keys(pool).await[0].key.health, Health::Quarantined { .. }));
}

#[tokio::test]
async fn a_lease_opens_the_payload_and_no_other_place_does() {
    let pool = pool();
    pool.seed(&seed(&[entry("a", "hidden", 60)])).await.unwrap();
    let held = lease(&pool).await;
    assert_eq!(pool.open(&held).unwrap().expose(), &json!({"api_key": "hidden"}));
    let error = pool.clone().sealed_by(Envelope::new("other")).open(&held).unwrap_err();
    assert!(matches!(&error, PoolError::Sealed { name, .. } if name == "a"), "{error}");
    assert!(!format!("{error:?} {error}").contains("hidden"), "{error:?}");
    let (tenant, user) = ("t".parse().unwrap(), "u".parse().unwrap());
    let job = pool.acquire_place(&tenant, &user, &AcquireOptions::default()).await.unwrap();
    assert_eq!(pool.open(&job).unwrap().expose(), &Value::Null);
    assert!(!format!("{:?}", seed(&[entry("a", "hidden", 60)])).contains("hidden"));
}

#[tokio::test]
async fn nothing_changes_when_nothing_is_said_or_it_is_said_again() {
    let pool = pool();
    let said = seed(&[entry("a", "x", 60), entry("b", "y", 60)]);
    pool.seed(&said).await.unwrap();
    let before = keys(&pool).await;
    pool.seed(&said).await.unwrap();
    pool.seed(&KeySeed::parse("  ").unwrap()).await.unwrap();
    let after = keys(&pool).await;
    assert_eq!(before.len(), 2);
    assert!(before.iter().zip(&after).all(|(before, after)| before.key == after.key), "{after:?}");
}

#[tokio::test]
async fn an_unchanged_entry_leaves_the_key_to_the_administrator() {
    let pool = pool();
    let said = seed(&[entry("a", "x", 60), entry("b", "y", 60)]);
    pool.seed(&said).await.unwrap();
    let (a, b) = (named(&pool, "a").await.key.id, named(&pool, "b").await.key.id);
    pool.set_key_active(a, false).await.unwrap();
    let change = KeyChange { requests_per_minute: Some(None), concurrency: Some(7), ..KeyChange::default() };
    pool.change_key(b, change).await.unwrap();
    pool.seed(&said).await.unwrap();
    assert!(!named(&pool, "a").await.key.spec.active);
    let b = named(&pool, "b").await;
    assert_eq!((b.key.spec.requests_per_minute, b.key.spec.concurrency), (None, 7));
    // The file speaks again of one of them.
    pool.seed(&seed(&[entry("a", "x", 61), entry("b", "y", 60)])).await.unwrap();
    let a = named(&pool, "a").await;
    assert_eq!((a.key.spec.active, a.key.spec.requests_per_minute), (true, Some(61)));
    assert_eq!(named(&pool, "b").await.key.spec.concurrency, 7);
}

#[tokio::test]
async fn seeded_keys_go_with_their_entries_and_keys_made_by_hand_stay() {
    let pool = pool();
    pool.seed(&seed(&[entry("a", "x", 60), entry("b", "y", 60)])).await.unwrap();
    let by_hand = NewKey::new(provider(), "hand", Secret::new(json!({"api_key": "z"})));
    pool.put_key(by_hand).await.unwrap();
    let b = named(&pool, "b").await.key.id;
    pool.set_key_active(b, false).await.unwrap();
    pool.seed(&seed(&[entry("a", "x", 60)])).await.unwrap();
    let left: Vec<String> = keys(&pool).await.iter().map(|view| view.key.spec.name.clone()).collect();
    assert_eq!(left, ["a", "hand"]);
    pool.seed(&KeySeed::parse("{}").unwrap()).await.unwrap();
    assert_eq!(keys(&pool).await.len(), 1);
    // A number is never given again.
    pool.seed(&seed(&[entry("b", "y", 60)])).await.unwrap();
    assert!(named(&pool, "b").await.key.id > b);
    // An entry takes a key with its name over.
    pool.seed(&seed(&[entry("hand", "z", 60)])).await.unwrap();
    pool.seed(&KeySeed::parse("{}").unwrap()).await.unwrap();
    assert!(keys(&pool).await.is_empty());
}

#[tokio::test]
async fn a_quarantine_ends_with_another_secret_and_not_with_another_limit() {
    let pool = pool();
    pool.seed(&seed(&[entry("a", "x", 60)])).await.unwrap();
    quarantine(&pool).await;
    let id = keys(&pool).await[0].key.id;
    pool.seed(&seed(&[entry("a", "x", 90)])).await.unwrap();
    let same = |secret: &str| Secret::new(json!({ "api_key": secret }));
    let change = KeyChange { payload: Some(same("x")), concurrency: Some(3), ..KeyChange::default() };
    pool.change_key(id, change).await.unwrap();
    pool.put_key(NewKey { concurrency: 2, ..NewKey::new(provider(), "a", same("x")) }).await.unwrap();
    let key = named(&pool, "a").await.key;
    assert!(matches!(key.health, Health::Quarantined { .. }), "{key:?}");
    assert_eq!(key.spec.concurrency, 2);

    pool.seed(&seed(&[entry("a", "another", 90)])).await.unwrap();
    assert_eq!(named(&pool, "a").await.key.health, Health::Well);
    quarantine(&pool).await;
    let change = KeyChange { payload: Some(same("third")), ..KeyChange::default() };
    pool.change_key(id, change).await.unwrap();
    assert_eq!(named(&pool, "a").await.key.health, Health::Well);
    assert_eq!(pool.open(&lease(&pool).await).unwrap().expose(), &json!({"api_key": "third"}));
}

#[tokio::test]
async fn another_seal_is_healed_by_the_seed_and_the_administrators_work_stays() {
    let store = Arc::new(MemoryKeyPool::new());
    let limits = PoolLimits::default();
    let (old, new) = (Envelope::new("old"), Envelope::new("new"));
    let said = seed(&[entry("a", "x", 60)]);
    let before = KeyPool::shared(limits, store.clone()).sealed_by(old);
    before.seed(&said).await.unwrap();
    let change = KeyChange { concurrency: Some(5), ..KeyChange::default() };
    before.change_key(keys(&before).await[0].key.id, change).await.unwrap();

    let after = KeyPool::shared(limits, store).sealed_by(new);
    let held = lease(&after).await;
    assert!(matches!(after.open(&held), Err(PoolError::Sealed { .. })));
    drop(held);
    after.seed(&said).await.unwrap();
    let held = lease(&after).await;
    assert_eq!(after.open(&held).unwrap().expose(), &json!({"api_key": "x"}));
    assert_eq!(named(&after, "a").await.key.spec.concurrency, 5);
}

#[tokio::test]
async fn a_key_is_added_once_and_only_what_is_there_is_changed() {
    let pool = pool();
    let key = NewKey::new(provider(), "a", Secret::new(json!({"api_key": "x"})));
    pool.add_key(key.clone()).await.unwrap();
    let twice = pool.add_key(key.clone()).await.unwrap_err();
    assert!(matches!(twice, PoolError::KeyRefused(KeyRefused::Taken { .. })), "{twice}");
    let payload = Some(Secret::new(json!({})));
    for change in [KeyChange::default(), KeyChange { payload, ..KeyChange::default() }] {
        let nobody = pool.change_key(KeyId(99), change).await.unwrap_err();
        assert!(matches!(nobody, PoolError::KeyRefused(KeyRefused::Unknown(KeyId(99)))), "{nobody}");
    }
    for (field, change) in [
        ("concurrency_limit", KeyChange { concurrency: Some(0), ..KeyChange::default() }),
        ("rpm_limit", KeyChange { requests_per_minute: Some(Some(0)), ..KeyChange::default() }),
        ("rpd_limits.m", KeyChange { requests_per_day: Some([("m".to_owned(), 0)].into()), ..KeyChange::default() }),
    ] {
        let refused = pool.change_key(KeyId(1), change).await.unwrap_err();
        assert!(refused.to_string().starts_with(field), "{refused}");
    }
    let wrong = NewKey { concurrency: 0, ..key };
    assert!(pool.put_key(wrong).await.is_err());
    assert_eq!(keys(&pool).await[0].key.spec.concurrency, 1);
}

#[tokio::test]
async fn whoever_watches_gets_what_comes_after_the_view() {
    let pool = pool();
    pool.seed(&seed(&[entry("a", "x", 60)])).await.unwrap();
    let (view, mut events) = pool.watch().await.unwrap();
    assert_eq!((view.keys.len(), view.leases.len()), (1, 0));
    let generation = lease(&pool).await.generation();
    let granted = events.recv().await.unwrap().happened;
    assert!(matches!(granted, Happened::Granted { lease, .. } if lease == generation), "{granted:?}");
    let released = events.recv().await.unwrap().happened;
    assert!(matches!(released, Happened::Released(lease) if lease == generation), "{released:?}");
    pool.set_key_active(KeyId(1), true).await.unwrap();
    pool.release_key(KeyId(1)).await.unwrap();
    assert!(events.try_recv().is_err(), "a key that stays as it is did not change");
}
