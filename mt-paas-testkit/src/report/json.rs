//! The report for programs.

use serde_json::{Value, json};

use super::{CheckResult, Report};

impl Report {
    /// The report as one JSON object.
    pub fn json(&self) -> Value {
        let count = |word: &str| self.results.iter().filter(|result| result.outcome.word() == word).count();
        json!({
            "target": self.target,
            "service_version": self.version,
            "run_id": self.run_id,
            "strict": self.strict,
            "stopped": self.stopped,
            "conformant": self.conformant(self.strict),
            "score": self.score(),
            "duration_ms": u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX),
            "left_behind": self.left_behind,
            "summary": {
                "total": self.results.len(),
                "pass": count("pass"),
                "fail": count("fail"),
                "blocked": count("blocked"),
                "skip": count("skip"),
                "figure": count("figure"),
            },
            "results": self.results.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

fn row(result: &CheckResult) -> Value {
    json!({
        "id": result.check.id,
        "case": result.case,
        "suite": result.check.suite(),
        "level": result.check.level,
        "weight": result.check.weight,
        "clause": result.check.clause,
        "outcome": result.outcome.word(),
        "note": result.outcome.note(),
        "failure": result.outcome.failure(),
        "millis": result.millis,
    })
}
