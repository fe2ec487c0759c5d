//! H7: heads at their limits and beyond, and bodies that nobody wants.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::serve::{IMPATIENT, Running, TURNS, read_all, send};

const LIMIT: Duration = Duration::from_secs(2);

/// The status of the answer, and whether it carries the envelope.
async fn answer_to(server: &Running, head: String) -> (String, bool) {
    let (answer, closed) = read_all(&mut send(server.address, head).await, LIMIT).await;
    assert!(closed, "{answer}");
    (answer.get(9..12).unwrap_or_default().to_owned(), answer.contains(r#""error":"INVALID_REQUEST""#))
}

/// A request with a path of `path` bytes and, besides `Host` and `Connection`, these headers.
fn head(path: usize, headers: &str) -> String {
    let path = format!("/seen?{}", "x".repeat(path - 6));
    format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_head_at_the_limit_is_served_and_one_byte_or_header_more_is_not() {
    let server = Running::start(IMPATIENT).await;
    let lines = |count: usize| (0..count).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    // `Host: a.test` and `Connection: close` have 14 and 19 bytes with their line ends.
    let filled = |bytes: usize| format!("X: {}\r\n", "y".repeat(bytes - 14 - 19 - 5));
    let (served, refused) = (("200".to_owned(), false), ("400".to_owned(), true));
    for (case, head, expected) in [
        ("a path of 8 KiB", head(8 << 10, ""), &served),
        ("one byte more", head((8 << 10) + 1, ""), &refused),
        ("100 headers", head(6, &lines(98)), &served),
        ("101 headers", head(6, &lines(99)), &("400".to_owned(), false)),
        ("32 KiB of headers", head(6, &filled(32 << 10)), &served),
        ("one byte of header more", head(6, &filled((32 << 10) + 1)), &refused),
        ("all at their limits", head(8 << 10, &filled(32 << 10)), &served),
    ] {
        assert_eq!(&answer_to(&server, head).await, expected, "{case}");
    }
}

#[tokio::test]
async fn a_head_far_beyond_the_limits_is_an_empty_4xx() {
    let server = Running::start(IMPATIENT).await;
    let many: String = (0..1_000).map(|n| format!("X-{n}: y\r\n")).collect();
    let large = format!("X: {}\r\n", "y".repeat(1 << 20));
    for head in [head(6, &many), head(6, &large), head(100_000, ""), head(60_000, &large)] {
        let (status, enveloped) = answer_to(&server, head).await;
        assert!(status.starts_with('4') && !enveloped, "{status}");
    }
}

/// Without the moment in which the server throws away what still comes, the kernel would reset the connection and
/// this client would never see why it was refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sender_of_a_body_that_nobody_reads_still_sees_the_refusal() {
    let _turn = TURNS.lock().await;
    let server = Running::start(IMPATIENT).await;
    let length = 16 << 20;
    let head = format!("POST /refuse HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n");
    for _ in 0..20 {
        let mut stream = send(server.address, &head).await;
        stream.write_all(&vec![0; length]).await.expect("the server resets the connection");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the answer is lost");
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
}
