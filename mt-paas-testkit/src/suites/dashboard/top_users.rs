//! Who uses most.

use crate::check::Level::{A, S};
use crate::check::{Check, reading};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::{NO_USAGE, Stop, Verdict, skip};

pub(super) const CHECKS: &[Check] = &[
    Check::new(A, "DSH-24", "GET stats/top-users", "200 with tenant_id, period, users", reading!(shape))
        .needs("top-users"),
    Check::new(
        S,
        "DSH-25",
        "GET stats/top-users with limit 1, 0, 51 and none",
        "at most one row; 4xx; 4xx; at most ten rows",
        reading!(limits),
    ),
    Check::new(
        A,
        "DSH-26",
        "GET stats/top-users",
        "most tokens first, everybody with usage; last_active is RFC 3339",
        reading!(order),
    ),
];

async fn top(lab: &Lab, tenant: &str, query: &str) -> Result<Answer, Stop> {
    let answer = lab.get(format!("/tenant/{tenant}/stats/top-users?period=90d{query}")).await?;
    answer.is(200)?;
    Ok(answer)
}

async fn shape(lab: &Lab, tenant: &str) -> Verdict {
    let answer = top(lab, tenant, "").await?;
    answer.has("/tenant_id", tenant)?.has("/period", "90d")?;
    for row in 0..answer.rows_at("/users")?.len() {
        for name in ["user_id", "name", "email"] {
            answer.text_at(&format!("/users/{row}/{name}"))?;
        }
        for name in ["sessions", "messages", "tokens"] {
            answer.count_at(&format!("/users/{row}/{name}"))?;
        }
    }
    Ok(())
}

async fn limits(lab: &Lab, tenant: &str) -> Verdict {
    for (query, most) in [("&limit=1", 1), ("", 10)] {
        let answer = top(lab, tenant, query).await?;
        let rows = answer.rows_at("/users")?.len();
        answer.demand(rows <= most, format!("at most {most} rows"), rows)?;
    }
    for limit in ["0", "51", "-1", "many"] {
        lab.get(format!("/tenant/{tenant}/stats/top-users?limit={limit}")).await?.is_refused()?;
    }
    Ok(())
}

async fn order(lab: &Lab, tenant: &str) -> Verdict {
    let answer = top(lab, tenant, "").await?;
    let rows = answer.rows_at("/users")?;
    if rows.is_empty() {
        return Err(skip(NO_USAGE));
    }
    let falls = rows.windows(2).all(|pair| pair[0]["tokens"].as_u64() >= pair[1]["tokens"].as_u64());
    answer.demand(falls, "most tokens first", answer.at("/users"))?;
    for row in 0..rows.len() {
        answer.moment_at(&format!("/users/{row}/last_active"))?;
    }
    Ok(())
}
