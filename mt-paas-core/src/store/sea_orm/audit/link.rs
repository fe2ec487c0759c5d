//! This process's place in its chain.

use std::fmt;
use std::sync::{Arc, OnceLock};

use chrono::Utc;
use sea_orm::{DatabaseTransaction, DbErr};
use tokio::sync::Mutex;

use super::super::connect::Database;
use super::super::error::{code, driver_error, sqlite_code};
use super::super::fault::Fault;
use super::rows;
use crate::audit::{AuditEvent, Chain, HeadKeeper};

/// The chain of this process. Whoever writes entries holds it until the commit.
#[derive(Default)]
pub(in crate::store::sea_orm) struct Link {
    /// `None`: the next entry begins another chain.
    place: Mutex<Option<Chain>>,
    keeper: OnceLock<Arc<dyn HeadKeeper>>,
}

/// Commits a change together with what the audit trail says about it. Nothing else is done between the two, so that nobody
/// waits for the chain who holds what its holder waits for.
///
/// A transaction that was rolled back leaves the chain as it was. When nobody knows whether it was, because the connection
/// was lost or the caller went away, the next entry begins another chain: this one may be longer by then than its process
/// knows.
pub(in crate::store::sea_orm) async fn commit(
    db: &Database,
    tx: DatabaseTransaction,
    events: &[AuditEvent],
) -> Result<(), Fault> {
    if events.is_empty() {
        return Ok(tx.commit().await?);
    }
    let link = &*db.audit;
    let mut place = link.place.lock().await;
    let before = match place.take() {
        Some(chain) => chain,
        None => link.begin()?,
    };
    // Until the commit a caller who goes away leaves nothing behind.
    *place = Some(before.clone());
    let mut chain = before.clone();
    let now = Utc::now();
    let mut entries = Vec::with_capacity(events.len() + 1);
    if chain.wants_anchor(now) {
        entries.extend(chain.anchor(&rows::heads(&tx).await?, now));
    }
    entries.extend(events.iter().map(|event| chain.push(event.clone())));
    if let Err(error) = rows::insert(&tx, &entries).await {
        if is_taken(&error) {
            *place = None;
            link.left(&before);
            return Err(Fault::Lost);
        }
        return Err(error.into());
    }
    *place = None;
    match tx.commit().await {
        Ok(()) => {
            if let Some(keeper) = link.keeper.get() {
                keeper.moved(chain.head());
            }
            *place = Some(chain);
            Ok(())
        }
        Err(error) => {
            *place = was_rolled_back(&error).then_some(before);
            Err(error.into())
        }
    }
}

impl Link {
    /// Tells a keeper of heads from the next entry on. The first one stays.
    pub(super) fn keep_heads(&self, keeper: Arc<dyn HeadKeeper>) {
        let _ = self.keeper.set(keeper);
    }

    /// Ends the chain, when nothing can be written any more.
    pub(in crate::store::sea_orm) async fn end(&self) {
        let chain = self.place.lock().await.take();
        if let (Some(keeper), Some(chain)) = (self.keeper.get(), chain) {
            keeper.ended(chain.head());
        }
    }

    fn begin(&self) -> Result<Chain, Fault> {
        let chain = Chain::begin();
        if let Some(keeper) = self.keeper.get() {
            let begun = keeper.begins(chain.head());
            begun.map_err(|error| DbErr::Custom(format!("the head of the audit trail cannot be kept: {error}")))?;
        }
        Ok(chain)
    }

    /// Somebody else wrote a row under this chain's next number.
    fn left(&self, chain: &Chain) {
        let head = chain.head();
        tracing::error!(writer = %head.writer, seq = head.seq, "somebody else has written into the audit trail of this process");
        if let Some(keeper) = self.keeper.get() {
            keeper.ended(head);
        }
    }
}

/// A row with the key of one of these is there.
fn is_taken(error: &DbErr) -> bool {
    driver_error(error).and_then(code).is_some_and(|code| matches!(code.as_str(), "23505" | "1555" | "2067"))
}

/// Whether the database says that nothing was committed: it lost to another transaction, or had no room or no lock.
fn was_rolled_back(error: &DbErr) -> bool {
    let Some(driver) = driver_error(error) else { return false };
    let refused =
        code(driver).is_some_and(|code| code.len() == 5 && (code.starts_with("40") || code.starts_with("23")));
    refused || matches!(sqlite_code(driver), Some(5 | 6 | 13))
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("place", &self.place).finish_non_exhaustive()
    }
}
