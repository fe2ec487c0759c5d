//! What was read a moment ago, so that a thousand requests of one session are one read.

use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;

use super::Accounts;
use crate::store::StoreError;

/// How many sessions or keys a process remembers.
const REMEMBERED: u64 = 100_000;

/// How often a read that somebody else began is joined before one is begun without looking left or right.
const JOINS: usize = 3;

/// Values that were read from the store no longer than [`Accounts::FRESH`] before they are asked for. What is not there is
/// not remembered: whoever tries keys fills nothing.
pub(super) struct Recent<K, V>(Cache<K, Seen<V>>);

/// A value and the moment before it was read. What happened before that moment is in it, and nothing else is promised.
#[derive(Debug, Clone)]
struct Seen<V> {
    at: Instant,
    value: V,
}

/// Why nothing was found.
enum Missed {
    Nothing,
    Store(StoreError),
}

struct SinceRead;

impl<K, V> Expiry<K, Seen<V>> for SinceRead {
    fn expire_after_create(&self, _: &K, seen: &Seen<V>, _: Instant) -> Option<Duration> {
        Some(Accounts::FRESH.saturating_sub(seen.at.elapsed()))
    }
}

impl<K, V> Recent<K, V>
where
    K: Eq + Hash + Copy + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED).expire_after(SinceRead).build())
    }

    /// The value of a key, read by `read` unless that was done a moment ago. Callers who come at once share one read.
    pub(super) async fn get<F>(&self, key: K, read: impl Fn() -> F) -> Result<Option<V>, StoreError>
    where
        F: Future<Output = Result<Option<V>, StoreError>>,
    {
        let came = Instant::now();
        for _ in 0..JOINS {
            let begin = async {
                let at = Instant::now();
                let value = read().await.map_err(Missed::Store)?.ok_or(Missed::Nothing)?;
                Ok(Seen { at, value })
            };
            match self.0.try_get_with(key, begin).await {
                Ok(seen) if came.saturating_duration_since(seen.at) <= Accounts::FRESH => return Ok(Some(seen.value)),
                // A read that somebody began long ago, and that ended only now.
                Ok(_) => {}
                Err(missed) => match &*missed {
                    Missed::Nothing => return Ok(None),
                    Missed::Store(_) => return Err(shared(missed)),
                },
            }
        }
        read().await
    }

    /// Forgets a key of which this process knows better.
    pub(super) async fn forget(&self, key: &K) {
        self.0.invalidate(key).await;
    }
}

/// The error of a read that several callers waited for.
fn shared(missed: Arc<Missed>) -> StoreError {
    match Arc::try_unwrap(missed) {
        Ok(Missed::Store(error)) => error,
        _ => StoreError::Unavailable("a read that others had begun failed".into()),
    }
}
