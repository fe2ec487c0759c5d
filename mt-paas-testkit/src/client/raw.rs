//! HTTP/1.1 over a bare socket, for requests that a well-behaved client would tidy up or refuse to send.

use std::io::{Error, ErrorKind, Result};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::call::Reply;

/// Why a check that needs a bare socket does not run against https.
pub(super) const NEEDS_PLAIN_HTTP: &str = "needs plain http";
const LARGEST: u64 = 1024 * 1024;

/// Sends the bytes, which ask for the connection to be closed, and reads the answer.
pub(super) async fn exchange(address: (String, u16), request: &[u8]) -> Result<Reply> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(request).await?;
    let mut answer = Vec::new();
    // A parser that refuses may reset the connection after its answer: what came until then counts.
    if let Err(error) = (&mut socket).take(LARGEST).read_to_end(&mut answer).await
        && answer.is_empty()
    {
        return Err(error);
    }
    parse(&answer).ok_or_else(|| Error::new(ErrorKind::InvalidData, "the connection was closed without an answer"))
}

/// Sends the bytes and hangs up.
pub(super) async fn send_and_hang_up(address: (String, u16), request: &[u8]) -> Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    socket.write_all(request).await?;
    socket.flush().await
}

fn parse(answer: &[u8]) -> Option<Reply> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value.contains("chunked"));
    let body = &answer[end + 4..];
    let body = if chunked { unchunked(body)? } else { body.to_vec() };
    Some((status, headers, Bytes::from(body)))
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 4 + size..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_chunks_is_put_together() {
        let answer =
            b"HTTP/1.1 404 Not Found\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        let (status, headers, body) = parse(answer).unwrap();
        assert_eq!((status, headers[0].1.as_str(), body.as_ref()), (404, "b", b"abcde".as_ref()));
        assert!(parse(b"garbage").is_none());
    }
}
