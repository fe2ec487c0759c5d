//! A deleted user is gone from everywhere.

use crate::check::Level::{A, R, S};
use crate::check::{Check, live};
use crate::lab::{Lab, user_id};
use crate::outcome::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "USR-09", "DELETE users/{id}", "204 without a body", live!(deleted)),
    Check::new(
        A,
        "USR-10",
        "GET, list and search after DELETE",
        "404; not in the list; total one less; not found",
        live!(gone),
    ),
    Check::new(A, "USR-11", "DELETE again", "404 USER_NOT_FOUND", live!(again)),
    Check::new(A, "USR-14", "POST users with a deleted user's e-mail", "201 with a new user_id", live!(reborn)),
    Check::new(S, "USR-15", "GET, PUT and DELETE an unknown user", "404 USER_NOT_FOUND", live!(unknown)),
    Check::new(
        A,
        "USR-34",
        "each users route of an unknown tenant",
        "404 TENANT_NOT_FOUND, not USER_NOT_FOUND",
        live!(unknown_tenant),
    ),
];

async fn deleted(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let user = lab.user(tenant, "deleted").await?;
    let answer = lab.delete(format!("/tenant/{tenant}/users/{}", user_id(&user))).await?;
    answer.is(204)?.verdict(answer.body.is_empty(), "no body", answer.exchange.shown())
}

async fn gone(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let user = lab.user(tenant, "gone").await?;
    let path = format!("/tenant/{tenant}/users/{}", user_id(&user));
    let (_, before) = lab.all_users(tenant, "").await?;
    lab.delete(&path).await?.is(204)?;
    lab.get(&path).await?.refuses(404, "USER_NOT_FOUND")?;
    let list = lab.get(format!("/tenant/{tenant}/users?limit=100")).await?;
    list.has("/total", before - 1)?;
    let listed = list.rows_at("/users")?.iter().any(|row| row["user_id"] == user["user_id"]);
    list.demand(!listed, "a list without the deleted user", list.exchange.shown())?;
    let found = lab.get(format!("/tenant/{tenant}/users?search={}", lab.email("gone"))).await?;
    found.is(200)?.has("/total", 0).map(drop)
}

async fn again(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let user = lab.user(tenant, "again").await?;
    let path = format!("/tenant/{tenant}/users/{}", user_id(&user));
    lab.delete(&path).await?.is(204)?;
    lab.delete(&path).await?.refuses(404, "USER_NOT_FOUND").map(drop)
}

async fn reborn(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let first = lab.user(tenant, "reborn").await?;
    lab.delete(format!("/tenant/{tenant}/users/{}", user_id(&first))).await?.is(204)?;
    let body = serde_json::json!({"email": lab.email("reborn"), "name": "Reborn"});
    let second = lab.post(format!("/tenant/{tenant}/users"), &body).await?;
    let id = second.is(201)?.text_at("/user_id")?;
    second.verdict(id != user_id(&first), "a new user_id", id)
}

async fn unknown(lab: &Lab) -> Verdict {
    let path = format!("/tenant/{}/users/00000000-0000-4000-8000-000000000000", lab.a().await?);
    lab.get(&path).await?.refuses(404, "USER_NOT_FOUND")?;
    lab.put(&path, &serde_json::json!({"name": "Nobody"})).await?.refuses(404, "USER_NOT_FOUND")?;
    lab.delete(&path).await?.refuses(404, "USER_NOT_FOUND").map(drop)
}

async fn unknown_tenant(lab: &Lab) -> Verdict {
    let users = format!("/tenant/{}/users", lab.id("unknown"));
    let one = format!("{users}/nobody");
    let body = serde_json::json!({"email": lab.email("nowhere"), "name": "Nowhere"});
    let rename = serde_json::json!({"name": "Nobody"});
    for call in [lab.get(&users), lab.post(&users, &body), lab.get(&one), lab.put(&one, &rename), lab.delete(&one)] {
        call.await?.refuses(404, "TENANT_NOT_FOUND")?;
    }
    Ok(())
}
