//! What can go wrong before a store is open: one sentence each, and nothing half-written.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use libtest_mimic::Failed;
use mt_paas_core::store::Store;
use mt_paas_core::store::sea_orm::{ConnectError, Migrations, SqlStore};
use mt_paas_testkit::stores::same_as_memory;
use sea_orm::ConnectionTrait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

type Trial = (&'static str, fn() -> BoxFuture<'static, Result<(), Failed>>);

pub(crate) const TRIALS: &[Trial] = &[
    ("folder_and_file_are_made_and_kept", || Box::pin(folder_and_file_are_made_and_kept())),
    ("a_store_in_memory_does_the_same", || Box::pin(a_store_in_memory_does_the_same())),
    ("a_file_is_in_wal_mode_and_readers_cannot_write", || Box::pin(a_file_is_in_wal_mode_and_readers_cannot_write())),
    ("another_scheme_is_refused", || Box::pin(another_scheme_is_refused())),
    ("a_file_is_no_folder", || Box::pin(a_file_is_no_folder())),
    ("a_folder_is_no_file", || Box::pin(a_folder_is_no_file())),
    ("another_file_is_not_touched", || Box::pin(another_file_is_not_touched())),
    ("a_file_that_cannot_be_made_is_named", || Box::pin(a_file_that_cannot_be_made_is_named())),
    ("a_locked_file_is_told_after_a_while", || Box::pin(a_locked_file_is_told_after_a_while())),
    ("a_missing_file_is_not_made_by_connect", || Box::pin(a_missing_file_is_not_made_by_connect())),
    ("a_closed_port_is_unreachable", || Box::pin(a_closed_port_is_unreachable())),
    ("a_silent_server_is_unreachable", || Box::pin(a_silent_server_is_unreachable())),
    ("a_wrong_password_is_told", || Box::pin(a_wrong_password_is_told())),
    ("an_unknown_database_is_told", || Box::pin(an_unknown_database_is_told())),
];

/// The error of an address, whose text and sources must not hold the password.
async fn refusal(url: &str) -> Result<ConnectError, Failed> {
    let error = match SqlStore::open(url).await {
        Ok(_) => return Err(format!("{url} was opened").into()),
        Err(error) => error,
    };
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!("{inner} {inner:?}"));
        source = inner.source();
    }
    if text.contains("s3cret") { Err(format!("the password is in {text}").into()) } else { Ok(error) }
}

fn says(error: &ConnectError, sentence: &str) -> Result<(), Failed> {
    if error.to_string() == sentence { Ok(()) } else { Err(format!("{error} ({error:?}), not {sentence}").into()) }
}

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

async fn folder_and_file_are_made_and_kept() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("a/b/한글 c.db");
    for url in [format!("sqlite://{}", path.display()), format!("sqlite:///{}?mode=rwc", path.display())] {
        let store = SqlStore::open(&url).await?;
        same_as_memory(&store, url.len() as u64, 20).await.map_err(|violation| violation.to_string())?;
        store.close().await?;
    }
    let store = SqlStore::connect(&url(&path)).await?;
    store.ping().await?;
    let rows = mt_paas_core::tenants::TenantStore::tenants(&store, None, 9).await?;
    store.close().await?;
    if rows.is_empty() || store.ping().await.is_ok() {
        return Err(format!("{} rows outlived the store, or it answers after it was closed", rows.len()).into());
    }
    Ok(())
}

async fn a_store_in_memory_does_the_same() -> Result<(), Failed> {
    let store = SqlStore::open("sqlite::memory:").await?;
    let other = SqlStore::open("sqlite::memory:").await?;
    same_as_memory(&store, 3, 150).await.map_err(|violation| violation.to_string())?;
    same_as_memory(&other, 3, 10).await.map_err(|violation| violation.to_string())?;
    Ok(())
}

async fn a_file_is_in_wal_mode_and_readers_cannot_write() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let store = SqlStore::open(&url(&folder.path().join("x.db"))).await?;
    let pragma = |name: &str| sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, format!("PRAGMA {name}"));
    let mode: Option<String> =
        store.writer().query_one_raw(pragma("journal_mode")).await?.map(|row| row.try_get_by_index(0)).transpose()?;
    let sync: Option<i64> =
        store.writer().query_one_raw(pragma("synchronous")).await?.map(|row| row.try_get_by_index(0)).transpose()?;
    assert_eq!((mode.as_deref(), sync), (Some("wal"), Some(1)));
    let written = store.reader().execute_unprepared("DELETE FROM mt_tenants").await;
    assert!(written.is_err_and(|error| error.to_string().contains("readonly")));
    Ok(())
}

async fn another_scheme_is_refused() -> Result<(), Failed> {
    for url in
        ["mysql://u:s3cret@h/d", "memory:", "", "data/x.db", "postgres:/u:s3cret@h/d", "postgres://u:s3cret@h:x/"]
    {
        let error = refusal(url).await?;
        assert!(matches!(error, ConnectError::UnknownScheme | ConnectError::InvalidUrl { .. }), "{url}: {error}");
    }
    says(&refusal("mysql://u:s3cret@h/d").await?, "a database address begins with sqlite: or postgres://")
}

async fn a_file_is_no_folder() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    std::fs::write(&file, "x")?;
    let error = refusal(&url(&file.join("sub/x.db"))).await?;
    says(&error, &format!("{} cannot hold a database: it is not a directory", file.display()))
}

async fn a_folder_is_no_file() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let error = refusal(&url(folder.path())).await?;
    says(&error, &format!("{} is a directory, not a database file", folder.path().display()))
}

async fn another_file_is_not_touched() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("letter.txt");
    let letter = "Dear market, this is no database.\n".repeat(200);
    std::fs::write(&path, &letter)?;
    let error = refusal(&url(&path)).await?;
    says(&error, &format!("{} is not an SQLite database", path.display()))?;
    assert_eq!(std::fs::read_to_string(&path)?, letter);
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "something was left beside the file");
    Ok(())
}

/// Permissions do not stop root; the proc file system stops everybody.
async fn a_file_that_cannot_be_made_is_named() -> Result<(), Failed> {
    for path in ["/proc/x.db", "/proc/sub/x.db"] {
        let error = refusal(&format!("sqlite:{path}")).await?;
        says(&error, &format!("the database file {path} cannot be made or written"))?;
    }
    Ok(())
}

async fn a_locked_file_is_told_after_a_while() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let url = url(&folder.path().join("x.db"));
    let holder = SqlStore::open(&url).await?;
    let held = holder.begin().await?;
    let error = refusal(&url).await?;
    held.rollback().await?;
    assert!(matches!(error, ConnectError::Locked { .. }), "{error:?}");
    SqlStore::open(&url).await?;
    Ok(())
}

async fn a_missing_file_is_not_made_by_connect() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("x.db");
    let error = SqlStore::connect(&url(&path)).await.err().ok_or("a missing file was opened")?;
    let steps: Vec<&str> = Migrations::known().collect();
    let sentence = format!("the tables are not up to date: run `migrate up` to apply {}", steps.join(", "));
    says(&error, &sentence)?;
    assert!(!path.exists());
    Migrations::connect(&url(&path)).await?;
    says(&SqlStore::connect(&url(&path)).await.err().ok_or("an empty file was opened")?, &sentence)
}

async fn a_closed_port_is_unreachable() -> Result<(), Failed> {
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let error = refusal(&format!("postgres://u:s3cret@127.0.0.1:{port}/d")).await?;
    says(&error, &format!("no PostgreSQL server answers at 127.0.0.1:{port}"))
}

async fn a_silent_server_is_unreachable() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let url = format!("postgres://u:s3cret@127.0.0.1:{port}/d?sslmode=disable");
    let error = tokio::time::timeout(Duration::from_secs(20), refusal(&url)).await??;
    says(&error, &format!("no PostgreSQL server answers at 127.0.0.1:{port}"))
}

/// A server that lets everybody in cannot refuse a password, so this one speaks the first words of the protocol.
async fn refusing(code: &'static str) -> Result<u16, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let mut startup = [0; 512];
            if caller.read(&mut startup).await.is_err() {
                continue;
            }
            let mut fields = Vec::new();
            for field in ["SFATAL", "VFATAL", &format!("C{code}"), "Mrefused"] {
                fields.extend_from_slice(field.as_bytes());
                fields.push(0);
            }
            fields.push(0);
            let length = u32::try_from(fields.len() + 4).unwrap_or_default();
            let message = [b"E".as_slice(), &length.to_be_bytes(), &fields].concat();
            let _ = caller.write_all(&message).await;
        }
    });
    Ok(port)
}

async fn a_wrong_password_is_told() -> Result<(), Failed> {
    let port = refusing("28P01").await?;
    let error = refusal(&format!("postgres://kim:s3cret@127.0.0.1:{port}/d?sslmode=disable")).await?;
    let sentence = format!("the PostgreSQL server at 127.0.0.1:{port} refuses the user kim: wrong name or password");
    says(&error, &sentence)
}

async fn an_unknown_database_is_told() -> Result<(), Failed> {
    let port = refusing("3D000").await?;
    let error = refusal(&format!("postgres://kim:s3cret@127.0.0.1:{port}/market?sslmode=disable")).await?;
    says(&error, &format!("the PostgreSQL server at 127.0.0.1:{port} has no database market"))
}
