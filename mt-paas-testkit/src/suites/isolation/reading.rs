//! B shows nothing of A.

use std::future::IntoFuture;

use serde_json::json;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::lab::{Lab, Scene, at_rest, median_times, user_id};
use crate::outcome::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        A,
        "ISO-01",
        "GET users of B, all and searched for A's words",
        "none of A's users, and no total",
        live!(lists),
    ),
    Check::new(
        A,
        "ISO-02",
        "GET B/users/{a user of A}",
        "404, the same answer as for an id that nobody has",
        live!(by_id),
    ),
    Check::new(
        A,
        "ISO-07",
        "GET stats, costs and top users of B before and after A gets a user",
        "unchanged",
        live!(figures),
    ),
    Check::new(A, "ISO-08", "GET resources of A and of B", "no item in both", live!(resources)),
    Check::new(
        A,
        "ISO-10",
        "every answer about B in the run: body, headers, errors, URLs",
        "holds none of A's words",
        live!(canaries),
    )
    .last(),
    Check::new(
        A,
        "ISO-16",
        "60 × a user of A under B, 60 × a user of nobody",
        "median times differ by less than 10 % (figure only)",
        live!(timing),
    )
    .figure()
    .last(),
];

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

async fn lists(lab: &Lab) -> Verdict {
    let Scene { b, canary, user_of_a, .. } = lab.scene().await?;
    let (users, total) = lab.all_users(b, "").await?;
    let answer = lab.get(format!("/tenant/{b}/users?limit=100")).await?;
    let leaked = users.iter().any(|user| user["user_id"] == user_of_a["user_id"] || user.to_string().contains(canary));
    answer.demand(!leaked, "none of A's users", answer.exchange.shown())?;
    answer.demand(total == users.len() as u64, format!("total {}, the users of B", users.len()), total)?;
    for word in [canary.as_str(), user_of_a["email"].as_str().unwrap_or_default()] {
        lab.get(format!("/tenant/{b}/users?search={word}"))
            .await?
            .is(200)?
            .has("/total", 0)?
            .has("/users", json!([]))?;
    }
    Ok(())
}

async fn by_id(lab: &Lab) -> Verdict {
    let Scene { b, user_of_a, .. } = lab.scene().await?;
    let theirs = user_id(user_of_a);
    let answer = lab.get(format!("/tenant/{b}/users/{theirs}")).await?;
    answer.refuses(404, "USER_NOT_FOUND")?;
    let nobodys = lab.get(format!("/tenant/{b}/users/{NOBODY}")).await?;
    let masked = |json: &serde_json::Value, id: &str| at_rest(json.clone()).to_string().replace(id, "{user}");
    let (got, expected) = (masked(&answer.json, theirs), masked(&nobodys.json, NOBODY));
    answer.verdict(got == expected, format!("{expected}, as for an id that nobody has"), got)
}

async fn figures(lab: &Lab) -> Verdict {
    let Scene { a, b, .. } = lab.scene().await?;
    let paths = ["stats", "stats/costs", "stats/top-users"];
    let mut before = Vec::new();
    for path in paths {
        before.push(at_rest(lab.get(format!("/tenant/{b}/{path}")).await?.json));
    }
    lab.user(a, "busy").await?;
    for (path, before) in paths.into_iter().zip(before) {
        let after = lab.get(format!("/tenant/{b}/{path}")).await?;
        after.demand(at_rest(after.json.clone()) == before, format!("as before: {before}"), after.exchange.shown())?;
    }
    Ok(())
}

async fn resources(lab: &Lab) -> Verdict {
    let Scene { a, b, .. } = lab.scene().await?;
    let of_a = lab.get(format!("/tenant/{a}/resources?limit=100")).await?;
    let of_b = lab.get(format!("/tenant/{b}/resources?limit=100")).await?;
    let ids: Vec<_> = of_a.is(200)?.rows_at("/items")?.iter().map(|item| &item["id"]).collect();
    let shared = of_b.is(200)?.rows_at("/items")?.iter().find(|item| ids.contains(&&item["id"]));
    of_b.verdict(shared.is_none(), "no item of A", format!("{shared:?}"))
}

async fn canaries(lab: &Lab) -> Verdict {
    let Scene { a, b, canary, .. } = lab.scene().await?;
    for exchange in lab.client.transcript() {
        let sent = exchange.path.contains(canary) || String::from_utf8_lossy(&exchange.sent_body).contains(canary);
        if !exchange.path.contains(b) || exchange.path.contains(a) || sent {
            continue;
        }
        let headers: String = exchange.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        if exchange.text().contains(canary) || headers.contains(canary) {
            let expected = format!("nothing of tenant {a}, whose words all hold {canary}");
            return Err(exchange.failure(&lab.client.target, &expected, &exchange.shown()));
        }
    }
    Ok(())
}

async fn timing(lab: &Lab) -> Verdict {
    let Scene { b, user_of_a, .. } = lab.scene().await?;
    let paths = [user_id(user_of_a), NOBODY].map(|id| format!("/tenant/{b}/users/{id}"));
    Err(median_times(60, |of| lab.get(&paths[of]).into_future()).await?)
}
