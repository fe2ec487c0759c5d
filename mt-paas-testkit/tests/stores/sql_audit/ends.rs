//! Work that ends in the middle: by whoever called, by a signal, with the connection, or for want of room.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Failed;
use mt_paas_core::audit::{AuditEvent, AuditQuery, AuditStore, HeadFile, action};
use mt_paas_core::outbox::OutboxEvent;
use mt_paas_core::standard_api::{Role, UserStatus};
use mt_paas_core::store::StoreError;
use mt_paas_core::store::sea_orm::SqlStore;
use mt_paas_core::tenants::{Revision, Saved, Tenant, TenantStore};
use mt_paas_core::users::{Inserted, User, UserSearch, UserStore};
use mt_paas_core::{TenantId, UserId};

use super::{Keeper, event, faults, kept, run};

/// The first argument of a process that [`write`]s; then the address and the file of heads.
pub(crate) const WRITER: &str = "audit-writer";

/// The work of a process that is going to be killed: users, and an entry with each.
pub(crate) async fn write(url: &str, heads: &str) -> Result<(), Failed> {
    let store = SqlStore::open(url).await?;
    store.keep_audit_heads(Arc::new(HeadFile::new(heads)));
    let tenant = TenantId::try_from("t".to_owned())?;
    let found = store.tenant(&tenant).await?.ok_or("no tenant")?;
    loop {
        add(&store, &found, UserId::random()).await?;
    }
}

async fn open_tenant(store: &SqlStore) -> Result<Tenant, Failed> {
    let now = chrono::Utc::now();
    let row = Tenant {
        id: "t".parse()?,
        revision: Revision::default(),
        status: mt_paas_core::standard_api::TenantStatus::Active,
        activation: Default::default(),
        plan: "pro".to_owned(),
        allowed_features: Default::default(),
        features: Default::default(),
        limits: Default::default(),
        branding: Default::default(),
        zone: Default::default(),
        term: mt_paas_core::tenants::SubscriptionTerm {
            start: now.date_naive(),
            end: now.date_naive(),
            auto_renew: true,
        },
        callback_url: None,
        data_preserved: true,
        hook: None,
        data_retention_until: None,
        created_at: now,
        updated_at: now,
    };
    match store.save_tenant(&row, None, false, &[], &[]).await? {
        Saved::Done(revision) => Ok(Tenant { revision, ..row }),
        Saved::Stale => Err("the tenant is there already".into()),
    }
}

async fn add(store: &SqlStore, tenant: &Tenant, id: UserId) -> Result<Inserted, StoreError> {
    let now = chrono::Utc::now();
    let user = User {
        tenant: tenant.id.clone(),
        login_name: id.to_string(),
        email: None,
        name: "U".to_owned(),
        role: Role::User,
        status: UserStatus::Active,
        created_at: now,
        updated_at: now,
        last_login: None,
        id,
    };
    let message = OutboxEvent::user_created(tenant, &user, now);
    let told = event(user.id.as_str());
    store.insert_user(tenant.revision, &user, u64::MAX >> 1, &message, &[told]).await
}

/// Every user has an entry, and every entry a user.
async fn agree(store: &SqlStore, tenant: &TenantId) -> Result<usize, Failed> {
    let mut query = AuditQuery { action: Some(action::USER_CREATE), limit: 1000, ..AuditQuery::default() };
    let mut told = BTreeSet::new();
    loop {
        let page = store.audit_entries(&query).await?;
        let Some(last) = page.last() else { break };
        query.after = Some(last.into());
        for entry in page {
            let target = entry.event.target.ok_or("an entry without a target")?;
            assert!(told.insert(target.id.as_str().to_owned()), "told twice: {}", target.id);
        }
    }
    let mut search = UserSearch::default();
    search.page.limit = 100_000;
    let users = store.users(tenant, &search).await?.users;
    let there: BTreeSet<String> = users.into_iter().map(|(user, _)| user.id.to_string()).collect();
    assert!(told == there, "{} entries and {} users", told.len(), there.len());
    Ok(told.len())
}

pub(super) async fn dropped(url: String) -> Result<(), Failed> {
    let keeper = Keeper::default();
    let store = kept(&url, &keeper).await?;
    let tenant = open_tenant(&store).await?;
    let mut ended = 0;
    for round in 0..120_u64 {
        let work = add(&store, &tenant, UserId::random());
        tokio::pin!(work);
        for _ in 0..round % 40 {
            if futures_util::future::poll_immediate(&mut work).await.is_some() {
                ended += 1;
                break;
            }
            tokio::time::sleep(Duration::from_micros(100 + 37 * (round % 7))).await;
        }
    }
    assert!((1..120).contains(&ended), "{ended} of 120 came to their end: nothing was dropped, or everything");
    // One that is undisturbed, so that what was given up has been taken back.
    add(&store, &tenant, UserId::random()).await?;
    assert_eq!(faults(&store, &keeper.heads()).await?, []);
    agree(&store, &tenant.id).await?;
    store.close().await?;
    let store = SqlStore::open(&url).await?;
    assert_eq!(faults(&store, &keeper.heads()).await?, [], "after the end");
    assert!(keeper.heads().last().is_some_and(|head| head.ended));
    Ok(())
}

pub(super) async fn killed(url: String) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let heads = folder.path().join("heads");
    let store = SqlStore::open(&url).await?;
    let tenant = open_tenant(&store).await?;
    for round in 0..8_u64 {
        let before = store.count_users(&tenant.id).await?;
        let writers = [start(&url, &heads)?, start(&url, &heads)?];
        while store.count_users(&tenant.id).await? < before + 3 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // In some rounds long enough for a head in the middle of a chain.
        tokio::time::sleep(Duration::from_millis(round * round * 23)).await;
        for mut writer in writers {
            writer.kill()?;
            writer.wait()?;
        }
        let known = HeadFile::read(&heads)?;
        assert_eq!(known.unreadable, 0);
        assert_eq!(faults(&store, &known.heads).await?, [], "in round {round}");
        agree(&store, &tenant.id).await?;
    }
    let known = HeadFile::read(&heads)?.heads;
    let last = known.iter().filter(|head| head.seq > 1).max_by_key(|head| head.seq).ok_or("no head was kept")?;
    run(&store, &format!("DELETE FROM mt_audit WHERE writer = '{}' AND seq >= {}", last.writer, last.seq)).await?;
    assert!(!faults(&store, &known).await?.is_empty(), "a trail that was cut looks whole");
    Ok(())
}

fn start(url: &str, heads: &Path) -> Result<Child, Failed> {
    let heads = heads.to_str().ok_or("no text")?;
    Ok(Command::new(std::env::current_exe()?).args([WRITER, url, heads]).stderr(Stdio::null()).spawn()?)
}

pub(super) async fn full(url: String) -> Result<(), Failed> {
    let keeper = Keeper::default();
    let store = kept(&url, &keeper).await?;
    let tenant = open_tenant(&store).await?;
    for round in 0..3 {
        add(&store, &tenant, UserId::random()).await?;
        // A limit below what is there counts as what is there.
        run(&store, "PRAGMA max_page_count = 1").await?;
        let mut refused = 0;
        for _ in 0..2000 {
            refused += usize::from(add(&store, &tenant, UserId::random()).await.is_err());
            if refused > 20 {
                break;
            }
        }
        assert!(refused > 20, "the disk was never full");
        agree(&store, &tenant.id).await?;
        let long = event("long").detail("long", "x".repeat(250));
        let mut last = Ok(());
        for _ in 0..100 {
            last = store.record_audit(&[AuditEvent { action: action::ADMIN_REFUSED, ..long.clone() }]).await;
        }
        assert!(matches!(last, Err(StoreError::Unavailable(_))), "{last:?}");
        run(&store, "PRAGMA max_page_count = 1000000").await?;
        assert_eq!(faults(&store, &keeper.heads()).await?, [], "in round {round}");
    }
    let chains = keeper.heads().iter().filter(|head| head.seq == 0).count();
    assert_eq!(chains, 1, "what is rolled back leaves the chain as it was");
    Ok(())
}

pub(super) async fn cut(url: String) -> Result<(), Failed> {
    let judge = SqlStore::open(&url).await?;
    let tenant = open_tenant(&judge).await?;
    let name = format!("audit-{}", uuid::Uuid::new_v4().simple());
    let keeper = Keeper::default();
    let store = kept(&format!("{url}&application_name={name}"), &keeper).await?;
    let work = tokio::spawn({
        let (store, tenant) = (store.clone(), tenant.clone());
        async move {
            let mut failed = 0;
            for _ in 0..150 {
                failed += usize::from(add(&store, &tenant, UserId::random()).await.is_err());
            }
            failed
        }
    });
    let mut cut = 0;
    while !work.is_finished() {
        let sql = format!(
            "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE application_name = '{name}' AND state <> 'idle'"
        );
        cut += run(&judge, &sql).await?;
        tokio::time::sleep(Duration::from_millis(45)).await;
    }
    let failed = work.await?;
    assert!(cut > 3 && failed > 3 && failed < 150, "{cut} connections were cut and {failed} of 150 users refused");
    assert_eq!(faults(&judge, &keeper.heads()).await?, []);
    agree(&judge, &tenant.id).await?;
    Ok(())
}
