//! How a check ends.

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service did what the clause says.
    Pass,
    /// It did not.
    Fail(Box<Failure>),
    /// The check does not apply to this service, for the reason given. Not a pass.
    Skip(String),
    /// Something that the check builds on did not work, for the reason given. Counts like a failure.
    Blocked(String),
    /// A measurement or a note, which never counts.
    Figure(String),
}

/// What a service did instead of what the clause says. No field holds a key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Failure {
    /// The request: method, path and the beginning of the body.
    pub sent: String,
    /// What should have come back.
    pub expected: String,
    /// What came back.
    pub got: String,
    /// A command line that repeats the request; it takes the key from `$MT_KEY`.
    pub curl: String,
}

impl Outcome {
    /// One word for the outcome: `pass`, `fail`, `skip`, `blocked` or `figure`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Skip(_) => "skip",
            Self::Blocked(_) => "blocked",
            Self::Figure(_) => "figure",
        }
    }

    /// The failure, if the check failed.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Fail(failure) => Some(failure),
            _ => None,
        }
    }

    /// The reason of a skip or a block, the figure, or the note.
    pub fn note(&self) -> Option<&str> {
        match self {
            Self::Skip(note) | Self::Blocked(note) | Self::Figure(note) => Some(note),
            Self::Pass | Self::Fail(_) => None,
        }
    }

    /// The service did not do what was asked, or could not be asked.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Fail(_) | Self::Blocked(_))
    }
}

/// What a probe returns: it ran to its end, or it stopped.
pub(crate) type Verdict = Result<(), Stop>;

/// Why a probe stopped before its end.
#[derive(Debug, Clone)]
pub(crate) enum Stop {
    Fail(Box<Failure>),
    Skip(String),
    Blocked(String),
    Figure(String),
}

impl Stop {
    /// The same, seen from a check that only needed this as a prerequisite.
    pub(crate) fn into_prerequisite(self, what: &str) -> Self {
        match self {
            Self::Fail(failure) => Self::Blocked(format!(
                "{what}: {} should answer {}, got {}",
                failure.sent, failure.expected, failure.got
            )),
            Self::Skip(reason) => Self::Blocked(format!("{what}: {reason}")),
            other => other,
        }
    }
}

pub(crate) const NOT_OFFERED: &str = "not offered";
pub(crate) const NO_USAGE: &str = "no usage";

pub(crate) fn skip(reason: &str) -> Stop {
    Stop::Skip(reason.to_owned())
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Ok(()) => Self::Pass,
            Err(Stop::Fail(failure)) => Self::Fail(failure),
            Err(Stop::Skip(reason)) => Self::Skip(reason),
            Err(Stop::Blocked(reason)) => Self::Blocked(reason),
            Err(Stop::Figure(figure)) => Self::Figure(figure),
        }
    }
}
