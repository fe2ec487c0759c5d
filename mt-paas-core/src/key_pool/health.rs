//! What a provider says of a key, and what follows from it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::Moment;

/// How long a key without credit rests. Somebody has to pay first; until then each try costs a request.
const OUT_OF_CREDIT: Duration = Duration::from_secs(3600);
/// How long a key rests that its provider slowed down without saying for how long.
const SLOWED_DOWN: Duration = Duration::from_secs(30);
/// The longest rest that a provider can ask for.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How a call that was made with a key ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The provider did its work, or failed for a reason that is not the key's.
    Served,
    /// It does not accept the key (401, 403).
    Unauthorized,
    /// The key has no credit left (402).
    OutOfCredit,
    /// It asks to slow down (429), with the pause that it named.
    SlowDown {
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
}

impl Verdict {
    /// What the status of a provider's answer means for the key.
    pub fn of_status(status: u16, retry_after: Option<Duration>) -> Self {
        match status {
            401 | 403 => Self::Unauthorized,
            402 => Self::OutOfCredit,
            429 => Self::SlowDown { retry_after },
            _ => Self::Served,
        }
    }

    /// Whether the provider refused the call, so that it counts for no limit.
    pub fn is_refusal(self) -> bool {
        self != Self::Served
    }
}

/// Whether a key may be lent, as far as its provider is concerned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Health {
    /// Nothing is known against it.
    #[default]
    Well,
    /// It rests until a time.
    Cooling {
        /// When it may be lent again.
        until: Moment,
        /// Since when it rests.
        since: Moment,
        /// What the provider said.
        reason: Complaint,
    },
    /// It is not lent until an administrator releases it, or puts another key in its place.
    Quarantined {
        /// Since when.
        since: Moment,
        /// What the provider said.
        reason: Complaint,
    },
}

/// Why a key is not lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Complaint {
    /// The provider does not accept it.
    Unauthorized,
    /// It has no credit left.
    OutOfCredit,
    /// The provider asked to slow down.
    SlowDown,
}

impl Health {
    /// When the key may be lent again: `now` at once, `None` not by itself.
    pub fn free_at(self, now: Moment) -> Option<Moment> {
        match self {
            Self::Well => Some(now),
            Self::Cooling { until, .. } => Some(until.max(now)),
            Self::Quarantined { .. } => None,
        }
    }

    /// The health after another verdict. A worse state is never replaced by a better one.
    pub(crate) fn after(self, verdict: Verdict, now: Moment) -> Self {
        let (pause, reason) = match verdict {
            Verdict::Served => return self,
            Verdict::Unauthorized if matches!(self, Self::Quarantined { .. }) => return self,
            Verdict::Unauthorized => return Self::Quarantined { since: now, reason: Complaint::Unauthorized },
            Verdict::OutOfCredit => (OUT_OF_CREDIT, Complaint::OutOfCredit),
            Verdict::SlowDown { retry_after } => (retry_after.unwrap_or(SLOWED_DOWN).min(LONGEST), Complaint::SlowDown),
        };
        match self.free_at(now) {
            Some(free) if free < now + pause => Self::Cooling { until: now + pause, since: now, reason },
            _ => self,
        }
    }

    /// After a step of the clock back to `now`: no rest is longer than it can have been meant.
    pub(crate) fn clamp(self, now: Moment) -> Self {
        match self {
            Self::Cooling { until, since, reason } if since > now => {
                Self::Cooling { until: now + until.since(since), since: now, reason }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_micros(1_000_000_000);

    #[test]
    fn a_refused_key_waits_for_an_administrator() {
        let health = Health::Well.after(Verdict::of_status(401, None), NOW);
        assert_eq!(health.free_at(NOW), None);
        assert_eq!(health.after(Verdict::of_status(429, None), NOW), health);
    }

    #[test]
    fn a_pause_is_as_long_as_the_provider_says_and_never_shorter_than_known() {
        let paid_out = Health::Well.after(Verdict::of_status(402, None), NOW);
        assert_eq!(paid_out.free_at(NOW), Some(NOW + OUT_OF_CREDIT));
        let slowed = Verdict::of_status(429, Some(Duration::from_secs(7)));
        assert_eq!(Health::Well.after(slowed, NOW).free_at(NOW), Some(NOW + Duration::from_secs(7)));
        assert_eq!(paid_out.after(slowed, NOW), paid_out);
        let endless = Verdict::SlowDown { retry_after: Some(Duration::MAX) };
        assert_eq!(Health::Well.after(endless, NOW).free_at(NOW), Some(NOW + LONGEST));
    }

    #[test]
    fn other_failures_say_nothing_of_the_key() {
        for status in [200, 400, 404, 408, 500, 503] {
            assert_eq!(Health::Well.after(Verdict::of_status(status, None), NOW), Health::Well, "{status}");
        }
    }
}
