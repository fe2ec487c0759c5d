//! Clients against servers on a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod smtp;
