//! The suites and their checks.

use std::str::FromStr;

use crate::check::Check;

mod auth;
mod compat;
mod dashboard;
mod errors;
mod health;
mod idempotency;
mod isolation;
mod lifecycle;
mod pagination;
mod resources;
mod settings;
mod users;

/// A part of the contract that can be tested by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// The open health route and the catalogue.
    Health,
    /// Who gets in.
    Auth,
    /// Activation, deactivation, status.
    Lifecycle,
    /// Figures: stats, costs, top users, patterns, usage.
    Dashboard,
    /// The users of a tenant.
    Users,
    /// What users made.
    Resources,
    /// Settings and limits.
    Settings,
    /// The old paths of the Service Market.
    Compat,
    /// Nothing of one tenant shows in another.
    Isolation,
    /// Repeated and racing requests.
    Idempotency,
    /// Pages of lists.
    Pagination,
    /// The form of refusals.
    Errors,
}

/// There is no suite of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such suite; there are {}", Suite::ALL.map(Suite::name).join(", "))]
pub struct UnknownSuite;

impl Suite {
    /// All suites, in the order of the reports.
    pub const ALL: [Self; 12] = [
        Self::Health,
        Self::Auth,
        Self::Lifecycle,
        Self::Dashboard,
        Self::Users,
        Self::Resources,
        Self::Settings,
        Self::Compat,
        Self::Isolation,
        Self::Idempotency,
        Self::Pagination,
        Self::Errors,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Auth => "auth",
            Self::Lifecycle => "lifecycle",
            Self::Dashboard => "dashboard",
            Self::Users => "users",
            Self::Resources => "resources",
            Self::Settings => "settings",
            Self::Compat => "compat",
            Self::Isolation => "isolation",
            Self::Idempotency => "idempotency",
            Self::Pagination => "pagination",
            Self::Errors => "errors",
        }
    }

    /// The checks of the suite.
    pub fn checks(self) -> impl Iterator<Item = &'static Check> {
        let lists: &[&'static [Check]] = match self {
            Self::Health => health::LISTS,
            Self::Auth => auth::LISTS,
            Self::Lifecycle => lifecycle::LISTS,
            Self::Dashboard => dashboard::LISTS,
            Self::Users => users::LISTS,
            Self::Resources => &[resources::CHECKS],
            Self::Settings => settings::LISTS,
            Self::Compat => compat::LISTS,
            Self::Isolation => isolation::LISTS,
            Self::Idempotency => &[idempotency::CHECKS],
            Self::Pagination => &[pagination::CHECKS],
            Self::Errors => errors::LISTS,
        };
        lists.iter().flat_map(|list| list.iter())
    }

    pub(crate) fn of(check_id: &str) -> Self {
        match check_id.split('-').next().unwrap_or_default() {
            "AUT" => Self::Auth,
            "LIF" => Self::Lifecycle,
            "DSH" => Self::Dashboard,
            "USR" => Self::Users,
            "RES" => Self::Resources,
            "SET" => Self::Settings,
            "CMP" => Self::Compat,
            "ISO" => Self::Isolation,
            "IDM" => Self::Idempotency,
            "PAG" => Self::Pagination,
            "ERR" => Self::Errors,
            _ => Self::Health,
        }
    }
}

impl FromStr for Suite {
    type Err = UnknownSuite;

    fn from_str(name: &str) -> Result<Self, UnknownSuite> {
        Self::ALL.into_iter().find(|suite| suite.name() == name).ok_or(UnknownSuite)
    }
}

impl std::fmt::Display for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_an_id_of_its_own_and_stands_in_the_suite_of_its_prefix() {
        let mut seen = std::collections::BTreeSet::new();
        for suite in Suite::ALL {
            for check in suite.checks() {
                assert!(seen.insert(check.id), "{} is there twice", check.id);
                assert_eq!(check.suite(), suite, "{}", check.id);
            }
        }
    }

    #[test]
    fn the_numbers_of_a_suite_have_no_gap() {
        let expected = [10, 20, 34, 37, 34, 12, 16, 17, 16, 13, 13, 13];
        for (suite, expected) in Suite::ALL.into_iter().zip(expected) {
            let mut numbers: Vec<usize> = suite
                .checks()
                .filter(|check| !check.id.starts_with("CAT-"))
                .map(|check| check.id[4..].parse().unwrap())
                .collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (1..=expected).collect::<Vec<_>>(), "{suite}");
        }
    }
}
