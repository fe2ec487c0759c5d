//! The report for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::texts::{Language, Texts};
use super::{CheckResult, Report};
use crate::check::Weight;
use crate::outcome::Outcome;

impl Report {
    /// The report for people: a line for each suite, all failures in full, and a summary.
    pub fn human(&self, language: Language, colour: bool) -> String {
        let page = Page { texts: language.texts(), colour };
        let mut out = String::new();
        for (suite, results) in self.suites() {
            page.suite(&mut out, suite.name(), &results);
        }
        page.reasons(&mut out, page.texts.skips, self, |outcome| matches!(outcome, Outcome::Skip(_)));
        page.reasons(&mut out, page.texts.figures, self, |outcome| matches!(outcome, Outcome::Figure(_)));
        if self.failures().next().is_some() {
            line(&mut out, format_args!("\n{}", page.paint(page.texts.failures, Style::new().bold())));
            self.failures().for_each(|result| page.failure(&mut out, result));
        }
        page.summary(&mut out, self);
        out
    }
}

impl CheckResult {
    /// One line for the progress of a run.
    pub fn line(&self, language: Language) -> String {
        let texts = language.texts();
        let word = match &self.outcome {
            Outcome::Pass => texts.passed,
            Outcome::Fail(_) => texts.failed,
            Outcome::Skip(_) => texts.skipped,
            Outcome::Blocked(_) => texts.blocked,
            Outcome::Figure(_) => texts.figure,
        };
        format!("{:<11} {word:<8} {} ({} ms)", self.check.suite().name(), self.title(), self.millis)
    }
}

struct Page {
    texts: &'static Texts,
    colour: bool,
}

impl Page {
    fn suite(&self, out: &mut String, name: &str, results: &[&CheckResult]) {
        let count = |word: &str| results.iter().filter(|result| result.outcome.word() == word).count();
        let (failed, blocked, passed) = (count("fail"), count("blocked"), count("pass"));
        let (sign, style) = match (failed + blocked, passed) {
            (0, 0) => ("-", Style::new().dimmed()),
            (0, _) => ("✓", Style::new().green()),
            _ => ("✗", Style::new().red()),
        };
        let mut counts = vec![format!("{passed:>3} {}", self.texts.passed)];
        for (number, text) in
            [(failed, self.texts.failed), (blocked, self.texts.blocked), (count("skip"), self.texts.skipped)]
        {
            if number > 0 {
                counts.push(format!("{number} {text}"));
            }
        }
        line(out, format_args!("{} {name:<12} {}", self.paint(sign, style), counts.join(", ")));
    }

    /// Checks by the reason that they share.
    fn reasons(&self, out: &mut String, title: &str, report: &Report, wanted: fn(&Outcome) -> bool) {
        let mut by_reason = BTreeMap::<&str, Vec<String>>::new();
        for result in report.results.iter().filter(|result| wanted(&result.outcome)) {
            by_reason.entry(result.outcome.note().unwrap_or_default()).or_default().push(result.title());
        }
        if !by_reason.is_empty() {
            line(out, format_args!("\n{}", self.paint(title, Style::new().bold())));
        }
        for (reason, checks) in by_reason {
            line(out, format_args!("  {reason}: {}", checks.join(", ")));
        }
    }

    fn failure(&self, out: &mut String, result: &CheckResult) {
        let weight = match result.check.weight {
            Weight::Required => self.texts.required,
            Weight::Advisory => self.texts.advisory,
            Weight::Figure => self.texts.figure,
        };
        let title = self.paint(&result.title(), Style::new().red().bold());
        line(out, format_args!("\n  {title} ({}, {weight})", result.check.suite()));
        let mut rows = vec![(self.texts.clause, result.check.clause)];
        match &result.outcome {
            Outcome::Fail(failure) => rows.extend([
                (self.texts.sent, failure.sent.as_str()),
                (self.texts.expected, &failure.expected),
                (self.texts.got, &failure.got),
                (self.texts.repeat, &failure.curl),
            ]),
            other => rows.push((self.texts.because, other.note().unwrap_or_default())),
        }
        for (name, text) in rows {
            line(out, format_args!("    {}: {text}", self.paint(name, Style::new().dimmed())));
        }
    }

    fn summary(&self, out: &mut String, report: &Report) {
        let texts = self.texts;
        if report.stopped {
            line(out, format_args!("\n{}", texts.stopped));
        }
        if !report.left_behind.is_empty() {
            line(out, format_args!("\n{}: {}", texts.left_behind, report.left_behind.join(", ")));
        }
        let (word, style) = if report.conformant(report.strict) {
            (texts.conformant, Style::new().green().bold())
        } else {
            (texts.not_conformant, Style::new().red().bold())
        };
        let count = |word: &str| report.results.iter().filter(|result| result.outcome.word() == word).count();
        line(
            out,
            format_args!(
                "\n{}  {} {}: {} {}, {} {}, {} {}, {} {}  {} {}%  {} {}  {:.2} s  {}",
                self.paint(word, style),
                report.results.len(),
                texts.checks,
                count("pass"),
                texts.passed,
                count("fail"),
                texts.failed,
                count("blocked"),
                texts.blocked,
                count("skip"),
                texts.skipped,
                texts.score,
                report.score(),
                texts.run,
                report.run_id,
                report.elapsed.as_secs_f64(),
                report.target,
            ),
        );
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if self.colour { text.style(style).to_string() } else { text.to_owned() }
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes all text");
}
