//! H3: the shutdown ends in good time, whatever is open.

use std::time::{Duration, Instant};

use mt_paas_axum::serve::ServeOptions;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::serve::{IMPATIENT, Running, app, get_request, local, read_all, send};

const STREAMS: usize = 100;
const CALLS: usize = 50;

/// Opens a request and waits for the first bytes of its answer.
async fn open(address: std::net::SocketAddr, path: &str) -> TcpStream {
    let stream = send(address, get_request(path)).await;
    stream.readable().await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_told_calls_finish_idle_connections_close_and_nobody_new_gets_in() {
    let server = Running::start(ServeOptions { drain_deadline: Duration::from_secs(10), ..IMPATIENT }).await;
    let address = server.address;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        streams.push(open(address, "/events").await);
    }
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            tokio::spawn(async move {
                read_all(&mut send(address, get_request("/slow")).await, Duration::from_secs(5)).await
            })
        })
        .collect();
    let mut silent = TcpStream::connect(address).await.unwrap();
    sleep(Duration::from_millis(300)).await;

    let began = Instant::now();
    let down = server.stop();
    let (rest, closed) = read_all(&mut silent, Duration::from_millis(500)).await;
    assert!(closed && rest.is_empty(), "a silent connection outlives the order to shut down");
    assert!(TcpStream::connect(address).await.is_err(), "a new connection was accepted");
    for mut stream in streams {
        let (answer, closed) = read_all(&mut stream, Duration::from_secs(2)).await;
        assert!(closed && answer.contains("data: hello") && answer.contains("event: shutdown"), "{answer}");
        assert!(answer.ends_with("0\r\n\r\n"), "the stream was cut, not ended: {answer}");
    }
    for call in calls {
        let (answer, closed) = call.await.unwrap();
        assert!(closed && answer.ends_with("slow but sure"), "{answer}");
    }
    down.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_stream_that_does_not_listen_is_cut_at_the_deadline() {
    let server = Running::start(IMPATIENT).await;
    let mut deaf = open(server.address, "/deaf").await;
    let began = Instant::now();
    server.stop().await.unwrap().unwrap();
    let took = began.elapsed();
    assert!(took >= IMPATIENT.drain_deadline && took < Duration::from_secs(2), "{took:?}");
    let mut answer = Vec::new();
    let end = deaf.read_to_end(&mut answer).await;
    assert!(end.is_err() || !answer.ends_with(b"0\r\n\r\n"), "a stream that was cut looks whole");
}

#[tokio::test]
async fn control_the_stock_server_waits_for_a_deaf_stream_for_ever() {
    let (listener, address) = local().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, app()).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let server = tokio::spawn(async { server.await });
    let deaf = open(address, "/deaf").await;
    stop.send(()).unwrap();
    let waited = timeout(IMPATIENT.drain_deadline + Duration::from_secs(1), server).await;
    assert!(waited.is_err(), "the stock server has a deadline now: this test tells nothing any more");
    drop(deaf);
}
