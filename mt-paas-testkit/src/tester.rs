//! A run: all suites side by side, then the checks that look back, then the cleaning up.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::check::{Check, Probe, Weight};
use crate::client::Client;
use crate::lab::{Lab, Roster};
use crate::outcome::{NOT_OFFERED, Outcome, Stop, Verdict, skip};
use crate::report::{CheckResult, Report};
use crate::route::ROUTES;
use crate::run_error::RunError;
use crate::suites::Suite;
use crate::target::Target;

use self::preflight::preflight;

mod preflight;

/// How long one check may take before it counts as failed.
const CHECK_LIMIT: Duration = Duration::from_secs(120);

/// How long the checks under way may still take when a run is stopped.
const GRACE: Duration = Duration::from_secs(5);

type Progress = Arc<dyn Fn(&CheckResult) + Send + Sync>;

/// Puts the checks to a target.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use mt_paas_testkit::{Suite, Target, Tester};
///
/// let target = Target::new("http://127.0.0.1:8000", "the market key")?;
/// let report = Tester::new(target).suites(&[Suite::Health, Suite::Users]).run().await?;
/// assert!(report.conformant(false), "{report}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tester {
    target: Target,
    suites: Vec<Suite>,
    strict: bool,
    progress: Progress,
}

impl Tester {
    /// A tester of all suites.
    pub fn new(target: Target) -> Self {
        Self { target, suites: Suite::ALL.to_vec(), strict: false, progress: Arc::new(|_| ()) }
    }

    /// Only these suites.
    #[must_use]
    pub fn suites(mut self, suites: &[Suite]) -> Self {
        self.suites = Suite::ALL.iter().copied().filter(|suite| suites.contains(suite)).collect();
        self
    }

    /// Whether reports judge advisory checks like required ones.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Called with each result as it comes.
    #[must_use]
    pub fn on_progress(mut self, progress: impl Fn(&CheckResult) + Send + Sync + 'static) -> Self {
        self.progress = Arc::new(progress);
        self
    }

    /// Runs the suites. The tenants that the run made are deactivated without data before this returns; a caller that
    /// may have to stop early uses [`Tester::run_until`], as dropping the future leaves them behind.
    ///
    /// # Errors
    ///
    /// [`RunError`] when nobody answers at the target, or the key or the existing tenant is not known there.
    pub async fn run(self) -> Result<Report, RunError> {
        self.run_until(pending::<()>()).await
    }

    /// Like [`Tester::run`], but ends early, with the cleaning up, when `stop` completes. Checks that did not run
    /// are reported as blocked.
    ///
    /// # Errors
    ///
    /// [`RunError`] when nobody answers at the target, or the key or the existing tenant is not known there.
    pub async fn run_until(self, stop: impl Future) -> Result<Report, RunError> {
        let started = Instant::now();
        let base = self.target.base_url().to_owned();
        let client = Client::new(self.target.clone()).map_err(|error| RunError::unreachable(&base, &error))?;
        let (client, roster) = (Arc::new(client), Arc::new(Roster::new()));
        let run = Run { client, roster, sink: Arc::default(), stopping: Arc::default(), tester: self };
        preflight(&run.client, run.roster.run_id()).await?;

        let stopped = {
            let mut suites = pin!(run.suites());
            tokio::select! {
                // Looked at first: a signal handler is installed before the first check makes anything.
                biased;
                _ = stop => {
                    run.stopping.store(true, Ordering::Relaxed);
                    // A check that is under way may be about to make a tenant; its answer is worth waiting for.
                    let _ = tokio::time::timeout(GRACE, suites).await;
                    true
                }
                () = &mut suites => false,
            }
        };
        let left_behind = run.roster.put_away(&run.client).await;
        let results = std::mem::take(&mut *run.sink.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Report {
            run_id: run.roster.run_id().to_owned(),
            target: base,
            version: run.client.catalogue()["version"].as_str().map(str::to_owned),
            strict: run.tester.strict,
            stopped,
            left_behind,
            elapsed: started.elapsed(),
            results: in_order(&run.tester.suites, results),
        })
    }
}

impl std::fmt::Debug for Tester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tester").field("target", &self.target).field("suites", &self.suites).finish_non_exhaustive()
    }
}

struct Run {
    client: Arc<Client>,
    roster: Arc<Roster>,
    sink: Arc<Mutex<Vec<CheckResult>>>,
    stopping: Arc<AtomicBool>,
    tester: Tester,
}

impl Run {
    /// Suites run side by side; inside a suite the checks run in order, as later ones build on its tenants.
    async fn suites(&self) {
        let mut running = JoinSet::new();
        let mut labs = Vec::new();
        for &suite in &self.tester.suites {
            let lab = Arc::new(Lab::new(Arc::clone(&self.client), suite, Arc::clone(&self.roster)));
            labs.push(Arc::clone(&lab));
            let sink = self.recorder();
            running.spawn(async move { put_all(&lab, false, &sink).await });
        }
        while running.join_next().await.is_some() {}
        for lab in labs {
            put_all(&lab, true, &self.recorder()).await;
        }
    }

    fn recorder(&self) -> Recorder {
        Recorder {
            sink: Arc::clone(&self.sink),
            stopping: Arc::clone(&self.stopping),
            progress: Arc::clone(&self.tester.progress),
        }
    }
}

struct Recorder {
    sink: Arc<Mutex<Vec<CheckResult>>>,
    stopping: Arc<AtomicBool>,
    progress: Progress,
}

impl Recorder {
    async fn record(&self, check: &'static Check, case: Option<String>, verdict: impl Future<Output = Verdict>) {
        let started = Instant::now();
        let outcome = match tokio::time::timeout(CHECK_LIMIT, verdict).await {
            Ok(Err(Stop::Fail(_))) if check.weight == Weight::Figure => Outcome::Figure("no figure".into()),
            Ok(verdict) => verdict.into(),
            Err(_) => Outcome::Blocked(format!("not finished within {} s", CHECK_LIMIT.as_secs())),
        };
        let millis = started.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        let result = CheckResult { check, case, outcome, millis };
        (self.progress)(&result);
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).push(result);
    }
}

async fn put_all(lab: &Lab, last: bool, recorder: &Recorder) {
    for check in lab.suite.checks().filter(|check| check.last == last) {
        if recorder.stopping.load(Ordering::Relaxed) {
            return;
        }
        if check.needs.is_some_and(|capability| !lab.client.offers(capability)) {
            recorder.record(check, None, async { Err(skip(NOT_OFFERED)) }).await;
            continue;
        }
        match check.probe {
            Probe::Live(run) => recorder.record(check, None, run(lab)).await,
            Probe::Reading(run) => {
                recorder.record(check, None, async { run(lab, lab.a().await?).await }).await;
                if let Some(tenant) = lab.client.target.tenant_with_data() {
                    recorder.record(check, Some(format!("tenant {tenant}")), run(lab, tenant)).await;
                }
            }
            Probe::EachRoute(run) => {
                for route in ROUTES {
                    recorder.record(check, Some(route.name()), run(lab, route)).await;
                }
            }
            Probe::Undeclarable => recorder.record(check, None, async { Err(skip(NOT_OFFERED)) }).await,
        }
    }
}

/// The results in the order of the lists; a check without any was not reached.
fn in_order(suites: &[Suite], mut results: Vec<CheckResult>) -> Vec<CheckResult> {
    let mut ordered = Vec::with_capacity(results.len());
    for check in suites.iter().flat_map(|suite| suite.checks()) {
        let (mine, rest): (Vec<_>, Vec<_>) = results.into_iter().partition(|result| result.check.id == check.id);
        results = rest;
        if mine.is_empty() {
            let outcome = Outcome::Blocked("the run was stopped before".into());
            ordered.push(CheckResult { check, case: None, outcome, millis: 0 });
        }
        ordered.extend(mine);
    }
    ordered
}
