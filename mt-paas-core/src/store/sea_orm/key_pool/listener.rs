//! The connection on which a process hears whom others wake.

use std::convert::Infallible;
use std::time::Duration;

use sea_orm::sqlx;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::heard::Heard;
use super::postgres::{Room, in_time};
use super::version;

/// A silent connection is asked this often whether it is still there.
const SILENCE: Duration = Duration::from_secs(10);
/// The pauses between tries to reach the server: the first and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Listens until it is dropped.
pub(super) struct Listener {
    task: AbortHandle,
    pub(super) heard: watch::Receiver<Heard>,
}

impl Listener {
    pub(super) fn start(options: PgConnectOptions) -> Self {
        let (tell, heard) = watch::channel(Heard::default());
        let task = tokio::spawn(async move {
            let mut pause = PAUSES.0;
            loop {
                let Err(fault) = listen(&options, &tell).await;
                tracing::debug!(error = &fault as &dyn std::error::Error, "the key pool hears nothing from PostgreSQL");
                let first = tell.send_if_modified(|heard| !std::mem::replace(&mut heard.away, true));
                pause = if first { PAUSES.0 } else { (pause * 2).min(PAUSES.1) };
                tokio::time::sleep(pause).await;
            }
        });
        Self { task: task.abort_handle(), heard }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens until the connection breaks.
async fn listen(options: &PgConnectOptions, tell: &watch::Sender<Heard>) -> Result<Infallible, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
    let mut listener = in_time(PgListener::connect_with(&pool)).await?;
    listener.eager_reconnect(false);
    let room = Room::of(&mut listener).await?;
    in_time(listener.listen(&room.channel())).await?;
    // What was appended before this moment may have been meant for anybody here.
    let last = in_time(sqlx::query_scalar(LAST).fetch_one(&mut listener)).await?;
    tell.send_modify(|heard| *heard = Heard::from(version(last).unwrap_or(u64::MAX)));
    loop {
        match tokio::time::timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(call))) => tell.send_modify(|heard| heard.add(call.payload())),
            Ok(Ok(None)) => return Err(sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into())),
            Ok(Err(fault)) => return Err(fault),
            Err(_) => {
                in_time(sqlx::query("SELECT 1").execute(&mut listener)).await?;
            }
        }
    }
}

const LAST: &str = "SELECT coalesce(max(version), 0) FROM mt_key_pool";
