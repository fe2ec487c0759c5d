//! The report for continuous integration.

use std::time::Duration;

use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::{CheckResult, Report};
use crate::outcome::Outcome;

impl Report {
    /// The report as JUnit XML: one suite each, one case a check. An advisory failure counts in strict runs only and
    /// is otherwise a skipped case that says so.
    ///
    /// # Errors
    ///
    /// [`SerializeError`] when the XML cannot be written.
    pub fn junit(&self) -> Result<String, SerializeError> {
        let mut report = quick_junit::Report::new("mt-paas");
        report.set_time(self.elapsed);
        for (suite, results) in self.suites() {
            let mut cases = TestSuite::new(suite.name());
            cases.add_test_cases(results.into_iter().map(|result| self.case(result)));
            report.add_test_suite(cases);
        }
        report.to_string()
    }

    fn case(&self, result: &CheckResult) -> TestCase {
        let kind =
            if matches!(result.outcome, Outcome::Fail(_)) { NonSuccessKind::Failure } else { NonSuccessKind::Error };
        let mut status = match &result.outcome {
            Outcome::Pass | Outcome::Figure(_) => TestCaseStatus::success(),
            Outcome::Fail(_) | Outcome::Blocked(_) if result.counts(self.strict) => TestCaseStatus::non_success(kind),
            Outcome::Fail(_) | Outcome::Blocked(_) | Outcome::Skip(_) => TestCaseStatus::skipped(),
        };
        match &result.outcome {
            Outcome::Fail(failure) => {
                status.set_type(format!("{:?}", result.check.weight).to_lowercase());
                status.set_message(format!("expected {}, got {}", failure.expected, failure.got));
                status.set_description(format!(
                    "clause: {}\nsent: {}\nexpected: {}\ngot: {}\nrepeat: {}",
                    result.check.clause, failure.sent, failure.expected, failure.got, failure.curl
                ));
            }
            Outcome::Skip(reason) | Outcome::Blocked(reason) => {
                status.set_message(reason.as_str());
            }
            Outcome::Pass | Outcome::Figure(_) => {}
        }
        let mut case = TestCase::new(result.title(), status);
        case.set_classname(format!("mt-paas.{}", result.check.suite()));
        case.set_time(Duration::from_millis(result.millis));
        if let Outcome::Figure(figure) = &result.outcome {
            case.set_system_out(figure.as_str());
        }
        case
    }
}
