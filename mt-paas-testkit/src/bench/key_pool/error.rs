//! Why nothing can be said about a pool.

use std::error::Error;
use std::io;

/// Why a run ended without a judgement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// An option cannot be meant.
    #[error("--{option} {demand}")]
    InvalidOption {
        /// Which.
        option: &'static str,
        /// What it must be.
        demand: String,
    },
    /// A process could not do its work, such as reach the store.
    #[error("{0}")]
    Worker(String),
    /// A process ended that nobody killed.
    #[error("a worker process ended by itself; it may have said why")]
    WorkerEnded,
    /// A process did not answer.
    #[error("the worker processes did not {0} in time")]
    Late(&'static str),
    /// Processes could not be started or heard.
    #[error("the worker processes cannot be started or heard")]
    Io(#[from] io::Error),
    /// A message between the processes could not be read.
    #[error("the worker processes say what nobody understands; they must be of the same version")]
    Message(#[from] serde_json::Error),
}

impl BenchError {
    /// The error with its causes.
    pub fn told(&self) -> String {
        told(self)
    }
}

/// An error with its causes.
pub(super) fn told(error: &(dyn Error + 'static)) -> String {
    let (mut told, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}
