//! Whose turn it is, among the callers of this process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets the callers of this process work on the same thing one after the other (or a few at once), in the order of their
/// coming. What it keeps from happening is only waste: between processes the store decides.
pub(crate) struct Turns<K> {
    places: usize,
    patience: Duration,
    turns: Mutex<HashMap<K, Arc<Semaphore>>>,
}

/// A turn, until dropped.
pub(crate) type Turn = OwnedSemaphorePermit;

/// Others kept their turns for too long.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("others did not end their work on the same thing")]
pub(crate) struct OutOfPatience;

impl<K: Eq + Hash> Turns<K> {
    /// Turns for `places` callers at once, of whom each waits for at most `patience`.
    pub(crate) fn new(places: usize, patience: Duration) -> Self {
        Self { places, patience, turns: Mutex::default() }
    }

    /// Waits for a turn.
    pub(crate) async fn take(&self, of: K) -> Result<Turn, OutOfPatience> {
        let taken = tokio::time::timeout(self.patience, self.turn(of).acquire_owned()).await;
        taken.ok().and_then(Result::ok).ok_or(OutOfPatience)
    }

    /// Takes a turn if one is free.
    pub(crate) fn take_free(&self, of: K) -> Option<Turn> {
        self.turn(of).try_acquire_owned().ok()
    }

    fn turn(&self, of: K) -> Arc<Semaphore> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits or works holds a second reference.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(of).or_insert_with(|| Arc::new(Semaphore::new(self.places))).clone()
    }
}

/// Waits a little before another try, longer and longer and never as long as a rival.
pub(crate) async fn pause(tries: usize) {
    let most = 1_u128 << tries.min(7);
    let millis = uuid::Uuid::new_v4().as_u128() % most;
    tokio::time::sleep(Duration::from_millis(u64::try_from(millis).unwrap_or(1))).await;
}
