//! Suite `resources`: what the users of a tenant made.

use std::collections::BTreeSet;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::check::Level::{A, R, S};
use crate::check::{Check, live, reading};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::{Stop, Verdict, skip};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        R,
        "RES-01",
        "GET resources?type=course",
        "200 with tenant_id, resource_type, total, items",
        reading!(shape),
    ),
    Check::new(
        R,
        "RES-02",
        "GET resources?type=course and discussion",
        "every item that states a type states that one; the lists are disjoint",
        reading!(kinds),
    ),
    Check::new(
        S,
        "RES-03",
        "GET resources of document, session and an unknown type",
        "200, 200, 400 or 422",
        reading!(types),
    ),
    Check::new(
        R,
        "RES-04",
        "GET resources",
        "items have id, title, created_at; stats are integers ≥ 0",
        reading!(items),
    ),
    Check::new(R, "RES-05", "GET resources?limit=2", "at most 2 items; limit 0 and 101 are 4xx", reading!(limit)),
    Check::new(
        S,
        "RES-06",
        "GET resources with offset 1; with an offset past the end",
        "the list from its second item on; 200, no items, the same total",
        reading!(offset),
    ),
    Check::new(
        S,
        "RES-07",
        "GET resources?search=",
        "finds by title, and nothing for a word that is nowhere",
        reading!(search),
    ),
    Check::new(A, "RES-08", "GET resources without a type", "all types; resource_type is null", reading!(all_types)),
    Check::new(A, "RES-09", "GET users/{created_by}", "200 in the same tenant", reading!(authors)).advisory(),
    Check::new(S, "RES-10", "GET resources of an unknown tenant", "404 TENANT_NOT_FOUND", live!(unknown_tenant)),
    Check::new(A, "RES-11", "GET resources page by page", "each id once", reading!(unique)),
    Check::new(A, "RES-12", "GET resources?limit=7&offset=3", "limit and offset are repeated", reading!(echoed)),
];

async fn list(lab: &Lab, tenant: &str, query: &str) -> Result<Answer, Stop> {
    let answer = lab.get(format!("/tenant/{tenant}/resources?{query}")).await?;
    answer.is(200)?.rows_at("/items")?;
    Ok(answer)
}

/// The first hundred of all types; skipped when there are none.
async fn some(lab: &Lab, tenant: &str) -> Result<Answer, Stop> {
    let answer = list(lab, tenant, "limit=100").await?;
    if answer.rows_at("/items")?.is_empty() { Err(skip("no resources")) } else { Ok(answer) }
}

async fn shape(lab: &Lab, tenant: &str) -> Verdict {
    let answer = list(lab, tenant, "type=course").await?;
    answer.has("/tenant_id", tenant)?.has("/resource_type", "course")?.count_at("/total").map(drop)
}

async fn kinds(lab: &Lab, tenant: &str) -> Verdict {
    let mut seen = BTreeSet::new();
    for kind in ["course", "discussion"] {
        let answer = list(lab, tenant, &format!("type={kind}&limit=100")).await?;
        answer.has("/resource_type", kind)?;
        for item in answer.rows_at("/items")? {
            let stated = item["type"].as_str().unwrap_or(kind);
            answer.demand(stated == kind, format!("items of type {kind}"), item)?;
            answer.demand(seen.insert(item["id"].to_string()), "each item under one type", item)?;
        }
    }
    Ok(())
}

async fn types(lab: &Lab, tenant: &str) -> Verdict {
    for kind in ["document", "session"] {
        list(lab, tenant, &format!("type={kind}")).await?.has("/resource_type", kind)?;
    }
    for kind in ["video", "Course"] {
        let answer = lab.get(format!("/tenant/{tenant}/resources?type={kind}")).await?;
        answer.is_one_of(&[400, 422])?;
    }
    Ok(())
}

async fn items(lab: &Lab, tenant: &str) -> Verdict {
    let answer = some(lab, tenant).await?;
    for (at, item) in answer.rows_at("/items")?.iter().enumerate() {
        for member in ["id", "title"] {
            answer.text_at(&format!("/items/{at}/{member}"))?;
        }
        answer.moment_at(&format!("/items/{at}/created_at"))?;
        let stats = item["stats"].as_object().into_iter().flatten();
        for (name, value) in stats.filter(|(_, value)| !value.is_null()) {
            answer.demand(value.is_u64(), format!("stats.{name} an integer ≥ 0"), value)?;
        }
    }
    Ok(())
}

async fn limit(lab: &Lab, tenant: &str) -> Verdict {
    let answer = list(lab, tenant, "limit=2").await?;
    let rows = answer.rows_at("/items")?.len();
    answer.demand(rows <= 2, "at most 2 items", rows)?;
    for limit in ["0", "101", "-1", "abc"] {
        let answer = lab.get(format!("/tenant/{tenant}/resources?limit={limit}")).await?;
        answer.is_one_of(&[400, 422])?;
    }
    Ok(())
}

async fn offset(lab: &Lab, tenant: &str) -> Verdict {
    let three = list(lab, tenant, "limit=3").await?;
    let later = list(lab, tenant, "limit=2&offset=1").await?;
    let expected = three.rows_at("/items")?.get(1..).unwrap_or_default();
    later.has("/items", expected.to_vec())?;
    let total = list(lab, tenant, "limit=1").await?.count_at("/total")?;
    let answer = list(lab, tenant, &format!("offset={}", total + 1000)).await?;
    answer.has("/total", total)?.has("/items", Value::Array(Vec::new())).map(drop)
}

async fn search(lab: &Lab, tenant: &str) -> Verdict {
    list(lab, tenant, &format!("search={}", lab.word("nowhere"))).await?.has("/total", 0)?;
    let all = some(lab, tenant).await?;
    let title = all.text_at("/items/0/title")?;
    let word = title.split_whitespace().next().unwrap_or_default();
    let encoded: String = url::form_urlencoded::byte_serialize(word.as_bytes()).collect();
    let found = list(lab, tenant, &format!("limit=100&search={encoded}")).await?;
    let folded = |text: &str| text.nfc().collect::<String>().to_lowercase();
    let mut ids = found.rows_at("/items")?.iter().map(|item| &item["id"]);
    found.demand(
        ids.any(|id| id == all.at("/items/0/id")),
        format!("the item titled {title}"),
        found.exchange.shown(),
    )?;
    for item in found.rows_at("/items")? {
        let title = item["title"].as_str().unwrap_or_default();
        found.demand(folded(title).contains(&folded(word)), format!("titles with {word}"), title)?;
    }
    Ok(())
}

async fn all_types(lab: &Lab, tenant: &str) -> Verdict {
    let mut sum = 0;
    for kind in ["course", "discussion", "document", "session"] {
        sum += list(lab, tenant, &format!("type={kind}&limit=1")).await?.count_at("/total")?;
    }
    list(lab, tenant, "limit=1").await?.has("/resource_type", Value::Null)?.has("/total", sum).map(drop)
}

async fn authors(lab: &Lab, tenant: &str) -> Verdict {
    let answer = some(lab, tenant).await?;
    let authors: BTreeSet<_> =
        answer.rows_at("/items")?.iter().filter_map(|item| item["created_by"].as_str()).collect();
    for author in authors.into_iter().take(10) {
        lab.get(format!("/tenant/{tenant}/users/{author}")).await?.is(200)?;
    }
    Ok(())
}

async fn unknown_tenant(lab: &Lab) -> Verdict {
    let tenant = lab.id("unknown");
    lab.get(format!("/tenant/{tenant}/resources?type=course")).await?.refuses(404, "TENANT_NOT_FOUND").map(drop)
}

async fn unique(lab: &Lab, tenant: &str) -> Verdict {
    let total = some(lab, tenant).await?.count_at("/total")?;
    let mut seen = BTreeSet::new();
    // A page size that divides no round number, and a bound for very large tenants.
    for offset in (0..total.min(700)).step_by(7) {
        let page = list(lab, tenant, &format!("limit=7&offset={offset}")).await?;
        for item in page.rows_at("/items")? {
            page.demand(seen.insert(item["id"].to_string()), "each id once", &item["id"])?;
        }
    }
    Ok(())
}

async fn echoed(lab: &Lab, tenant: &str) -> Verdict {
    list(lab, tenant, "limit=7&offset=3").await?.has("/limit", 7)?.has("/offset", 3).map(drop)
}
