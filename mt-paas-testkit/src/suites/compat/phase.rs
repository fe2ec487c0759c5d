//! The old paths say when they will go, and are gone when they said so.

use chrono::DateTime;
use reqwest::Method;

use crate::check::Check;
use crate::check::Level::A;
use crate::check::live;
use crate::client::Exchange;
use crate::lab::{Aliases, Lab, is_old_path};
use crate::outcome::{NOT_OFFERED, Verdict, skip};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        A,
        "CMP-14",
        "every answer of an old path in the run",
        "deprecated: Deprecation, Sunset not before it, Link rel=\"successor-version\", also on 401; parallel: none of them",
        live!(announced),
    )
    .last(),
    Check::new(A, "CMP-15", "a removed old path, and its standard path", "410 GONE with the Link; 200", live!(removed)),
    Check::new(
        A,
        "CMP-16",
        "every answer of a standard path in the run",
        "no Deprecation, no Sunset and no Link to a successor",
        live!(standard),
    )
    .last(),
];

async fn announced(lab: &Lab) -> Verdict {
    let aliases = lab.living_aliases().await?;
    lab.anywhere(Method::GET, format!("/api/tenant/stats/{}", lab.a().await?)).keyless().await?.is(401)?;
    let transcript = lab.client.transcript();
    let is_absent = |path: &str| {
        transcript
            .iter()
            .any(|other| other.status == 404 && other.bare_path() == path && other.text().contains("\"NOT_FOUND\""))
    };
    // A path that is no alias, or is not there, has nothing to announce.
    for exchange in transcript.iter().filter(|it| is_old_path(it.bare_path()) && !is_absent(it.bare_path())) {
        let fault = match aliases {
            Aliases::Deprecated => announcement_fault(exchange),
            _ => announced_by(exchange),
        };
        if let Some(fault) = fault {
            let expected = match aliases {
                Aliases::Deprecated => "a sound Deprecation, Sunset and Link in the deprecated phase",
                _ => "no announcement in the parallel phase",
            };
            return Err(exchange.failure(&lab.client.target, expected, &format!("{fault}: {:?}", exchange.headers)));
        }
    }
    Ok(())
}

/// The header that announces an end, if there is one.
fn announced_by(exchange: &Exchange) -> Option<&'static str> {
    let by_date = ["deprecation", "sunset"].into_iter().find(|name| exchange.header(name).is_some());
    by_date.or_else(|| links_on(exchange).then_some("link"))
}

fn announcement_fault(exchange: &Exchange) -> Option<&'static str> {
    let since = exchange.header("deprecation").and_then(|value| value.strip_prefix('@')?.parse::<i64>().ok());
    let Some(since) = since else { return Some("deprecation") };
    let sunset = exchange.header("sunset").filter(|date| date.ends_with("GMT"));
    let sunset = sunset.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    if sunset.is_none_or(|sunset| sunset.timestamp() < since) {
        return Some("sunset");
    }
    if links_on(exchange) { None } else { Some("link") }
}

fn links_on(exchange: &Exchange) -> bool {
    exchange.header("link").is_some_and(|link| link.contains('<') && link.contains("rel=\"successor-version\""))
}

async fn removed(lab: &Lab) -> Verdict {
    match lab.aliases().await? {
        Aliases::Absent => return Err(skip(NOT_OFFERED)),
        Aliases::Removed => {}
        _ => return Err(skip("the old paths are not removed yet")),
    }
    let tenant = lab.a().await?;
    for path in ["stats/{}", "users/{}", "courses/{}", "discussions/{}"] {
        let path = format!("/api/tenant/{}", path.replace("{}", tenant));
        let answer = lab.anywhere(Method::GET, path).await?;
        answer.refuses(410, "GONE")?;
        let link = answer.exchange.header("link").unwrap_or("no Link");
        answer.demand(links_on(&answer.exchange), "Link: <…>; rel=\"successor-version\"", link)?;
    }
    let hook = lab.anywhere(Method::POST, "/api/tenant/webhook/auto-provision").json(&serde_json::json!({}));
    hook.await?.refuses(410, "GONE")?;
    lab.get(format!("/tenant/{tenant}/stats")).await?.is(200).map(drop)
}

async fn standard(lab: &Lab) -> Verdict {
    let prefix = format!("{}/", lab.client.target.standard_prefix());
    for exchange in lab.client.transcript() {
        if let (true, Some(header)) = (exchange.path.starts_with(&prefix), announced_by(&exchange)) {
            let got = format!("{header}: {}", exchange.header(header).unwrap_or_default());
            return Err(exchange.failure(&lab.client.target, "no Deprecation, no Sunset, no successor", &got));
        }
    }
    Ok(())
}
