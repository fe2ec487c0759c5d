//! The limits of the server.

use std::time::Duration;

/// How long the server waits for what, and for how many at once.
///
/// An answer may take as long as it likes, and a stream of events may last for days, as long as the peer takes the
/// bytes. The size of bodies is the business of the routes ([`BODY_LIMIT`](crate::extract::BODY_LIMIT)).
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// From the opening of a connection, or the first byte of a later request, to the end of the head. Then the
    /// connection is closed without an answer. Default 10 s.
    pub header_timeout: Duration,
    /// How long a connection may stay open between two requests; a head must be complete within it too, so it should
    /// not be shorter than `header_timeout`. Default 75 s.
    pub idle_timeout: Duration,
    /// From the first wait for a request's body to its last byte, however the bytes are spread. Then the reader of the
    /// body gets an error, which the routes of the contract answer with 400, and the connection is closed. Default 30 s.
    pub body_timeout: Duration,
    /// How long the peer may take none of our bytes while we have some for it. Then the connection is closed.
    /// Default 30 s.
    pub write_timeout: Duration,
    /// How many connections are open at once; more wait in the kernel's queue until one ends. Default: three quarters
    /// of the files that the process may open, so that some are left for its databases, and at most 10,000.
    pub max_connections: usize,
    /// How long running requests may go on after the shutdown has begun. Default 10 s.
    pub drain_deadline: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_connections: (open_files() / 4 * 3).clamp(1, 10_000),
            drain_deadline: Duration::from_secs(10),
        }
    }
}

/// The soft limit of open files; where the system does not tell, the usual 1024.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    match files.and_then(|limits| limits.split_whitespace().next()) {
        Some("unlimited") => usize::MAX,
        Some(soft) => soft.parse().unwrap_or(1024),
        None => 1024,
    }
}
