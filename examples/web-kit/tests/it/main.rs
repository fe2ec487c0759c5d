//! The pages of accounts, over a socket.

#![allow(clippy::unwrap_used, reason = "an unwrap is how a test fails")]

mod account;
mod browser;
mod every_page;
mod journeys;
mod stand;
