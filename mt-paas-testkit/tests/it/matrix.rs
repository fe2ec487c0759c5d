//! The tester's exam: nothing found in a sound service, every planted fault found, no check without a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use futures_util::{StreamExt, stream};
use mt_paas_testkit::{Check, Outcome, Report, Suite, Target, Tester, serve_and_test};

use crate::self_test::{FAULTS, Fault, KEY, Phase, Planted, Service, serve, spawn_in};

/// What the contract's capabilities leave no room for yet.
const NOT_OFFERED: &[&str] = &["LIF-31", "LIF-32", "LIF-33", "LIF-34", "DSH-37", "USR-32", "PAG-12"];

/// Checks for which no fault is planted, and why.
const SHAPE_ONLY: &[(&str, &str)] = &[
    ("AUT-17", "prints a figure and cannot fail"),
    ("ISO-16", "prints a figure and cannot fail"),
    ("LIF-31", "its capability cannot be declared yet"),
    ("LIF-32", "its capability cannot be declared yet"),
    ("LIF-33", "its capability cannot be declared yet"),
    ("LIF-34", "its capability cannot be declared yet"),
    ("DSH-37", "its capability cannot be declared yet"),
    ("USR-32", "its capability cannot be declared yet"),
    ("PAG-12", "its capability cannot be declared yet"),
];

/// Checks that need usage, resources or a capability.
const NEEDS_MORE: &[&str] = &[
    "DSH-11", "DSH-12", "DSH-13", "DSH-14", "DSH-17", "DSH-18", "DSH-19", "DSH-20", "DSH-21", "DSH-23", "DSH-24",
    "DSH-25", "DSH-26", "DSH-27", "DSH-28", "IDM-01", "IDM-02", "IDM-03", "IDM-04", "IDM-05", "IDM-06", "RES-04",
    "RES-07", "RES-09", "RES-11", "SET-13", "SET-14",
];

/// Faulty services under test at one time.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_in_the_sound_service() {
    for phase in [Phase::Parallel, Phase::Deprecated, Phase::Removed] {
        let service = spawn_in(phase, None).await;
        let report = examine(&service, &Suite::ALL).await;
        assert!(report.failures().next().is_none() && report.conformant(true), "{phase:?}\n{report}");
        assert_eq!(skipped(&report), allowed_to_skip(phase), "{phase:?}\n{report}");
        assert!(report.left_behind.is_empty(), "{:?}", report.left_behind);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_contract_leaves_open_is_no_fault() {
    let manners: Vec<Fault> = FAULTS.iter().filter(|it| it.killed_by.is_empty()).map(|it| it.fault).collect();
    let (bare, rich) = manners.split_at(3);
    assert_eq!(bare, [Fault::NoDemonstration, Fault::NothingOptional, Fault::WholeSeconds]);
    for manners in [bare, rich] {
        let service = spawn_in(Phase::Parallel, manners.iter().copied()).await;
        let report = examine(&service, &Suite::ALL).await;
        assert!(report.failures().next().is_none() && report.conformant(true), "{manners:?}\n{report}");
        let mut expected = if manners == bare { nothing_to_see() } else { allowed_to_skip(Phase::Parallel) };
        if manners.contains(&Fault::LimitsUnlisted) {
            expected.insert("SET-13");
            let note = report.outcome("CAT-02").and_then(Outcome::note);
            assert_eq!(note, Some("works, but is not in the catalogue: limits"), "{report}");
        } else {
            assert_eq!(report.outcome("CAT-02"), Some(&Outcome::Pass), "{report}");
        }
        assert_eq!(skipped(&report), expected, "{manners:?}\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_is_found() {
    let faults = FAULTS.iter().filter(|planted| !planted.killed_by.is_empty());
    let examined = stream::iter(faults).map(|planted| tokio::spawn(Row::of(planted))).buffer_unordered(AT_ONCE);
    let rows: Vec<Row> = examined.map(|row| row.expect("an examination ends without a panic")).collect().await;
    #[allow(clippy::disallowed_methods, reason = "where the matrix goes is said by whoever runs the test")]
    let file = std::env::var("MT_PAAS_MATRIX_FILE");
    if let Ok(file) = file {
        std::fs::write(&file, table(&rows)).expect("MT_PAAS_MATRIX_FILE can be written");
    }
    let mut survivors: Vec<String> = rows.iter().filter_map(Row::survival).collect();
    survivors.sort();
    assert!(survivors.is_empty(), "{} of {} faults survived:\n{}", survivors.len(), rows.len(), survivors.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_tested_inside_a_test() {
    let faulty = [Fault::M26];
    let some = |target| Tester::new(target).suites(&[Suite::Users]);
    let report = serve_and_test(|listener| async move { serve(listener, &faulty).await }, KEY, some).await;
    let report = report.expect("the reference service answers");
    assert!(matches!(report.outcome("USR-03"), Some(Outcome::Fail(_))), "{report}");
    assert!(!report.conformant(false));
}

#[test]
fn every_check_has_a_fault_or_a_reason() {
    let known: BTreeSet<_> = checks().map(|check| check.id).collect();
    let excused: BTreeSet<_> = SHAPE_ONLY.iter().map(|(id, _)| *id).collect();
    let named: BTreeSet<_> = FAULTS.iter().flat_map(|planted| planted.killed_by).copied().collect();
    let untested: Vec<_> = known.iter().filter(|id| !named.contains(*id) && !excused.contains(*id)).collect();
    assert!(untested.is_empty(), "no fault is planted for {untested:?}");
    assert_eq!(named.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "no such checks");
    assert_eq!(excused.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "no such checks");
    assert_eq!(excused.intersection(&named).collect::<Vec<_>>(), Vec::<&&str>::new(), "needs no excuse");
}

/// A planted fault and the checks that failed.
struct Row {
    planted: &'static Planted,
    failed: BTreeSet<&'static str>,
    report: Report,
}

impl Row {
    async fn of(planted: &'static Planted) -> Self {
        let service = spawn_in(planted.phase, Some(planted.fault)).await;
        let wanted = |suite: &Suite| suite.checks().any(|check| planted.killed_by.contains(&check.id));
        let suites: Vec<_> = Suite::ALL.into_iter().filter(wanted).collect();
        let report = examine(&service, &suites).await;
        let failed = report.results.iter().filter(|result| matches!(result.outcome, Outcome::Fail(_)));
        Self { planted, failed: failed.map(|result| result.check.id).collect(), report }
    }

    /// What to say if the tester did not see the fault.
    fn survival(&self) -> Option<String> {
        let Planted { name, what, killed_by, .. } = self.planted;
        let missed = killed_by.iter().filter(|id| !self.failed.contains(*id));
        let outcomes: Vec<_> = missed.map(|id| format!("    {id}: {:?}", self.report.outcome(id))).collect();
        let survived = || format!("{name} ({what}) failed only {:?}\n{}", self.failed, outcomes.join("\n"));
        (!outcomes.is_empty()).then(survived)
    }
}

async fn examine(service: &Service, suites: &[Suite]) -> Report {
    let target = Target::new(&service.url, &service.key).and_then(|target| target.second_key(&service.second_key));
    let tester = Tester::new(target.expect("the reference service has a sound address and keys"));
    tester.suites(suites).strict(true).run().await.expect("the reference service answers")
}

fn skipped(report: &Report) -> BTreeSet<&'static str> {
    let skips = report.results.iter().filter(|result| matches!(result.outcome, Outcome::Skip(_)));
    skips.map(|result| result.check.id).collect()
}

fn allowed_to_skip(phase: Phase) -> BTreeSet<&'static str> {
    let of_phase = |id: &str| match phase {
        Phase::Removed => id.starts_with("CMP-") && !["CMP-15", "CMP-16"].contains(&id),
        Phase::Parallel | Phase::Deprecated => id == "CMP-15",
    };
    checks().map(|check| check.id).filter(|id| of_phase(id) || NOT_OFFERED.contains(id)).collect()
}

/// What a service without usage, resources and capabilities leaves untried.
fn nothing_to_see() -> BTreeSet<&'static str> {
    let old_paths = |id: &str| id.starts_with("CMP-") && id != "CMP-16" || id == "AUT-18";
    checks()
        .map(|check| check.id)
        .filter(|id| old_paths(id) || NOT_OFFERED.contains(id) || NEEDS_MORE.contains(id))
        .collect()
}

fn checks() -> impl Iterator<Item = &'static Check> {
    Suite::ALL.into_iter().flat_map(Suite::checks)
}

/// Fault by check and check by fault, in Markdown.
fn table(rows: &[Row]) -> String {
    let mut text = "# Which check finds which fault\n\nA fault is run against the suites of its own checks only.\n\n\
         | Fault | What is wrong | Must fail | Also failed |\n|---|---|---|---|\n"
        .to_owned();
    let by_name: BTreeMap<_, _> = rows.iter().map(|row| (row.planted.name, row)).collect();
    for Planted { name, what, killed_by, .. } in FAULTS {
        let Some(Row { failed, .. }) = by_name.get(name) else { continue };
        let mark = |id: &&str| if failed.contains(*id) { format!("**{id}**") } else { (*id).to_owned() };
        let named: Vec<_> = killed_by.iter().map(mark).collect();
        let also: Vec<_> = failed.iter().filter(|id| !killed_by.contains(id)).copied().collect();
        let _ = writeln!(text, "| {name} | {what} | {} | {} |", named.join(" "), also.join(" "));
    }
    text.push_str("\n| Check | Found |\n|---|---|\n");
    for check in checks() {
        let mut found: Vec<_> =
            rows.iter().filter(|row| row.failed.contains(check.id)).map(|row| row.planted.name).collect();
        found.sort_unstable();
        let excuse = SHAPE_ONLY.iter().find(|(id, _)| *id == check.id).map(|(_, why)| format!("shape only: {why}"));
        let _ = writeln!(text, "| {} | {} |", check.id, excuse.unwrap_or_else(|| found.join(" ")));
    }
    text
}
