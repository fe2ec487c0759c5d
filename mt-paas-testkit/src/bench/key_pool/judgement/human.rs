//! The judgement for people.

use std::fmt::Write;

use super::Judgement;
use crate::Language;
use crate::bench::key_pool::{Estimates, Overshoot};

impl Judgement {
    /// The judgement for people.
    pub fn human(&self, language: Language) -> String {
        let say = Say(language);
        let (callers, processes) = (say.of("callers", "호출자"), say.of("processes", "프로세스"));
        // A write into memory cannot fail.
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{}: {callers} {}, {processes} {}, {:.1} s, kill -9 × {}",
            self.store, self.callers, self.processes, self.seconds, self.kills
        );
        for (name, value) in self.judged(say).into_iter().chain(self.measured(say)) {
            let _ = writeln!(out, "  {name:<22}{value}");
        }
        for (why, count) in &self.failures {
            let _ = writeln!(out, "    {count} × {why}");
        }
        let verdict =
            if self.is_sound() { say.of("SOUND", "이상 없음") } else { say.of("NOT SOUND", "이상 있음") };
        out + verdict + "\n"
    }

    fn judged(&self, say: Say) -> Vec<(&'static str, String)> {
        let Overshoot { key, user, total } = self.overshoot;
        let beyond = u64::from(self.slots_beyond);
        let above = self.requests_above.map(|above| above.to_string());
        let lost = self.lost_slots.map(|lost| format!("{lost} / {}", self.capacity));
        let (keys, users) = (say.of("keys", "키"), say.of("users", "사용자"));
        let (all, end) = (say.of("total", "전체"), say.of("at the end", "끝에"));
        vec![
            (
                say.of("overshoot", "한도 초과"),
                format!(
                    "{} ({keys} {key}, {users} {user}, {all} {total}, {end} {beyond})",
                    self.overshoot.sum() + beyond
                ),
            ),
            (
                say.of("requests above limit", "분당 요청 초과"),
                above.unwrap_or_else(|| say.of("no limit set", "한도 없음").to_owned()),
            ),
            (say.of("lost slots", "잃은 자리"), lost.unwrap_or_else(|| say.of("not counted", "세지 못함").to_owned())),
            (say.of("double grants", "이중 대여"), self.double_grants.to_string()),
            (say.of("order inversions", "순서 역전"), format!("{} / {}", self.inversions, self.grants)),
        ]
    }

    fn measured(&self, say: Say) -> Vec<(&'static str, String)> {
        let ms = |micros: u64| micros as f64 / 1000.0;
        vec![
            (say.of("grants a second", "초당 대여"), format!("{:.0}", self.grants_per_second)),
            (
                say.of("waiting", "대기"),
                format!("p50 {:.1} ms, p99 {:.1} ms", ms(self.waiting.p50), ms(self.waiting.p99)),
            ),
            (say.of("Jain's index", "Jain 지수"), format!("{:.3}", self.jain)),
            (say.of("estimates", "예상 시간"), self.honesty(say)),
            (say.of("ended under holder", "사용 중 만료"), self.stale.to_string()),
            (say.of("failures", "실패"), self.failures.values().sum::<u64>().to_string()),
        ]
    }

    fn honesty(&self, say: Say) -> String {
        let Estimates { judged, untold, within_a_tenth, median_error } = self.estimates;
        let untold = format!("{} {untold}", say.of("without one", "예상 없음"));
        if judged == 0 {
            return untold;
        }
        let (close, median) = (within_a_tenth * 100.0, median_error * 100.0);
        let (within, half) = (say.of("within 10 %", "10 % 이내"), say.of("median error", "오차 중앙값"));
        let of = say.of("of", "건수");
        format!("{within} {close:.0} %, {half} {median:.0} % ({of} {judged}, {untold})")
    }
}

/// One of two languages.
#[derive(Clone, Copy)]
struct Say(Language);

impl Say {
    fn of(self, en: &'static str, ko: &'static str) -> &'static str {
        match self.0 {
            Language::En => en,
            Language::Ko => ko,
        }
    }
}
