//! A keeper of heads that forgets nothing, and may refuse.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mt_paas_core::audit::{AuditHead, HeadKeeper};
use mt_paas_core::store::Store;

#[derive(Clone, Default)]
pub(super) struct Keeper(Arc<Kept>);

#[derive(Default)]
struct Kept {
    heads: Mutex<Vec<AuditHead>>,
    refuses: AtomicBool,
}

impl Keeper {
    /// The keeper of a store that has none.
    pub(super) fn of(store: &dyn Store) -> Self {
        let keeper = Self::default();
        store.keep_audit_heads(Arc::new(keeper.clone()));
        keeper
    }

    /// What was kept, in order.
    pub(super) fn heads(&self) -> Vec<AuditHead> {
        self.0.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on no chain may begin, or each may again.
    pub(super) fn refuse(&self, refuses: bool) {
        self.0.refuses.store(refuses, Ordering::SeqCst);
    }

    fn keep(&self, head: AuditHead) {
        self.0.heads.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    }
}

impl HeadKeeper for Keeper {
    fn begins(&self, head: AuditHead) -> io::Result<()> {
        if self.0.refuses.load(Ordering::SeqCst) {
            return Err(io::Error::other("planted"));
        }
        self.keep(head);
        Ok(())
    }

    fn moved(&self, head: AuditHead) {
        self.keep(head);
    }

    fn ended(&self, head: AuditHead) {
        self.keep(AuditHead { ended: true, ..head });
    }
}
