//! Moves values to the ring's first key while everybody goes on working.

use std::time::Instant;

use super::SealError;
use super::keyring::Keyring;
use super::rows::{Replaced, Resealed, SealedRow, SealedRows};
use crate::store::StoreError;

/// How far a re-keying has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Values that were sealed again.
    pub resealed: u64,
    /// Values of this walk that do not open: their key is not on the ring, or they were changed. They stay as they are.
    pub unreadable: u64,
}

/// A re-keying ended early. What it did holds; another one goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResealError {
    /// A value could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The values could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Values that change together. More is faster, and keeps others waiting longer.
const PAGE: usize = 64;
/// Walks after which what somebody else changes again and again is left to the next re-keying.
const WALKS: usize = 8;

/// Seals every value under the ring's first key that is not sealed under it yet, and tells how far it is after each page.
///
/// What is left to do is what the rows themselves say, so that a re-keying that was killed goes on where it was, and two
/// at once do no harm. It takes at most half of the store's time.
///
/// # Errors
///
/// [`ResealError`]; a value that does not open is none, and is counted.
pub async fn reseal(
    keyring: &Keyring,
    rows: &dyn SealedRows,
    tell: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Progress, ResealError> {
    let active = keyring.active().ok_or(SealError::Sealed)?;
    let mut progress = Progress::default();
    for _ in 0..WALKS {
        let (mut after, mut changed) = (None, false);
        progress.unreadable = 0;
        loop {
            let began = Instant::now();
            let page = rows.page(active, after.as_deref(), PAGE).await?;
            let read = page.rows.len();
            let fresh = page.rows.into_iter().map(|row| again(keyring, row)).collect::<Result<Vec<_>, _>>()?;
            let fresh: Vec<Resealed> = fresh.into_iter().flatten().collect();
            let count = fresh.len();
            progress.unreadable += (read - count) as u64;
            if count > 0 {
                match rows.replace(fresh).await? {
                    Replaced::Done => progress.resealed += count as u64,
                    Replaced::Changed => changed = true,
                }
                tell(progress);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
            tokio::time::sleep(began.elapsed()).await;
        }
        if !changed {
            break;
        }
    }
    if progress.resealed > 0 {
        rows.forget_former().await?;
    }
    Ok(progress)
}

/// A value sealed again; `None`: it does not open.
fn again(keyring: &Keyring, row: SealedRow) -> Result<Option<Resealed>, SealError> {
    let place = row.place.place();
    let plain = match &row.clear {
        Some(clear) => clear.clone(),
        None => match keyring.open(row.text.expose(), place) {
            Ok(plain) => plain,
            Err(_) => return Ok(None),
        },
    };
    let text = keyring.seal(&plain, place)?;
    Ok(Some(Resealed { text, row }))
}
