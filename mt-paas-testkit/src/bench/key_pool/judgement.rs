//! What the judge says in the end.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::figures::{Estimates, Waiting, jain};
use super::options::{HoldTimes, KeyPoolBench};
use super::order::inversions;
use super::requests;
use super::run::Counted;
use super::truth::{Overshoot, Truth};
use crate::report::Language;

/// What the judge says in the end.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    /// The kind of the store.
    pub store: String,
    /// Callers in all processes.
    pub callers: u32,
    /// Processes.
    pub processes: u32,
    /// How long the callers called, in seconds.
    pub seconds: f64,
    /// Processes that were killed.
    pub kills: u64,
    /// Leases that could be had at once.
    pub capacity: u32,
    /// Calls that began while as many ran as may.
    pub overshoot: Overshoot,
    /// Requests above the limit in a minute; `None`: there was no limit.
    pub requests_above: Option<u64>,
    /// Leases that nobody held and nobody could have, a second after the time to live; `None`: the run was stopped.
    pub lost_slots: Option<u32>,
    /// Leases beyond what there may be, which could be had then.
    pub slots_beyond: u32,
    /// Generations that were granted twice, or did not rise.
    pub double_grants: u64,
    /// Leases that were granted out of turn.
    pub inversions: u64,
    /// Calls that were made.
    pub grants: u64,
    /// Calls a second.
    pub grants_per_second: f64,
    /// How long callers waited.
    pub waiting: Waiting,
    /// Jain's index over the leases of callers whose user called for nobody else.
    pub jain: f64,
    /// How honest the pool was about the time to wait.
    pub estimates: Estimates,
    /// Whether calls took equally long.
    pub constant_holds: bool,
    /// Leases that ended under their holders.
    pub stale: u64,
    /// Why the pool refused what it should have done, and how often.
    pub failures: std::collections::BTreeMap<String, u64>,
}

impl Judgement {
    pub(super) fn of(
        bench: &KeyPoolBench,
        truth: &Truth,
        counted: Option<Counted>,
        kills: u64,
        called: Duration,
    ) -> Self {
        let (records, seconds) = (&truth.records, called.as_secs_f64());
        let lone = (0..bench.callers).filter(|caller| bench.user_of(*caller, 0).1);
        Self {
            store: bench.scheme().to_owned(),
            callers: bench.callers,
            processes: bench.processes,
            seconds,
            kills,
            capacity: bench.capacity(),
            overshoot: truth.overshoot,
            requests_above: bench.requests_per_minute.map(|limit| requests::above(records, limit)),
            lost_slots: counted.map(|counted| bench.capacity() - counted.free),
            slots_beyond: counted.map_or(0, |counted| u32::from(counted.beyond)),
            double_grants: truth.double_grants,
            inversions: inversions(records),
            grants: records.len() as u64,
            grants_per_second: if seconds > 0.0 { records.len() as f64 / seconds } else { 0.0 },
            waiting: Waiting::of(records),
            jain: jain(records, lone),
            estimates: Estimates::of(records),
            constant_holds: bench.hold_times == HoldTimes::Constant,
            stale: truth.stale,
            failures: truth.failures.clone(),
        }
    }

    /// Whether the run came to its end, calls were made, and nothing was lost, doubled, out of turn or above a limit.
    pub fn is_sound(&self) -> bool {
        let above = self.overshoot.sum() + self.requests_above.unwrap_or(0) + u64::from(self.slots_beyond);
        self.grants > 0 && above + self.double_grants + self.inversions == 0 && self.lost_slots == Some(0)
    }

    /// The judgement for people.
    pub fn human(&self, language: Language) -> String {
        let say = |en: &'static str, ko: &'static str| if language == Language::Ko { ko } else { en };
        let mut out = format!(
            "{}: {} {}, {} {}, {:.1} {}, {} kill -9\n",
            self.store,
            self.callers,
            say("callers", "호출자"),
            self.processes,
            say("processes", "프로세스"),
            self.seconds,
            say("s", "초"),
            self.kills,
        );
        let Overshoot { key, user, total } = self.overshoot;
        let above = u64::from(self.slots_beyond);
        let unknown = || say("not counted", "세지 못함").to_owned();
        let ms = |micros: u64| micros as f64 / 1000.0;
        let Estimates { judged, within_a_tenth, median_error } = self.estimates;
        let rows = [
            (
                say("overshoot", "한도 초과"),
                format!(
                    "{} ({} {key}, {} {user}, {} {total}, {} {above})",
                    self.overshoot.sum() + above,
                    say("keys", "키"),
                    say("users", "사용자"),
                    say("total", "전체"),
                    say("at the end", "끝에"),
                ),
            ),
            (
                say("requests above limit", "요청 한도 초과"),
                self.requests_above.map_or_else(|| say("no limit", "한도 없음").to_owned(), |above| above.to_string()),
            ),
            (
                say("lost slots", "잃은 자리"),
                self.lost_slots.map_or_else(unknown, |lost| format!("{lost} / {}", self.capacity)),
            ),
            (say("double grants", "이중 대여"), self.double_grants.to_string()),
            (say("order inversions", "순서 역전"), format!("{} / {}", self.inversions, self.grants)),
            (say("grants a second", "초당 대여"), format!("{:.0}", self.grants_per_second)),
            (say("waiting", "대기"), format!("p50 {:.1} ms, p99 {:.1} ms", ms(self.waiting.p50), ms(self.waiting.p99))),
            (say("Jain's index", "Jain 지수"), format!("{:.3}", self.jain)),
            (
                say("estimates", "예상 시간"),
                format!(
                    "{:.0} % {}, {} {:.0} % ({judged}, {})",
                    within_a_tenth * 100.0,
                    say("within 10 %", "가 10 % 이내"),
                    say("median error", "오차 중앙값"),
                    median_error * 100.0,
                    if self.constant_holds {
                        say("constant holds", "일정한 사용 시간")
                    } else {
                        say("exponential holds", "지수 분포 사용 시간")
                    },
                ),
            ),
            (say("ended under holder", "사용 중 만료"), self.stale.to_string()),
            (say("failures", "실패"), self.failures.values().sum::<u64>().to_string()),
        ];
        // A write into memory cannot fail.
        for (name, value) in rows {
            let _ = writeln!(out, "  {name:<22}{value}");
        }
        for (why, count) in &self.failures {
            let _ = writeln!(out, "    {count} × {why}");
        }
        let verdict = if self.is_sound() { say("SOUND", "이상 없음") } else { say("NOT SOUND", "이상 있음") };
        let _ = writeln!(out, "{verdict}");
        out
    }

    /// The judgement for programs.
    pub fn json(&self) -> serde_json::Value {
        let mut value = serde_json::json!(self);
        value["sound"] = self.is_sound().into();
        value
    }
}
