//! The one place in this process from which turns are taken, one after the other.

use std::time::{Duration, Instant};

use redis::RedisResult;
use redis::aio::MultiplexedConnection;

use super::error::{failed, turn_kept};
use super::names::Names;
use super::scripts::{Began, Begun, Scripts};
use super::server::{ANSWER, Link, Server, in_time};
use crate::key_pool::{Entry, MemberId};
use crate::store::StoreError;

/// Connections, which are made anew after anything went wrong with them.
pub(super) struct Seat {
    server: Server,
    names: Names,
    scripts: Scripts,
    link: Option<Link>,
    /// Where the token is waited for: a connection that is blocked so long is of no other use.
    line: Option<MultiplexedConnection>,
}

/// How long to try to get the turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// A holder is looked at so much after it may count as silent.
const SLACK: Duration = Duration::from_millis(5);

impl Seat {
    pub(super) fn new(server: Server, names: Names) -> Self {
        Self { server, names, scripts: Scripts::new(), link: None, line: None }
    }

    /// Connects, if there is no connection.
    pub(super) async fn sit_down(&mut self) -> Result<(), StoreError> {
        if self.link.is_none() {
            self.link = Some(self.server.link().await.map_err(|error| failed(&self.server.at, error))?);
        }
        Ok(())
    }

    /// Takes the turn: at once if it is free, and else in the order in which processes asked for it.
    pub(super) async fn begin(&mut self, after: u64) -> Result<Began, StoreError> {
        self.sit_down().await?;
        let since = Instant::now();
        let mut token = None;
        while since.elapsed() < PATIENCE {
            let begun = self.try_begin(after, token).await;
            match self.checked(begun)? {
                Begun::Turn(began) => return Ok(began),
                Begun::Held(left) => {
                    let waited = self.wait(Duration::from_micros(left) + SLACK).await;
                    token = self.checked(waited)?;
                }
            }
        }
        Err(turn_kept(&self.server.at, PATIENCE.as_secs()))
    }

    /// Appends an entry and gives the turn back.
    pub(super) async fn append(&mut self, token: u64, entry: &Entry, wake: &[MemberId]) -> Result<bool, StoreError> {
        let appended = match &mut self.link {
            Some(link) => self.scripts.append(&mut link.connection, &self.names, token, entry, wake).await,
            None => Ok(false),
        };
        self.checked(appended)
    }

    /// Gives the turn back.
    pub(super) async fn pass(&mut self, token: u64) -> Result<(), StoreError> {
        let passed = match &mut self.link {
            Some(link) => self.scripts.pass(&mut link.connection, &self.names, token).await,
            // Whoever comes next finds the turn silent.
            None => Ok(()),
        };
        self.checked(passed)
    }

    /// Takes everything out of the server.
    pub(super) async fn delete(&mut self) -> Result<(), StoreError> {
        self.sit_down().await?;
        let Names { turn, list, token, .. } = &self.names;
        let deleted = match &mut self.link {
            Some(link) => redis::cmd("DEL").arg(&[turn, list, token]).exec_async(&mut link.connection).await,
            None => Ok(()),
        };
        self.checked(deleted)
    }

    async fn try_begin(&mut self, after: u64, token: Option<u64>) -> RedisResult<Begun> {
        match &mut self.link {
            Some(Link { connection, run }) => self.scripts.begin(connection, &self.names, run, after, token).await,
            None => Ok(Begun::Held(0)),
        }
    }

    /// Waits in line for the token. The server gives it to whoever waits longest.
    async fn wait(&mut self, at_most: Duration) -> RedisResult<Option<u64>> {
        // Taken out, so that a wait that is broken off closes its connection, and the server gives nothing to nobody.
        let mut line = match self.line.take() {
            Some(line) => line,
            None => self.server.patient().await?,
        };
        let mut wait = redis::cmd("BLPOP");
        wait.arg(&self.names.token).arg(at_most.as_secs_f64());
        let got: Option<(String, u64)> = in_time(at_most + ANSWER, wait.query_async(&mut line)).await?;
        self.line = Some(line);
        Ok(got.map(|(_, token)| token))
    }

    fn checked<T>(&mut self, result: RedisResult<T>) -> Result<T, StoreError> {
        result.map_err(|error| {
            (self.link, self.line) = (None, None);
            failed(&self.server.at, error)
        })
    }
}
