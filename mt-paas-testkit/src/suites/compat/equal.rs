//! An old path answers what its standard path answers.

use reqwest::Method;
use serde_json::json;

use crate::check::Level::{A, R};
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::{Lab, at_rest};
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "CMP-08", "GET /api/tenant/stats/{id} and {id}/stats", "as /mt/tenant/{id}/stats", live!(stats)),
    Check::new(
        R,
        "CMP-09",
        "GET /api/tenant/users/{id} and {id}/users, with role, search, limit and offset",
        "as the standard list",
        live!(users),
    ),
    Check::new(R, "CMP-10", "GET /api/tenant/courses/{id}", "as resources?type=course", live!(courses)),
    Check::new(R, "CMP-11", "GET /api/tenant/discussions/{id}", "as resources?type=discussion", live!(discussions)),
    Check::new(
        A,
        "CMP-12",
        "old paths for an unknown tenant, with a bad role, limit 100000, offset -1",
        "the same 4xx and code as the standard path",
        live!(refusals),
    ),
    Check::new(
        A,
        "CMP-13",
        "POST a user by the standard path, GET by the old one",
        "the user is there at once",
        live!(fresh),
    ),
    Check::new(
        A,
        "CMP-17",
        "GET /api/tenant/list and /api/tenant/status/{id} without a key, the latter with it",
        "401 (or 404 where there is none); as the standard status",
        live!(simulator_paths),
    )
    .advisory(),
];

async fn old(lab: &Lab, path: &str) -> Result<Answer, Stop> {
    lab.living_aliases().await?;
    lab.anywhere(Method::GET, format!("/api/tenant/{path}")).await
}

async fn same(lab: &Lab, old_path: &str, standard: &str) -> Verdict {
    let answer = old(lab, old_path).await?;
    let expected = lab.get(format!("/tenant/{standard}")).await?;
    let expected = at_rest(expected.is(200).map_err(|stop| stop.into_prerequisite("the standard path"))?.json.clone());
    let equal = answer.is(200)?.verdict(at_rest(answer.json.clone()) == expected, &expected, answer.exchange.shown());
    equal.map(drop)
}

async fn stats(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for path in [format!("stats/{tenant}"), format!("{tenant}/stats")] {
        same(lab, &path, &format!("{tenant}/stats?period=30d")).await?;
    }
    Ok(())
}

async fn users(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for (stem, role) in [("equal1", "admin"), ("equal2", "user"), ("equal3", "admin")] {
        let body = json!({"email": lab.email(stem), "name": format!("Equal {stem}"), "role": role});
        // There from an earlier look at the same tenant, perhaps.
        lab.post(format!("/tenant/{tenant}/users"), &body).await?.is_one_of(&[201, 409])?;
    }
    for query in ["", "?role=admin", "?limit=1&offset=1", "?search=equal2", "?status=inactive"] {
        for path in [format!("users/{tenant}{query}"), format!("{tenant}/users{query}")] {
            same(lab, &path, &format!("{tenant}/users{query}")).await?;
        }
    }
    Ok(())
}

async fn courses(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    same(lab, &format!("courses/{tenant}"), &format!("{tenant}/resources?type=course")).await
}

async fn discussions(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    same(lab, &format!("discussions/{tenant}"), &format!("{tenant}/resources?type=discussion")).await
}

async fn refusals(lab: &Lab) -> Verdict {
    let (tenant, unknown) = (lab.a().await?, lab.id("unknown"));
    for (old_path, standard) in [
        (format!("stats/{unknown}"), format!("{unknown}/stats")),
        (format!("users/{unknown}"), format!("{unknown}/users")),
        (format!("courses/{unknown}"), format!("{unknown}/resources?type=course")),
        (format!("discussions/{unknown}"), format!("{unknown}/resources?type=discussion")),
        (format!("users/{tenant}?role=root"), format!("{tenant}/users?role=root")),
        (format!("users/{tenant}?limit=100000"), format!("{tenant}/users?limit=100000")),
        (format!("users/{tenant}?offset=-1"), format!("{tenant}/users?offset=-1")),
    ] {
        let answer = old(lab, &old_path).await?;
        let expected = lab.get(format!("/tenant/{standard}")).await?;
        answer.is_refused()?.refuses(expected.status(), expected.code())?;
    }
    Ok(())
}

async fn fresh(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    lab.living_aliases().await?;
    let user = lab.user(tenant, "fresh").await?;
    let answer = old(lab, &format!("users/{tenant}?limit=100")).await?;
    let there = answer.is(200)?.rows_at("/users")?.iter().any(|row| row["user_id"] == user["user_id"]);
    answer.verdict(there, format!("{} in the list", user["user_id"]), "a list without it")
}

async fn simulator_paths(lab: &Lab) -> Verdict {
    lab.living_aliases().await?;
    let tenant = lab.a().await?;
    for path in ["/api/tenant/list".to_owned(), format!("/api/tenant/status/{tenant}")] {
        lab.anywhere(Method::GET, path).keyless().await?.is_one_of(&[401, 404])?;
    }
    same(lab, &format!("status/{tenant}"), &format!("{tenant}/status")).await
}
