//! Statements of somebody who may write to the table.

use libtest_mimic::Failed;
use mt_paas_core::audit::{AuditStore, FaultKind};

use super::{Keeper, event, faults, kept, run};

pub(super) async fn by_statements(url: String) -> Result<(), Failed> {
    let keeper = Keeper::default();
    let store = kept(&url, &keeper).await?;
    for number in 0..9 {
        store.record_audit(&[event(&format!("u{number}"))]).await?;
    }
    let head = *keeper.heads().last().ok_or("no head")?;
    let (begun, heads) = (keeper.heads()[..1].to_vec(), keeper.heads());
    assert_eq!(faults(&store, &heads).await?, []);
    run(&store, "CREATE TABLE copied AS SELECT * FROM mt_audit").await?;
    use FaultKind::{Deleted, Edited, Inserted, Rechained, Reordered, TailCut, UnknownWriter};
    let stranger = "0190b1c2-0000-7000-8000-000000000001";
    let columns = "id, at, tenant_id, actor_kind, actor_id, action, target_kind, target_id, outcome, reason, \
        request_id, address, details, previous, hash";
    let mut tampers = vec![
        ("DELETE FROM mt_audit WHERE seq = 4".to_owned(), Deleted, 4),
        ("DELETE FROM mt_audit WHERE seq <= 2".to_owned(), Deleted, 1),
        ("DELETE FROM mt_audit WHERE seq >= 8".to_owned(), TailCut, 8),
        ("DELETE FROM mt_audit".to_owned(), TailCut, 1),
        ("UPDATE mt_audit SET seq = 0 WHERE seq = 1".to_owned(), Inserted, 0),
        // Neither database lets two rows pass through one number.
        (
            "UPDATE mt_audit SET seq = -4 WHERE seq = 4; UPDATE mt_audit SET seq = 4 WHERE seq = 5; \
             UPDATE mt_audit SET seq = 5 WHERE seq = -4"
                .to_owned(),
            Reordered,
            4,
        ),
        ("UPDATE mt_audit SET hash = (SELECT hash FROM copied WHERE seq = 3) WHERE seq = 6".to_owned(), Edited, 6),
        (format!("UPDATE mt_audit SET writer = '{stranger}'"), UnknownWriter, 1),
        (
            format!("INSERT INTO mt_audit SELECT '{stranger}', seq, {columns} FROM copied WHERE seq = 1"),
            UnknownWriter,
            1,
        ),
        // The beginning of another time in the place of this one: whole in itself.
        (
            format!(
                "DELETE FROM mt_audit WHERE seq > 1; INSERT INTO mt_audit SELECT writer, 2, {columns} FROM copied WHERE seq = 3"
            ),
            Reordered,
            2,
        ),
    ];
    for column in ["id", "actor_kind", "action", "outcome", "details"] {
        tampers.push((format!("UPDATE mt_audit SET {column} = {column} || ' ' WHERE seq = 5"), Edited, 5));
    }
    for column in ["tenant_id", "actor_id", "target_kind", "target_id", "reason", "request_id", "address"] {
        tampers.push((format!("UPDATE mt_audit SET {column} = 'other' WHERE seq = 9"), Edited, 9));
    }
    tampers.push(("UPDATE mt_audit SET at = at + 1 WHERE seq = 1".to_owned(), Edited, 1));
    for (tamper, kind, seq) in tampers {
        run(&store, &tamper).await?;
        let found = faults(&store, &heads).await?;
        let first = found.iter().find(|fault| fault.kind == kind);
        assert_eq!(first.map(|fault| fault.seq), Some(seq), "{tamper}: {found:?}");
        if kind != TailCut {
            let unaided = faults(&store, &begun).await?;
            assert!(unaided.iter().any(|fault| fault.kind == kind), "{tamper} without later heads: {unaided:?}");
        }
        run(&store, "DELETE FROM mt_audit").await?;
        run(&store, "INSERT INTO mt_audit SELECT * FROM copied").await?;
        assert_eq!(faults(&store, &heads).await?, [], "after {tamper}");
    }
    // Somebody who makes all of it anew, and stops where it stopped.
    run(&store, "DELETE FROM mt_audit").await?;
    let forger = mt_paas_core::store::sea_orm::SqlStore::open(&url).await?;
    for number in 0..9 {
        forger.record_audit(&[event(&format!("forged{number}"))]).await?;
    }
    assert!(faults(&store, &heads).await?.iter().any(|fault| fault.kind == UnknownWriter));
    run(&store, &format!("UPDATE mt_audit SET writer = '{}'", head.writer)).await?;
    let found = faults(&store, &heads).await?;
    assert!(found.iter().any(|fault| matches!(fault.kind, Edited | Rechained)), "{found:?}");
    Ok(())
}

pub(super) async fn anchors(url: String) -> Result<(), Failed> {
    let keeper = Keeper::default();
    let (first, second) = (kept(&url, &keeper).await?, kept(&url, &keeper).await?);
    for _ in 0..5 {
        first.record_audit(&[event("first")]).await?;
    }
    second.record_audit(&[event("second")]).await?;
    // All that is known outside is that there were two chains.
    let begun: Vec<_> = keeper.heads().into_iter().filter(|head| head.seq == 0).collect();
    let writer = begun[0].writer.to_string();
    assert_eq!((begun.len(), faults(&first, &begun).await?), (2, Vec::new()));
    run(&first, &format!("DELETE FROM mt_audit WHERE writer = '{writer}' AND seq > 3")).await?;
    let found = faults(&first, &begun).await?;
    let [fault] = found.as_slice() else { return Err(format!("{found:?}").into()) };
    assert_eq!((&*fault.writer, fault.kind, fault.seq, fault.through), (&*writer, FaultKind::TailCut, 4, 5));
    Ok(())
}

pub(super) async fn ahead(url: String) -> Result<(), Failed> {
    let keeper = Keeper::default();
    let store = kept(&url, &keeper).await?;
    store.record_audit(&[event("a")]).await?;
    let forged = "INSERT INTO mt_audit SELECT writer, seq + 1, id, at, tenant_id, actor_kind, actor_id, action, \
        target_kind, target_id, outcome, reason, request_id, address, details, hash, hash FROM mt_audit";
    run(&store, forged).await?;
    for name in ["b", "c"] {
        store.record_audit(&[event(name)]).await?;
    }
    let found = faults(&store, &keeper.heads()).await?;
    let first = keeper.heads()[0].writer.to_string();
    assert!(found.iter().all(|fault| *fault.writer == *first && fault.seq == 2), "{found:?}");
    assert!(found.iter().any(|fault| fault.kind == FaultKind::Inserted), "{found:?}");
    Ok(())
}
