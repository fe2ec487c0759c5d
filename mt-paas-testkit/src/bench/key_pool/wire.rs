//! What worker processes and the judge say to each other: lines of JSON.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::options::KeyPoolBench;

/// What a process is told on its standard input, where nobody else can read the store's address.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Briefing {
    pub(super) bench: KeyPoolBench,
    /// Where the judge listens.
    pub(super) judge: SocketAddr,
    /// By which the judge knows its own.
    pub(super) token: String,
    /// The process's number, which no other has.
    pub(super) worker: u32,
    /// Its share of the callers.
    pub(super) slot: u32,
}

/// What a worker says. Each report is acknowledged.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The first word on a line.
    Hello { token: String, worker: u32 },
    /// A caller is about to ask for a lease.
    Want { caller: u32 },
    /// A caller has its place in the queue.
    Queued { caller: u32 },
    /// A caller is about to make its call.
    Begin(Begin),
    /// A caller has made its call, and still holds the lease.
    End { generation: u64 },
    /// A lease had ended before it was given back.
    Stale,
    /// The pool refused what it should have done.
    Failed { why: String },
    /// What was ordered is done.
    Done,
    /// How many leases there were to have, and whether there was one more than there may be.
    Counted { free: u32, beyond: bool },
    /// What was ordered cannot be done.
    Broken { why: String },
}

/// A lease as its holder has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) caller: u32,
    pub(super) user: String,
    /// Nobody else calls for the user.
    pub(super) lone: bool,
    pub(super) generation: u64,
    pub(super) key: u64,
    /// The place in the queue; `None`: lent at once.
    pub(super) ticket: Option<u64>,
    /// From asking to having, in microseconds.
    pub(super) waited: u64,
    /// What the pool said first of the time to wait.
    pub(super) told: Option<Told>,
}

/// An estimate and what came of it, in microseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) estimate: u64,
    pub(super) took: u64,
}

/// What the judge says.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Order {
    /// So many more reports are known.
    Heard(u32),
    /// Put the keys in.
    Prepare,
    /// Let the callers call.
    Call,
    /// Stop them; the process lives on.
    Rest,
    /// Take all there is.
    Count,
}
