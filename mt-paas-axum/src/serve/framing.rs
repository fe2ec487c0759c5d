//! Where one request ends and the next begins, read beside hyper from the same bytes.
//!
//! hyper is lenient where proxies differ: of `Content-Length` and `Transfer-Encoding` it drops one, it takes a bare LF
//! for a line end and cuts a `#` out of the target, and shows a service none of it. Such a request, and one with too
//! many headers, is refused here, by spoiling the end of the line so that hyper's parser gives its own 400 and closes
//! the connection. What is wrong in the lines between chunks hyper refuses by the same means, as a body that is broken.

use std::io::BufRead;

/// How many headers a request may have (section 1 of the contract). It is also what hyper reads without memory of its
/// own for them, so that more are refused here, before hyper's parser would answer 431.
const HEADERS: usize = 100;

/// What the peer is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing: a request has ended and none has begun.
    Idle,
    /// The first request of the connection, or the head of a later one.
    Head,
    /// The body of a request.
    Body,
}

/// Follows the bytes of one connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    at: At,
    /// Bytes of a body that come before the next line.
    skip: u64,
    /// What the head says of the body.
    length: Option<u64>,
    chunked: bool,
    /// Headers of the head so far.
    headers: usize,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    turns: u64,
}

/// What the next line is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    RequestLine,
    Header,
    ChunkSize,
    ChunkEnd,
    Trailer,
    /// None: a line was spoiled, and hyper is about to close the connection.
    Refused,
}

impl Framing {
    /// Takes note of the bytes that hyper is about to read, and spoils them if they are to be refused.
    pub(super) fn pass(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() && self.at != At::Refused {
            if self.skip > 0 {
                let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len() - at);
                (self.skip, at) = (self.skip - skipped as u64, at + skipped);
                self.turns += u64::from(self.phase() == Phase::Idle);
                continue;
            }
            // Of a slice this cannot fail; it searches faster than a loop over the bytes.
            let end = at + (&bytes[at..]).skip_until(b'\n').unwrap_or(bytes.len() - at);
            let piece = &bytes[at..end];
            at = end;
            let Some(piece) = piece.strip_suffix(b"\n") else {
                self.line.extend_from_slice(piece);
                return;
            };
            let bare = piece.last().or(self.line.last()) != Some(&b'\r');
            let good = if self.line.is_empty() {
                self.ends(piece)
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(piece);
                self.ends(&line)
            };
            if !good {
                // A bare LF hyper takes anywhere but in the line of a chunk size, where it would take a NUL.
                if self.at != At::ChunkSize || !bare {
                    bytes[end - 1] = 0;
                }
                self.at = At::Refused;
            }
        }
    }

    /// What the peer is in the middle of.
    pub(super) fn phase(&self) -> Phase {
        match self.at {
            _ if self.skip > 0 => Phase::Body,
            At::RequestLine if self.line.is_empty() && self.turns > 0 => Phase::Idle,
            At::RequestLine | At::Header | At::Refused => Phase::Head,
            At::ChunkSize | At::ChunkEnd | At::Trailer => Phase::Body,
        }
    }

    /// Whether a line has been spoiled: nothing that the peer sends is to reach hyper any more.
    pub(super) fn is_refused(&self) -> bool {
        self.at == At::Refused
    }

    /// A number that changes whenever a head or a body is complete.
    pub(super) fn turns(&self) -> u64 {
        self.turns
    }

    /// A line has ended; false if the request is to be refused.
    fn ends(&mut self, line: &[u8]) -> bool {
        let Some(line) = line.strip_suffix(b"\r") else { return false };
        match self.at {
            At::RequestLine if line.is_empty() => true,
            At::RequestLine => {
                (self.at, self.length, self.chunked, self.headers) = (At::Header, None, false, 0);
                (line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")) && !line.contains(&b'#')
            }
            At::Header if line.is_empty() => {
                self.turns += 1;
                self.skip = self.length.unwrap_or(0);
                self.at = if self.chunked { At::ChunkSize } else { At::RequestLine };
                true
            }
            At::Header => self.header(line),
            At::ChunkSize => match chunk_size(line) {
                Some(0) => self.turn_to(At::Trailer),
                Some(size) => {
                    self.skip = size;
                    self.turn_to(At::ChunkEnd)
                }
                None => false,
            },
            At::ChunkEnd => line.is_empty() && self.turn_to(At::ChunkSize),
            At::Trailer if line.is_empty() => {
                self.turns += 1;
                self.turn_to(At::RequestLine)
            }
            At::Trailer => true,
            At::Refused => false,
        }
    }

    fn turn_to(&mut self, at: At) -> bool {
        self.at = at;
        true
    }

    /// At most a hundred, and of `Content-Length` and `Transfer-Encoding` one, once, in its plainest form.
    fn header(&mut self, line: &[u8]) -> bool {
        self.headers += 1;
        if self.headers > HEADERS {
            return false;
        }
        if !matches!(line[0], b'C' | b'c' | b'T' | b't') {
            return true;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let unframed = self.length.is_none() && !self.chunked;
        if name.eq_ignore_ascii_case(b"content-length") {
            self.length = number(value, 10);
            unframed && self.length.is_some()
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
            unframed && value.eq_ignore_ascii_case(b"chunked")
        } else {
            true
        }
    }
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
    number(size.trim_ascii_end(), 16)
}

/// Digits alone; the parser of the standard library would take a sign.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let plain = digits.iter().all(u8::is_ascii_hexdigit);
    u64::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| plain)?, radix).ok()
}
