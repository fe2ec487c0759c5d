//! Suite `pagination`: pages of lists.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::check::Level::{A, R, S};
use crate::check::Probe::Undeclarable;
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::{Lab, user_id};
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "PAG-01", "GET users", "total, limit, offset and users", live!(shape)),
    Check::new(R, "PAG-02", "GET users?limit=2", "at most 2 rows; the limit is echoed", live!(limit)),
    Check::new(A, "PAG-03", "GET users at offsets 0, 2, 4…", "each user exactly once", live!(walk)),
    Check::new(A, "PAG-04", "the same", "the same total on each page, and that many users", live!(totals)),
    Check::new(S, "PAG-05", "GET users without limit and offset", "20 and 0", live!(defaults)),
    Check::new(
        S,
        "PAG-06",
        "GET users with limit 0, 101, -1, abc; offset -1, abc",
        "400 or 422, never clamped",
        live!(bounds),
    ),
    Check::new(
        A,
        "PAG-07",
        "GET users with an offset of total and of 10^9",
        "200, no rows, the same total",
        live!(past_end),
    ),
    Check::new(A, "PAG-08", "GET users?limit=100 of a tenant with over 150 users", "100 rows", live!(hundred)),
    Check::new(A, "PAG-09", "the same page four times", "the same ids in the same order", live!(stable)),
    Check::new(A, "PAG-10", "GET users?limit=3 twice, and limit=6", "the same users in the same order", live!(size)),
    Check::new(A, "PAG-11", "GET users with a filter, page by page", "total is the filtered total", live!(filtered)),
    Check::new(A, "PAG-12", "a walk by cursor while rows come and go", "no row twice, none missed", Undeclarable)
        .needs("cursor"),
    Check::new(
        A,
        "PAG-13",
        "GET users with an offset of 2^63, 2^31, 1000 and `1e3`",
        "no rows or 4xx, never 5xx",
        live!(far),
    ),
];

/// A tenant to which seven users were added.
async fn seven(lab: &Lab) -> Result<&str, Stop> {
    let tenant = lab.a().await?;
    if lab.get(format!("/tenant/{tenant}/users?search={}", lab.email("seven6"))).await?.at("/total") == 0 {
        for n in 0..7 {
            lab.user(tenant, &format!("seven{n}")).await?;
        }
    }
    Ok(tenant)
}

async fn page(lab: &Lab, tenant: &str, query: &str) -> Result<Answer, Stop> {
    let answer = lab.get(format!("/tenant/{tenant}/users?{query}")).await?;
    answer.is(200)?.rows_at("/users")?;
    Ok(answer)
}

fn ids(answer: &Answer) -> Result<Vec<String>, Stop> {
    Ok(answer.rows_at("/users")?.iter().map(|user| user_id(user).to_owned()).collect())
}

async fn shape(lab: &Lab) -> Verdict {
    let tenant = seven(lab).await?;
    let answer = page(lab, tenant, "limit=5&offset=1").await?;
    answer.has("/tenant_id", tenant)?.has("/limit", 5)?.has("/offset", 1)?.count_at("/total").map(drop)
}

async fn limit(lab: &Lab) -> Verdict {
    let answer = page(lab, seven(lab).await?, "limit=2").await?;
    let rows = answer.has("/limit", 2)?.rows_at("/users")?.len();
    answer.verdict(rows == 2, "2 rows", rows)
}

async fn walk(lab: &Lab) -> Verdict {
    let tenant = seven(lab).await?;
    // The large pages say who there is; the small ones must show the same people.
    let (all, _) = lab.all_users(tenant, "").await?;
    let mut missing: BTreeSet<_> = all.iter().map(user_id).collect();
    let mut last = page(lab, tenant, "limit=2&offset=0").await?;
    for offset in (0..all.len()).step_by(2) {
        last = page(lab, tenant, &format!("limit=2&offset={offset}")).await?;
        for id in ids(&last)? {
            last.demand(missing.remove(id.as_str()), "each user exactly once", format!("{id} twice, or unknown"))?;
        }
    }
    last.verdict(missing.is_empty(), "each user exactly once", format!("never seen: {missing:?}"))
}

async fn totals(lab: &Lab) -> Verdict {
    let tenant = seven(lab).await?;
    let first = page(lab, tenant, "limit=2&offset=0").await?;
    let (total, mut seen) = (first.count_at("/total")?, 0);
    // Not the stated total but the first page that is not full ends the walk.
    for offset in (0..10_000).step_by(2) {
        let page = page(lab, tenant, &format!("limit=2&offset={offset}")).await?;
        let rows = page.rows_at("/users")?.len() as u64;
        seen += rows;
        // Past the end there is a total as well, which the next check looks at.
        if rows > 0 {
            page.has("/total", total)?;
        }
        if rows < 2 {
            break;
        }
    }
    first.verdict(seen == total, format!("total {seen}, the number of users on all pages"), total)
}

async fn defaults(lab: &Lab) -> Verdict {
    let answer = lab.get(format!("/tenant/{}/users", lab.crowd().await?)).await?;
    let rows = answer.is(200)?.has("/limit", 20)?.has("/offset", 0)?.rows_at("/users")?.len();
    answer.verdict(rows == 20, "20 rows", rows)
}

async fn bounds(lab: &Lab) -> Verdict {
    let tenant = seven(lab).await?;
    for query in ["limit=0", "limit=101", "limit=-1", "limit=abc", "offset=-1", "offset=abc"] {
        lab.get(format!("/tenant/{tenant}/users?{query}")).await?.is_one_of(&[400, 422])?;
    }
    Ok(())
}

async fn past_end(lab: &Lab) -> Verdict {
    let tenant = seven(lab).await?;
    let total = page(lab, tenant, "limit=1").await?.count_at("/total")?;
    for offset in [total, 1_000_000_000] {
        let answer = page(lab, tenant, &format!("offset={offset}")).await?;
        answer.has("/users", Value::Array(Vec::new()))?.has("/total", total)?;
    }
    Ok(())
}

async fn hundred(lab: &Lab) -> Verdict {
    let answer = page(lab, lab.crowd().await?, "limit=100").await?;
    let (rows, total) = (answer.rows_at("/users")?.len(), answer.count_at("/total")?);
    answer.demand(total >= 150, "a total of 150 or more", total)?;
    answer.verdict(rows == 100, "100 rows", rows)
}

async fn stable(lab: &Lab) -> Verdict {
    let tenant = seven(lab).await?;
    let first = ids(&page(lab, tenant, "limit=5&offset=1").await?)?;
    for _ in 0..3 {
        let again = page(lab, tenant, "limit=5&offset=1").await?;
        again.demand(ids(&again)? == first, format!("{first:?} as before"), format!("{:?}", ids(&again)?))?;
    }
    Ok(())
}

async fn size(lab: &Lab) -> Verdict {
    let tenant = seven(lab).await?;
    let mut small = ids(&page(lab, tenant, "limit=3&offset=0").await?)?;
    small.extend(ids(&page(lab, tenant, "limit=3&offset=3").await?)?);
    let large = page(lab, tenant, "limit=6&offset=0").await?;
    large.verdict(ids(&large)? == small, format!("{small:?} as in two small pages"), format!("{:?}", ids(&large)?))
}

async fn filtered(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("filtered").await?;
    for (n, role) in ["admin", "user", "admin", "user", "admin"].into_iter().enumerate() {
        let body = serde_json::json!({"email": lab.email(&format!("filtered{n}")), "name": "Filtered", "role": role});
        lab.user_from(&tenant, &body).await?;
    }
    let (all, _) = lab.all_users(&tenant, "").await?;
    let admins = all.iter().filter(|user| user["role"] == "admin").count() as u64;
    for offset in (0..admins).step_by(2) {
        let answer = page(lab, &tenant, &format!("role=admin&limit=2&offset={offset}")).await?;
        answer.has("/total", admins)?;
        let rows = answer.rows_at("/users")?;
        let right = rows.len() as u64 == (admins - offset).min(2) && rows.iter().all(|user| user["role"] == "admin");
        answer.demand(right, "the next admins", answer.exchange.shown())?;
    }
    Ok(())
}

async fn far(lab: &Lab) -> Verdict {
    let tenant = seven(lab).await?;
    for offset in ["9223372036854775808", "9223372036854775807", "2147483648", "1000", "1e3"] {
        let answer = lab.get(format!("/tenant/{tenant}/users?offset={offset}")).await?;
        if answer.status() == 200 {
            answer.has("/users", Value::Array(Vec::new()))?;
        } else {
            answer.is_refused()?;
        }
    }
    Ok(())
}
