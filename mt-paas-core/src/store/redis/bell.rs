//! How members learn that something was appended for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use redis::RedisResult;
use redis::aio::{PubSubSink, PubSubStream};
use tokio::sync::{Notify, mpsc};

use super::names::Names;
use super::server::{ANSWER, Server, in_time};
use crate::key_pool::MemberId;

/// The subscriptions of this process: one connection, made when somebody first listens and kept up from then on.
pub(super) struct Bell {
    members: Arc<Members>,
    joins: mpsc::UnboundedSender<MemberId>,
}

#[derive(Default)]
struct Members(Mutex<HashMap<MemberId, Arc<Call>>>);

/// What a member was called for since it last listened.
#[derive(Default)]
struct Call {
    version: AtomicU64,
    rings: Notify,
}

/// The pauses between tries to connect: the first and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// A silent connection is asked this often whether it is still there.
const PING: Duration = Duration::from_secs(5);

impl Bell {
    /// To be called in a Tokio runtime. The task ends with the bell.
    pub(super) fn new(server: Server, names: Names) -> Self {
        let (joins, joined) = mpsc::unbounded_channel();
        let members = Arc::<Members>::default();
        tokio::spawn(keep_listening(server, names, members.clone(), joined));
        Self { members, joins }
    }

    /// Waits until a member is called for an entry after `after`, or might have been without being heard.
    pub(super) async fn rings(&self, member: MemberId, after: u64) {
        let call = self.call(member);
        loop {
            let ring = call.rings.notified();
            // Taken, not read: after a restart of the server the number could be above all that come.
            if call.version.swap(0, Ordering::AcqRel) > after {
                return;
            }
            ring.await;
        }
    }

    fn call(&self, member: MemberId) -> Arc<Call> {
        let mut members = self.members.lock();
        members
            .entry(member)
            .or_insert_with(|| {
                // The task is there as long as the bell is.
                self.joins.send(member).ok();
                Arc::default()
            })
            .clone()
    }
}

impl Members {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<MemberId, Arc<Call>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self, member: MemberId, version: u64) {
        if let Some(call) = self.lock().get(&member) {
            call.version.fetch_max(version, Ordering::AcqRel);
            call.rings.notify_waiters();
        }
    }

    /// Whatever came while nobody listened was not heard.
    fn ring_all(&self) {
        let members: Vec<MemberId> = self.lock().keys().copied().collect();
        for member in members {
            self.ring(member, u64::MAX);
        }
    }
}

async fn keep_listening(
    server: Server,
    names: Names,
    members: Arc<Members>,
    mut joined: mpsc::UnboundedReceiver<MemberId>,
) {
    // No connection before anybody listens.
    if joined.recv().await.is_none() {
        return;
    }
    let mut pause = PAUSES.0;
    while !joined.is_closed() {
        let Ok((sink, stream)) = subscribe(&server, &names, &members).await else {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
            continue;
        };
        pause = PAUSES.0;
        members.ring_all();
        if listen(sink, stream, &names, &members, &mut joined).await.is_ok() {
            return;
        }
    }
}

async fn subscribe(server: &Server, names: &Names, members: &Members) -> RedisResult<(PubSubSink, PubSubStream)> {
    let (mut sink, stream) = server.subscriber().await?.split();
    let channels: Vec<String> = members.lock().keys().map(|member| names.channel(*member)).collect();
    in_time(ANSWER, sink.subscribe(channels)).await?;
    Ok((sink, stream))
}

/// Until the bell is gone, or the connection is.
async fn listen(
    mut sink: PubSubSink,
    mut stream: PubSubStream,
    names: &Names,
    members: &Members,
    joined: &mut mpsc::UnboundedReceiver<MemberId>,
) -> RedisResult<()> {
    loop {
        tokio::select! {
            message = stream.next() => {
                let Some(message) = message else { return Err((redis::ErrorKind::Io, "the server hung up").into()) };
                if let Some(member) = names.member(message.get_channel_name()) {
                    members.ring(member, message.get_payload().unwrap_or(u64::MAX));
                }
            }
            member = joined.recv() => {
                let Some(member) = member else { return Ok(()) };
                in_time(ANSWER, sink.subscribe(names.channel(member))).await?;
                members.ring(member, u64::MAX);
            }
            () = tokio::time::sleep(PING) => in_time(ANSWER, sink.ping::<redis::Value>()).await.map(drop)?,
        }
    }
}
