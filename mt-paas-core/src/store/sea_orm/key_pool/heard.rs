//! What notifications have told so far.

use std::collections::VecDeque;

use super::wake;
use crate::key_pool::MemberId;

/// So many notifications are remembered, for members that were not listening when they came.
const REMEMBERED: usize = 256;

/// What notifications have told so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The server cannot be reached.
    pub(super) away: bool,
    /// Up to this version, anybody may have been called.
    unknown: u64,
    calls: VecDeque<Call>,
}

/// A notification: members to be woken by an entry.
#[derive(Debug)]
struct Call {
    version: u64,
    wakes: Wakes,
}

#[derive(Debug)]
enum Wakes {
    Everybody,
    Members(String),
}

impl Heard {
    /// Listens from now on, when the list ends with `version`.
    pub(super) fn from(version: u64) -> Self {
        Self { unknown: version, ..Self::default() }
    }

    /// Takes the payload of a notification in. One that cannot be read is nothing: others may use the channel.
    pub(super) fn add(&mut self, payload: &str) {
        let Some(call) = Call::read(payload) else { return };
        self.calls.push_back(call);
        if self.calls.len() > REMEMBERED {
            let forgotten = self.calls.pop_front().map_or(0, |call| call.version);
            self.unknown = self.unknown.max(forgotten);
        }
    }

    /// Whether an entry after `after` may be there that wakes a member.
    pub(super) fn calls(&self, member: MemberId, after: u64) -> bool {
        after < self.unknown || self.calls.iter().any(|call| call.version > after && call.wakes(member))
    }
}

/// The payload for an entry that wakes these members, if there are any.
pub(super) fn payload(version: u64, members: &[MemberId]) -> Option<String> {
    let list = wake::list(members);
    match list.len() {
        0 => None,
        // PostgreSQL takes less than 8000 bytes.
        length if length > 7_900 => Some(format!("{version}*")),
        _ => Some(format!("{version}{list}")),
    }
}

impl Call {
    fn read(payload: &str) -> Option<Self> {
        let (version, list) = payload.split_at(payload.find([' ', '*'])?);
        let wakes = if list == "*" { Wakes::Everybody } else { Wakes::Members(list.to_owned()) };
        Some(Self { version: version.parse().ok()?, wakes })
    }

    fn wakes(&self, member: MemberId) -> bool {
        match &self.wakes {
            Wakes::Everybody => true,
            Wakes::Members(list) => wake::names(list, member),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(notifications: &[Option<String>]) -> Heard {
        let mut heard = Heard::from(10);
        for payload in notifications.iter().flatten() {
            heard.add(payload);
        }
        heard
    }

    #[test]
    fn a_member_is_called_by_what_names_it_and_by_what_it_may_have_missed() {
        let heard = heard(&[payload(11, &[MemberId(1)]), payload(12, &[]), payload(13, &[MemberId(2), MemberId(3)])]);
        assert!(heard.calls(MemberId(1), 10) && !heard.calls(MemberId(1), 11));
        assert!(heard.calls(MemberId(2), 12) && heard.calls(MemberId(3), 10) && !heard.calls(MemberId(3), 13));
        assert!(!heard.calls(MemberId(4), 10) && heard.calls(MemberId(4), 9), "before 10 nobody listened");
    }

    #[test]
    fn more_members_than_a_payload_holds_are_everybody() {
        let crowd: Vec<MemberId> = (0..2_000).map(|number| MemberId((1 << 52) + number)).collect();
        let text = payload(11, &crowd).unwrap();
        assert!(text.len() < 8_000);
        assert!(heard(&[Some(text)]).calls(MemberId(7), 10));
        assert!(payload(11, &crowd[..400]).unwrap().len() < 8_000);
    }

    #[test]
    fn what_is_forgotten_may_have_called_anybody() {
        let calls: Vec<_> = (11..=600).map(|version| payload(version, &[MemberId(1)])).collect();
        let heard = heard(&calls);
        assert!(heard.calls(MemberId(2), 300) && !heard.calls(MemberId(2), 400));
        assert!(heard.calls(MemberId(1), 599) && !heard.calls(MemberId(1), 600));
    }

    #[test]
    fn a_strangers_notification_is_nothing() {
        let strange = ["", "x", "x 1 ", "*", " 1 ", "-1 1 "].map(|payload| Some(payload.to_owned()));
        assert!(!heard(&strange).calls(MemberId(1), 10));
    }
}
