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
