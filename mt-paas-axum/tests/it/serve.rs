//! A server to be attacked, and raw sockets to do it with.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use futures_util::{StreamExt, stream};
use http::{StatusCode, Uri};
use mt_paas_axum::serve::{ServeOptions, Shutdown, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// What `/slow` takes.
pub(crate) const SLOW: Duration = Duration::from_secs(1);

/// Every wait cut to a second.
pub(crate) const IMPATIENT: ServeOptions = ServeOptions {
    header_timeout: Duration::from_secs(1),
    idle_timeout: Duration::from_secs(1),
    body_timeout: Duration::from_secs(1),
    write_timeout: Duration::from_secs(1),
    max_connections: 5_000,
    drain_deadline: Duration::from_secs(1),
};

/// Tests that fill the machine, and those that measure how fast it is, take turns.
pub(crate) static TURNS: Mutex<()> = Mutex::const_new(());

pub(crate) fn app() -> Router {
    Router::new()
        .route("/health", get(async || "ok"))
        .route("/echo", post(echo))
        .route("/refuse", post(async || StatusCode::PAYLOAD_TOO_LARGE))
        .route("/slow", get(slow))
        .route("/events", get(events))
        .route("/deaf", get(async || endless(b"data: tick\n\n", Duration::from_millis(100))))
        .route("/flood", get(async || endless(&FLOOD, Duration::ZERO)))
        .route("/seen", get(seen))
}

async fn echo(body: Body) -> impl IntoResponse {
    match axum::body::to_bytes(body, 1 << 20).await {
        Ok(bytes) => (StatusCode::OK, bytes),
        Err(_) => (StatusCode::BAD_REQUEST, Bytes::from_static(b"the body broke off")),
    }
}

async fn slow() -> &'static str {
    sleep(SLOW).await;
    "slow but sure"
}

static FLOOD: [u8; 64 << 10] = [b'x'; 64 << 10];

/// One event, and another when the server goes down.
async fn events(shutdown: Shutdown) -> Body {
    let farewell = stream::once(async move {
        shutdown.requested().await;
        Ok::<_, Infallible>("event: shutdown\n\n")
    });
    Body::from_stream(stream::once(async { Ok("data: hello\n\n") }).chain(farewell))
}

fn endless(text: &'static [u8], gap: Duration) -> Body {
    Body::from_stream(stream::unfold((), move |()| async move {
        sleep(gap).await;
        Some((Ok::<_, Infallible>(text), ()))
    }))
}

async fn seen(ConnectInfo(peer): ConnectInfo<SocketAddr>, shutdown: Shutdown, uri: Uri) -> String {
    format!("{uri} {} {}", peer.ip(), shutdown.is_requested())
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    pub(crate) async fn start(options: ServeOptions) -> Self {
        let (listener, address) = local().await;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, app(), options, async move {
            let _ = stopped.await;
        }));
        Self { address, stop, task }
    }

    /// Orders the shutdown; the handle resolves when the server is down.
    pub(crate) fn stop(self) -> JoinHandle<io::Result<()>> {
        self.stop.send(()).unwrap();
        self.task
    }
}

/// The server that comes with axum, for the same routes: the control.
pub(crate) async fn start_stock() -> (SocketAddr, JoinHandle<io::Result<()>>) {
    let (listener, address) = local().await;
    let service = app().into_make_service_with_connect_info::<SocketAddr>();
    (address, tokio::spawn(async { axum::serve(listener, service).await }))
}

pub(crate) async fn local() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Connects and sends.
pub(crate) async fn send(address: SocketAddr, bytes: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_ref()).await.unwrap();
    stream
}

/// Reads until the server closes the connection, and says whether it did so within `limit`.
pub(crate) async fn read_all(stream: &mut TcpStream, limit: Duration) -> (String, bool) {
    let mut bytes = Vec::new();
    let closed = timeout(limit, stream.read_to_end(&mut bytes)).await.is_ok();
    (String::from_utf8_lossy(&bytes).into_owned(), closed)
}

pub(crate) fn get_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
}

/// Asks for `/health` on a connection of its own.
pub(crate) async fn is_healthy(address: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(get_request("/health").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        io::Result::Ok(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"))
    };
    matches!(timeout(Duration::from_secs(5), asked).await, Ok(Ok(true)))
}

#[tokio::test]
async fn handlers_see_the_peer_the_path_and_that_all_is_well() {
    let server = Running::start(IMPATIENT).await;
    let stream =
        send(server.address, "GET http://a.test/seen?x=1 HTTP/1.1\r\nHost: A.test\r\nConnection: close\r\n\r\n");
    let (answer, closed) = read_all(&mut stream.await, Duration::from_secs(2)).await;
    assert!(closed && answer.ends_with("/seen?x=1 127.0.0.1 false"), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_a_while_and_then_closed() {
    let server = Running::start(IMPATIENT).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: a.test\r\n\r\n").await.unwrap();
        let mut answer = [0; 512];
        assert!(stream.read(&mut answer).await.unwrap() > 0);
        sleep(Duration::from_millis(400)).await;
    }
    let (rest, closed) = read_all(&mut stream, Duration::from_secs(2)).await;
    assert!(closed && rest.is_empty(), "{rest}");
}

#[tokio::test]
async fn connections_over_the_cap_wait_until_one_ends() {
    let server = Running::start(ServeOptions { max_connections: 2, ..IMPATIENT }).await;
    let held = [send(server.address, "GET /deaf HTTP/1.1\r\nHost: a\r\n\r\n").await, send(server.address, "GET").await];
    sleep(Duration::from_millis(200)).await;
    let third = tokio::spawn(is_healthy(server.address));
    sleep(Duration::from_millis(300)).await;
    assert!(!third.is_finished(), "the cap lets a third in");
    // The half request line is cut off after a second, which makes room.
    assert!(timeout(Duration::from_secs(2), third).await.unwrap().unwrap());
    drop(held);
}
