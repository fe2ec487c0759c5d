//! The one connection of all turns of a process.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// A connection that one turn has at a time.
pub(super) struct Seat<C>(Arc<Mutex<Option<C>>>);

/// A turn's right to the connection. Who takes it out gives it back when its transaction has ended. A connection that is
/// dropped instead is closed, and what was begun on it is undone.
pub(super) struct Seated<C>(OwnedMutexGuard<Option<C>>);

impl<C> Default for Seat<C> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<C> Seat<C> {
    pub(super) async fn take(&self) -> Seated<C> {
        Seated(self.0.clone().lock_owned().await)
    }
}

impl<C> Seated<C> {
    /// The connection of the turn before, if it ended well.
    pub(super) fn connection(&mut self) -> Option<C> {
        self.0.take()
    }

    pub(super) fn give_back(mut self, connection: C) {
        *self.0 = Some(connection);
    }
}
