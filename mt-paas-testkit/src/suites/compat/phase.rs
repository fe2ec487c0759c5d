//! The old paths say when they will go, and are gone when they said so.

use chrono::DateTime;
use reqwest::Method;

use crate::check::Check;
use crate::check::Level::A;
use crate::check::live;
use crate::client::Exchange;
use crate::lab::{Aliases, Lab};
use crate::outcome::{NOT_OFFERED, Verdict, skip};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        A,
        "CMP-14",
        "every answer of an old path in the run",
        "deprecated: Deprecation, Sunset not before it, Link rel=\"successor-version\"; parallel: none of them",
        live!(announced),
    )
    .last(),
    Check::new(A, "CMP-15", "a removed old path, and its standard path", "410 GONE with the Link; 200", live!(removed)),
    Check::new(
        A,
        "CMP-16",
        "every answer of a standard path in the run",
        "no Deprecation and no Sunset",
        live!(standard),
    )
    .last(),
];

async fn announced(lab: &Lab) -> Verdict {
    let aliases = lab.living_aliases().await?;
    for exchange in lab.client.transcript() {
        // Who has no key learns nothing, and a path that is no alias has nothing to announce.
        let silent = exchange.status == 401 || exchange.status == 404 && exchange.text().contains("\"NOT_FOUND\"");
        if !exchange.path.starts_with("/api/tenant/") || silent {
            continue;
        }
        let fault = match aliases {
            Aliases::Deprecated => announcement_fault(&exchange),
            _ => ["deprecation", "sunset"].into_iter().find(|name| exchange.header(name).is_some()),
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
        let announces = exchange.header("deprecation").or_else(|| exchange.header("sunset"));
        if let (true, Some(value)) = (exchange.path.starts_with(&prefix), announces) {
            return Err(exchange.failure(&lab.client.target, "no Deprecation and no Sunset", value));
        }
    }
    Ok(())
}
