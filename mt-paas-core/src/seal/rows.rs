//! Rows with sealed values, as whoever re-keys them sees them.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::key::SealKeyId;
use super::place::RowPlace;
use crate::secret::Secret;
use crate::store::StoreError;

/// All sealed values of one kind: a column of a table, the payloads of a key pool.
///
/// # Who this binds
///
/// Implementors promise that a walk over the pages sees every value that is there from its beginning to its end, in one
/// order; that [`replace`](Self::replace) changes the values that it names, nothing else of their rows, and all or none;
/// and that values are read and written by others meanwhile.
#[async_trait]
pub trait SealedRows: Send + Sync {
    /// How many values each key has sealed; under `None`: what is kept unsealed.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn count(&self) -> Result<BTreeMap<Option<SealKeyId>, u64>, StoreError>;

    /// Some of the values that are not sealed under `key`: at most `limit` of those after `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn page(&self, key: SealKeyId, after: Option<&str>, limit: usize) -> Result<RowPage, StoreError>;

    /// Puts new texts in the place of the ones that were read.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn replace(&self, rows: Vec<Resealed>) -> Result<Replaced, StoreError>;

    /// Forgets former texts where they are still kept, as far as that can be done without stopping anybody.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn forget_former(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A part of a walk.
#[derive(Debug, Clone)]
pub struct RowPage {
    /// The values; there may be none although the walk goes on.
    pub rows: Vec<SealedRow>,
    /// After what the walk goes on; `None`: it is over.
    pub next: Option<String>,
}

/// A value as it is kept.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// Its name among the values of its kind.
    pub id: String,
    /// Where it stands.
    pub place: RowPlace,
    /// What stands there, which may be clear text.
    pub text: Secret<String>,
    /// What it means, if it was kept unsealed before there was a key.
    pub clear: Option<Secret<String>>,
}

/// A value and what is to take its place.
#[derive(Debug, Clone)]
pub struct Resealed {
    /// The value as it was read.
    pub row: SealedRow,
    /// Its new text.
    pub text: String,
}

/// What became of new texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// All are in place.
    Done,
    /// At least one of the old ones was not there any more; nothing was replaced.
    Changed,
}
