//! H4: clients that stop in the middle cost nobody else anything and are shown out.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mt_paas_axum::serve::ServeOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::serve::{IMPATIENT, Running, SLOW, TURNS, get_request, is_healthy, read_all, send, start_stock};

/// How each kind of hostile client stops.
#[derive(Debug, Clone, Copy)]
enum Stall {
    Silent,
    HalfLine,
    /// One byte of a header at a time, for ever.
    HeaderDrip,
    Body,
    /// Chunks of one byte, for ever.
    BodyDrip,
    /// Asks for a flood and reads nothing of it.
    Deaf,
}

const STALLS: [Stall; 6] =
    [Stall::Silent, Stall::HalfLine, Stall::HeaderDrip, Stall::Body, Stall::BodyDrip, Stall::Deaf];

/// All limits of the server are one second; one more is allowed.
const PATIENCE: Duration = Duration::from_secs(2);

/// More than all buffers between the two ends can hold.
const MORE_THAN_BUFFERED: usize = 32 << 20;

impl Stall {
    /// Attacks, and says whether the connection was closed in time.
    async fn is_shown_out(self, address: SocketAddr) -> bool {
        let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        match self {
            Self::Silent => is_closed(send(address, "").await).await,
            Self::HalfLine => is_closed(send(address, "GET /hea").await).await,
            Self::HeaderDrip => drip(send(address, "GET /health HTTP/1.1\r\nX-Drip: ").await, b"x").await,
            Self::Body => {
                let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf";
                let (answer, closed) = read_all(&mut send(address, head).await, PATIENCE).await;
                closed && answer.starts_with("HTTP/1.1 400")
            }
            Self::BodyDrip => drip(send(address, chunked).await, b"1\r\nx\r\n").await,
            Self::Deaf => {
                let socket = TcpSocket::new_v4().unwrap();
                socket.set_recv_buffer_size(16 << 10).unwrap();
                let mut stream = socket.connect(address).await.unwrap();
                stream.write_all(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
                sleep(PATIENCE).await;
                ends(&mut stream).await
            }
        }
    }
}

async fn is_closed(mut stream: TcpStream) -> bool {
    let (answer, closed) = read_all(&mut stream, PATIENCE).await;
    closed && answer.is_empty()
}

/// Sends `drop` again and again until the server closes its side or the patience ends.
async fn drip(mut stream: TcpStream, drop: &[u8]) -> bool {
    let dripping = async {
        let mut byte = [0; 512];
        loop {
            tokio::select! {
                read = stream.read(&mut byte) => if matches!(read, Ok(0) | Err(_)) { return },
                () = sleep(Duration::from_millis(100)) => if stream.write_all(drop).await.is_err() { return },
            }
        }
    };
    timeout(PATIENCE, dripping).await.is_ok()
}

/// Whether what was buffered on the way ends, and is not followed by more and more.
async fn ends(stream: &mut TcpStream) -> bool {
    let mut taken = 0;
    let mut buffer = vec![0; 1 << 16];
    while taken < MORE_THAN_BUFFERED {
        match timeout(Duration::from_secs(1), stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return true,
            Ok(Ok(n)) => taken += n,
            Err(_) => return false,
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_stalled_clients_are_shown_out_and_nobody_else_notices() {
    let _turn = TURNS.lock().await;
    // A busy machine spoils a round; a server that does not keep its limits spoils all of them.
    let mut spoilt = Vec::new();
    while let Err(reason) = attacked().await {
        spoilt.push(reason);
        assert!(spoilt.len() < 3, "{spoilt:?}");
    }
}

/// One round. The error says what went wrong.
async fn attacked() -> Result<(), String> {
    let server = Running::start(IMPATIENT).await;
    let address = server.address;
    let attack: Vec<_> = (0..1_000)
        .map(|n| {
            let stall = STALLS[n % STALLS.len()];
            // All at once would measure the kernel's queue of new connections.
            let begin = Duration::from_millis(n as u64);
            let attacker = async move {
                sleep(begin).await;
                stall.is_shown_out(address).await
            };
            (stall, tokio::spawn(attacker))
        })
        .collect();
    let mut took = Vec::new();
    while attack.iter().any(|(_, attacker)| !attacker.is_finished()) {
        let began = Instant::now();
        assert!(is_healthy(address).await);
        took.push(began.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
    for (stall, attacker) in attack {
        if !attacker.await.unwrap() {
            return Err(format!("{stall:?} was still connected after {PATIENCE:?}"));
        }
    }
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    println!("{} health checks, p50 {:?}, p99 {p99:?}", took.len(), took[took.len() / 2]);
    let is_fine = took.len() >= 100 && p99 < Duration::from_millis(100);
    if is_fine { Ok(()) } else { Err(format!("{} checks, p99 {p99:?}", took.len())) }
}

#[tokio::test]
async fn control_the_stock_server_shows_nobody_out() {
    let (address, server) = start_stock().await;
    for (stall, attacker) in STALLS.map(|stall| (stall, tokio::spawn(stall.is_shown_out(address)))) {
        assert!(!attacker.await.unwrap(), "{stall:?}: this test tells nothing any more");
    }
    server.abort();
}

#[tokio::test]
async fn a_slow_but_living_stream_is_not_a_stall() {
    let server = Running::start(IMPATIENT).await;
    let mut stream = send(server.address, "GET /deaf HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let (answer, closed) = read_all(&mut stream, Duration::from_secs(3)).await;
    assert!(!closed && answer.matches("tick").count() > 20, "{answer}");
}

#[tokio::test]
async fn a_handler_may_think_longer_than_any_limit() {
    let short = SLOW / 5;
    let limits = ServeOptions { header_timeout: short, idle_timeout: short, body_timeout: short, ..IMPATIENT };
    let server = Running::start(ServeOptions { write_timeout: short, ..limits }).await;
    let (answer, _) = read_all(&mut send(server.address, get_request("/slow")).await, PATIENCE).await;
    assert!(answer.ends_with("slow but sure"), "{answer}");
}
