//! The list of a key pool on Redis, or Valkey, which speaks the same.

mod bell;
mod error;
mod names;
mod scripts;
mod seat;
mod server;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use error::ConnectError;

use self::bell::Bell;
use self::names::Names;
use self::scripts::Began;
use self::seat::{PATIENCE, Seat};
use self::server::Server;
use super::StoreError;
use crate::key_pool::{Appended, Entry, KeyPoolStore, MemberId, Moment, Turn};

/// The list of a key pool on a Redis server of version 6.2 or later.
///
/// A turn is two steps at the server: one takes it and reads the list, one appends and gives it back. Who finds it taken
/// waits in line. A holder that says nothing for a second loses its turn, and what it appends later is refused.
///
/// # What a crash of the server loses
///
/// The list is as lasting as the server makes it. With `appendonly yes` and `appendfsync everysec` a crash loses the
/// changes of the last second, with `appendfsync always` none; without persistence a restart loses the pool, its keys
/// with it. A failover to a replica loses what had not been copied. Either way nobody goes on from something that the
/// server does not know: after a restart or a failover every process reads the list anew, and leases that are not in it
/// have ended. `maxmemory-policy` must be `noeviction`; a list that lost a part of itself counts as lost.
///
/// The server must let its user call `EVALSHA`, `SCRIPT LOAD`, `INFO`, `BLPOP` and `SUBSCRIBE` on the keys and channels
/// that begin with the prefix in braces. In a cluster the address must be that of the node that has them.
pub struct RedisKeyPool {
    seat: Arc<Mutex<Seat>>,
    bell: Bell,
    at: String,
}

/// How a list on Redis is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisOptions {
    /// What all keys begin with, in braces: 1 to 100 visible ASCII characters without braces. `mt:` unless set. Pools
    /// with other prefixes share nothing.
    pub prefix: String,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self { prefix: "mt:".to_owned() }
    }
}

impl RedisKeyPool {
    /// Connects to the server at `url`: `redis://user:password@host:port/database`, `rediss://` for TLS. To be called in
    /// a Tokio runtime. Connections that break later are made anew.
    ///
    /// # Errors
    ///
    /// Any [`ConnectError`].
    pub async fn connect(url: &str, options: &RedisOptions) -> Result<Self, ConnectError> {
        let names = Names::under(&options.prefix)?;
        let server = Server::new(url)?;
        let mut seat = Seat::new(server.clone(), names.clone());
        seat.sit_down().await.map_err(ConnectError::Unreachable)?;
        let at = server.at.clone();
        Ok(Self { seat: Arc::new(Mutex::new(seat)), bell: Bell::new(server, names), at })
    }

    /// Deletes the list with all that is in it, keys of providers and leases. A pool that still uses it begins anew.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    pub async fn delete(&self) -> Result<(), StoreError> {
        self.seat.lock().await.delete().await
    }
}

impl fmt::Debug for RedisKeyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisKeyPool").field("at", &self.at).finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyPoolStore for RedisKeyPool {
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError> {
        let seat = tokio::time::timeout(PATIENCE, self.seat.clone().lock_owned()).await;
        let mut seat = seat.map_err(|_| error::turn_kept(&self.at, PATIENCE.as_secs()))?;
        let began = seat.begin(after).await?;
        Ok(Box::new(RedisTurn { seat: Some(seat), after, began }))
    }

    async fn changed(&self, member: MemberId, after: u64) -> Result<(), StoreError> {
        self.bell.rings(member, after).await;
        Ok(())
    }
}

struct RedisTurn {
    /// Until the turn has ended.
    seat: Option<OwnedMutexGuard<Seat>>,
    after: u64,
    began: Began,
}

#[async_trait]
impl Turn for RedisTurn {
    fn now(&self) -> Moment {
        Moment::from_micros(self.began.now)
    }

    fn anew(&self) -> Option<u64> {
        let Began { start, whole, .. } = self.began;
        (start != self.after && !whole).then_some(start)
    }

    fn entries(&mut self) -> Vec<Entry> {
        let Began { start, whole, .. } = self.began;
        let entries = (start + 1..).zip(std::mem::take(&mut self.began.entries));
        entries.map(|(version, data)| Entry { version, whole: whole && version == start + 1, data }).collect()
    }

    async fn append(mut self: Box<Self>, entry: Entry, wake: &[MemberId]) -> Result<Appended, StoreError> {
        let appended = match &mut self.seat {
            Some(seat) => seat.append(self.began.token, &entry, wake).await,
            None => Ok(false),
        };
        self.seat = None;
        Ok(if appended? { Appended::Done } else { Appended::Outrun })
    }

    async fn pass(mut self: Box<Self>) -> Result<(), StoreError> {
        let passed = match &mut self.seat {
            Some(seat) => seat.pass(self.began.token).await,
            None => Ok(()),
        };
        self.seat = None;
        passed
    }
}

impl Drop for RedisTurn {
    /// A turn that ends with nothing said goes back at once where that is possible, and by its silence elsewhere.
    fn drop(&mut self) {
        let (Some(mut seat), token) = (self.seat.take(), self.began.token) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { drop(seat.pass(token).await) });
        }
    }
}
