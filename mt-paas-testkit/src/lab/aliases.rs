//! The state of the old paths of the Service Market.

use reqwest::Method;

use super::Lab;
use crate::outcome::Stop;

/// The state of the old paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aliases {
    /// Not offered.
    Absent,
    /// Beside the standard ones, without a word.
    Parallel,
    /// Announced to go away.
    Deprecated,
    /// 410.
    Removed,
}

impl Aliases {
    pub(super) async fn find(lab: &Lab) -> Result<Self, Stop> {
        let tenant = lab.a().await?;
        let answer = lab.anywhere(Method::GET, format!("/api/tenant/stats/{tenant}")).await?;
        Ok(match answer.status() {
            410 => Self::Removed,
            404 if !lab.client.offers("aliases") => Self::Absent,
            _ if answer.exchange.header("deprecation").is_some() => Self::Deprecated,
            _ => Self::Parallel,
        })
    }
}

/// Every old path of the contract: verb, and path under `/api/tenant/`.
pub(crate) const OLD_PATHS: &[(&str, &str)] = &[
    ("GET", "stats/{id}"),
    ("GET", "users/{id}"),
    ("GET", "courses/{id}"),
    ("GET", "discussions/{id}"),
    ("GET", "status/{id}"),
    ("GET", "{id}/stats"),
    ("GET", "{id}/users"),
    ("POST", "webhook/auto-provision"),
    ("POST", "webhook/application-approved"),
];

/// Whether that is an old path of the contract, for whichever tenant.
pub(crate) fn is_old_path(path: &str) -> bool {
    let Some(path) = path.strip_prefix("/api/tenant/") else { return false };
    OLD_PATHS.iter().any(|(_, known)| match known.split_once("{id}") {
        Some((before, after)) => {
            let id = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            id.is_some_and(|id| !id.is_empty() && !id.contains('/'))
        }
        None => path == *known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_path_is_known_by_its_form() {
        for path in ["stats/t1", "t1/users", "webhook/auto-provision", "status/t1"] {
            assert!(is_old_path(&format!("/api/tenant/{path}")), "{path}");
        }
        for path in ["list", "stats/", "stats/t1/more", "webhook/other-thing"] {
            assert!(!is_old_path(&format!("/api/tenant/{path}")), "{path}");
        }
        assert!(!is_old_path("/mt/tenant/t1/stats"));
    }
}
