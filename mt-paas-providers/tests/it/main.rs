//! The clients of this crate against servers on loopback sockets.

#![allow(clippy::unwrap_used, reason = "an unwrap is how a test fails")]

mod smtp;
