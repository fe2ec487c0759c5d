//! The audit trail in tables that somebody else can write to, on disks that fill up, by processes that die.

#[path = "sql_audit/ends.rs"]
mod ends;
#[path = "sql_audit/tampers.rs"]
mod tampers;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::audit::{Actor, ActorKind, AuditEvent, AuditFault, AuditHead, AuditStore, HeadKeeper, action};
use mt_paas_core::store::sea_orm::SqlStore;
use sea_orm::ConnectionTrait;

pub(crate) use ends::{WRITER, write};

pub(crate) type Trial = (&'static str, fn(String) -> BoxFuture<'static, Result<(), Failed>>);

pub(crate) const TRIALS: &[Trial] = &[
    ("audit_rows_that_were_tampered_with_are_found_and_named", |url| Box::pin(tampers::by_statements(url))),
    ("a_cut_audit_trail_contradicts_what_another_process_wrote_of_it", |url| Box::pin(tampers::anchors(url))),
    ("a_row_under_the_next_number_of_an_audit_trail_is_passed_by_and_found", |url| Box::pin(tampers::ahead(url))),
    ("callers_who_go_away_in_the_middle_leave_a_whole_audit_trail", |url| Box::pin(ends::dropped(url))),
    ("processes_that_are_killed_leave_a_whole_audit_trail", |url| Box::pin(ends::killed(url))),
];

pub(crate) const ON_FILES: &[Trial] =
    &[("a_full_disk_lets_nothing_through_that_the_audit_trail_does_not_tell", |url| Box::pin(ends::full(url)))];

pub(crate) const ON_SERVERS: &[Trial] =
    &[("connections_that_are_cut_leave_a_whole_audit_trail", |url| Box::pin(ends::cut(url)))];

/// Keeps every head at once.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<AuditHead>>>);

impl Keeper {
    fn heads(&self) -> Vec<AuditHead> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, head: AuditHead) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    }
}

impl HeadKeeper for Keeper {
    fn begins(&self, head: AuditHead) -> io::Result<()> {
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

async fn kept(url: &str, keeper: &Keeper) -> Result<SqlStore, Failed> {
    let store = SqlStore::open(url).await?;
    store.keep_audit_heads(Arc::new(keeper.clone()));
    Ok(store)
}

fn event(name: &str) -> AuditEvent {
    AuditEvent::new(Actor::new(ActorKind::Operator, "kim"), action::USER_CREATE, Utc::now()).on("user", name)
}

/// What a verification finds.
async fn faults(store: &SqlStore, heads: &[AuditHead]) -> Result<Vec<AuditFault>, Failed> {
    let mut faults = Vec::new();
    store.verify_audit(heads, &mut |fault| faults.push(fault)).await?;
    Ok(faults)
}

async fn run(store: &SqlStore, sql: &str) -> Result<u64, Failed> {
    Ok(store.writer().execute_unprepared(sql).await?.rows_affected())
}
