//! Empty databases for one trial each.

use std::time::Duration;

use libtest_mimic::Failed;
use sea_orm::sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};

/// What kind of database a trial runs on.
#[derive(Debug, Clone)]
pub(crate) enum PlaceKind {
    /// A file of SQLite.
    File,
    /// A schema in the PostgreSQL database at this address.
    Schema(String),
}

/// An empty database.
pub(crate) struct Place {
    url: String,
    kept: Kept,
}

enum Kept {
    Folder(tempfile::TempDir),
    Schema { server: String, name: String },
}

impl PlaceKind {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::File => "sqlite",
            Self::Schema(_) => "postgres",
        }
    }
}

impl Place {
    pub(crate) async fn new(kind: &PlaceKind) -> Result<Self, Failed> {
        match kind {
            PlaceKind::File => {
                let folder = tempfile::tempdir()?;
                let url = format!("sqlite:{}?mode=rwc", folder.path().join("data/test.db").display());
                Ok(Self { url, kept: Kept::Folder(folder) })
            }
            PlaceKind::Schema(server) => {
                let name = format!("mt_test_{}", uuid::Uuid::new_v4().simple());
                statement(server, format!("CREATE SCHEMA {name}")).await?;
                let joint = if server.contains('?') { '&' } else { '?' };
                let url = format!("{server}{joint}options[search_path]={name}");
                Ok(Self { url, kept: Kept::Schema { server: server.clone(), name } })
            }
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn remove(self) -> Result<(), Failed> {
        match self.kept {
            Kept::Folder(folder) => Ok(folder.close()?),
            Kept::Schema { server, name } => statement(&server, format!("DROP SCHEMA {name} CASCADE")).await,
        }
    }
}

/// The address of a PostgreSQL server that answers, or why there is none.
pub(crate) fn postgres() -> Result<String, String> {
    let url =
        variable("MT_TEST_POSTGRES_URL").unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(async {
        let answer = tokio::time::timeout(Duration::from_secs(3), statement(&url, "SELECT 1".to_owned())).await;
        match answer {
            Ok(Ok(())) => Ok(url),
            Ok(Err(failed)) => Err(failed.message().unwrap_or("it refused").to_owned()),
            Err(_) => Err("it did not answer".to_owned()),
        }
    })
}

/// Whether a missing server is a failure.
pub(crate) fn services_are_required() -> bool {
    variable("MT_PAAS_REQUIRE_SERVICES").is_some_and(|required| required == "1")
}

#[expect(clippy::disallowed_methods, reason = "where the servers for tests are is told by the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn statement(server: &str, sql: String) -> Result<(), Failed> {
    let options: PgConnectOptions = server.parse()?;
    let mut connection = PgConnection::connect_with(&options.disable_statement_logging()).await?;
    connection.execute(AssertSqlSafe(sql)).await?;
    connection.close().await?;
    Ok(())
}
