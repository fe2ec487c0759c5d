//! How the server is reached.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, IntoConnectionInfo, ProtocolVersion, RedisError, RedisResult};

use super::error::ConnectError;

/// The address of a server, for as many connections as are needed.
#[derive(Clone)]
pub(super) struct Server {
    client: Client,
    /// Host and port, for messages.
    pub(super) at: String,
}

/// A connection, with the run of the server that it leads to: it changes when the server restarts or another takes over.
pub(super) struct Link {
    pub(super) connection: MultiplexedConnection,
    pub(super) run: String,
}

/// How long to wait for a connection.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// How long to wait for an answer.
pub(super) const ANSWER: Duration = Duration::from_secs(3);

impl Server {
    pub(super) fn new(url: &str) -> Result<Self, ConnectError> {
        let client = || {
            let info = url.into_connection_info()?;
            // Subscriptions have a connection of their own, which the newer protocol has no use for.
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
            // A step is one small packet and its answer: nothing would be gained by holding it back for more.
            let tcp = info.tcp_settings().clone().set_nodelay(true);
            Client::open(info.set_redis_settings(settings).set_tcp_settings(tcp))
        };
        let client = client().map_err(|source: RedisError| ConnectError::InvalidUrl(source.into()))?;
        let at = client.get_connection_info().addr().to_string();
        Ok(Self { client, at })
    }

    /// A connection for steps that answer at once.
    pub(super) async fn link(&self) -> RedisResult<Link> {
        let mut connection = self.connection(Some(ANSWER)).await?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        let run = info.lines().find_map(|line| line.strip_prefix("run_id:")).map(|run| run.trim().to_owned());
        let run = run.ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "INFO names no run_id")))?;
        Ok(Link { connection, run })
    }

    /// A connection for one wait at a time, without a limit of its own.
    pub(super) async fn patient(&self) -> RedisResult<MultiplexedConnection> {
        self.connection(None).await
    }

    /// A connection for subscriptions.
    pub(super) async fn subscriber(&self) -> RedisResult<redis::aio::PubSub> {
        in_time(CONNECT, self.client.get_async_pubsub()).await
    }

    async fn connection(&self, answer: Option<Duration>) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(answer);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }
}

/// Waits for an answer for so long.
pub(super) async fn in_time<T>(limit: Duration, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| Err((ErrorKind::Io, "no answer in time").into()))
}
