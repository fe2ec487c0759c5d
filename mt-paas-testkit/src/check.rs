//! A check: one demand of the contract, as data and a probe.

use std::future::Future;
use std::pin::Pin;

use crate::lab::Lab;
use crate::outcome::Verdict;
use crate::route::Route;
use crate::suites::Suite;

/// One demand of the Standard API, with the probe that puts it to a service.
#[derive(Clone, Copy)]
pub struct Check {
    /// Stable name, such as `USR-03`.
    pub id: &'static str,
    /// Where the demand comes from.
    pub level: Level,
    /// What a failure means for the verdict on the service.
    pub weight: Weight,
    /// The capability without which the check does not apply, as it stands in `/mt/catalog`.
    pub needs: Option<&'static str>,
    /// What the probe sends.
    pub sends: &'static str,
    /// What must come back, and the clause that says so.
    pub clause: &'static str,
    pub(crate) probe: Probe,
    /// Looks at the answers of the whole run and therefore runs after all suites.
    pub(crate) last: bool,
}

/// Where a demand comes from. It does not say how much a failure weighs: see [`Weight`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Level {
    /// The published plan of the Standard API demands it.
    R,
    /// The earlier SDK's code demands it, and its callers rely on it.
    S,
    /// The contract demands it beyond both.
    A,
}

/// What a failure means for the verdict on a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// A failure makes the service non-conformant.
    Required,
    /// A failure counts in strict runs only.
    Advisory,
    /// Prints a figure and never counts.
    Figure,
}

pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// How a check is put to a service.
#[derive(Clone, Copy)]
pub(crate) enum Probe {
    /// Once, with tenants of the run's own.
    Live(for<'a> fn(&'a Lab) -> Running<'a>),
    /// Reads only: on a tenant of the run's own, and again on the existing tenant if one was named.
    Reading(for<'a> fn(&'a Lab, &'a str) -> Running<'a>),
    /// Once for each protected route, with one result each.
    EachRoute(for<'a> fn(&'a Lab, &'static Route) -> Running<'a>),
    /// Belongs to a capability that this version of the contract cannot declare.
    Undeclarable,
}

impl Check {
    pub(crate) const fn new(
        level: Level,
        id: &'static str,
        sends: &'static str,
        clause: &'static str,
        probe: Probe,
    ) -> Self {
        Self { id, level, weight: Weight::Required, needs: None, sends, clause, probe, last: false }
    }

    pub(crate) const fn advisory(self) -> Self {
        Self { weight: Weight::Advisory, ..self }
    }

    pub(crate) const fn figure(self) -> Self {
        Self { weight: Weight::Figure, ..self }
    }

    pub(crate) const fn needs(self, capability: &'static str) -> Self {
        Self { needs: Some(capability), ..self }
    }

    pub(crate) const fn last(self) -> Self {
        Self { last: true, ..self }
    }

    /// The suite that the check belongs to.
    pub fn suite(&self) -> Suite {
        Suite::of(self.id)
    }

    /// Every check there is, suite by suite.
    pub fn all() -> impl Iterator<Item = &'static Check> {
        Suite::ALL.iter().flat_map(|suite| suite.checks())
    }

    /// The check of that id, in any letter case.
    pub fn find(id: &str) -> Option<&'static Check> {
        Self::all().find(|check| check.id.eq_ignore_ascii_case(id))
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("id", &self.id).field("weight", &self.weight).finish_non_exhaustive()
    }
}

macro_rules! live {
    ($probe:expr) => {
        crate::check::Probe::Live(|lab| Box::pin($probe(lab)))
    };
}
macro_rules! reading {
    ($probe:expr) => {
        crate::check::Probe::Reading(|lab, tenant| Box::pin($probe(lab, tenant)))
    };
}
macro_rules! each_route {
    ($probe:expr) => {
        crate::check::Probe::EachRoute(|lab, route| Box::pin($probe(lab, route)))
    };
}
pub(crate) use {each_route, live, reading};
