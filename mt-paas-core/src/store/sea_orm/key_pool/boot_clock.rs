//! A clock that all processes of a machine share and nobody can set: the time since the machine's start, and when that was.
//!
//! When that was, the first process after a start writes down. Later steps of the wall clock change nothing, until the
//! next start. Systems that do not tell their boots apart have the wall clock instead.

use std::time::Duration;

use chrono::Utc;
use sea_orm::sqlx::{self, SqliteConnection};

use crate::key_pool::Moment;

/// The clock of a database's key pool on this machine.
#[derive(Debug, Clone, Copy)]
pub(super) enum BootClock {
    /// The machine started then, by the word of the first who asked.
    Since(Moment),
    /// The wall clock.
    Wall,
}

impl BootClock {
    /// The clock that the database keeps, or a new one after a start: of the wall clock's time, but not before that of the
    /// last entry.
    pub(super) async fn of(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let Some((boot, running)) = boot().zip(running()) else { return Ok(Self::Wall) };
        Self::for_boot(connection, &boot, running).await
    }

    async fn for_boot(connection: &mut SqliteConnection, boot: &str, running: Duration) -> Result<Self, sqlx::Error> {
        let running = (Moment::default() + running).micros();
        sqlx::query(ANCHOR)
            .bind(boot)
            .bind(Utc::now().timestamp_micros().saturating_sub(running))
            .bind(running)
            .execute(&mut *connection)
            .await?;
        let started: i64 = sqlx::query_scalar("SELECT started_at FROM mt_key_pool_clock").fetch_one(connection).await?;
        Ok(Self::Since(Moment::from_micros(started)))
    }

    pub(super) fn now(self) -> Moment {
        match self {
            Self::Since(started) => started + running().unwrap_or_default(),
            Self::Wall => Utc::now().into(),
        }
    }
}

/// One statement, so that of many processes one is first.
const ANCHOR: &str = "INSERT INTO mt_key_pool_clock (id, boot, started_at) \
    SELECT 1, $1, max($2, coalesce((SELECT at FROM mt_key_pool ORDER BY version DESC LIMIT 1), 0) - $3) WHERE TRUE \
    ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, started_at = excluded.started_at WHERE boot <> excluded.boot";

/// What the kernel calls this run of the machine.
fn boot() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(boot.trim().to_owned()).filter(|boot| !boot.is_empty())
}

/// How long the machine has been running, asleep or awake.
#[cfg(target_os = "linux")]
fn running() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).ok()
}

#[cfg(not(target_os = "linux"))]
fn running() -> Option<Duration> {
    None
}
