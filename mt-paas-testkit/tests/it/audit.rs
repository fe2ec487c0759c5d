//! `mt-paas audit verify` as a process.

use std::sync::Arc;

use mt_paas_core::audit::{Actor, AuditEvent, AuditStore, HeadFile, action};
use mt_paas_core::store::sea_orm::SqlStore;
use sea_orm::ConnectionTrait;

use crate::cli::{run, text};

#[tokio::test]
async fn a_whole_trail_is_0_a_faulty_one_1_and_none_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (url, heads) = (format!("sqlite:{}", path("a.db")), path("heads"));
    let store = SqlStore::open(&url).await.expect("a store");
    store.keep_audit_heads(Arc::new(HeadFile::new(&heads)));
    for _ in 0..3 {
        let event = AuditEvent::new(Actor::SYSTEM, action::USER_CREATE, chrono::Utc::now());
        store.record_audit(&[event]).await.expect("an entry");
    }
    let verify = async |heads: &[&str]| {
        let done = run(&[&["audit", "verify", "--database", &url], heads].concat()).await;
        (done.status.code(), text(&done.stdout), text(&done.stderr))
    };
    let (code, said, _) = verify(&["--heads", &heads]).await;
    assert_eq!((code, said.as_str()), (Some(0), "3 entries in 1 chains, 0 faults\n"));
    store.writer().execute_unprepared("UPDATE mt_audit SET outcome = 'failed' WHERE seq = 2").await.expect("a tamper");
    let (code, said, _) = verify(&["--heads", &heads]).await;
    assert!(code == Some(1) && said.contains(" 2 edited: ") && said.ends_with(", 1 faults\n"), "{said}");
    store.close().await.expect("an end");
    let (code, _, said) = verify(&["--heads", &path("nowhere")]).await;
    assert!(code == Some(2) && said.contains("nowhere cannot be read"), "{said}");
    for (url, expected) in [("memory:", 2), ("mysql://x", 2), ("sqlite:typo.db", 3)] {
        let done = run(&["audit", "verify", "--database", url]).await;
        assert_eq!(done.status.code(), Some(expected), "{url}: {}", text(&done.stderr));
    }
}
