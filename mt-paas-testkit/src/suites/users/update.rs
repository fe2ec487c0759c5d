//! A change changes what was sent and nothing else.

use chrono::Utc;
use serde_json::{Value, json};

use crate::check::Level::{A, R};
use crate::check::Probe::Undeclarable;
use crate::check::{Check, live};
use crate::lab::{Lab, user_id};
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "USR-06", "PUT users/{id} with a name, then GET", "200; the new name is there", live!(renamed)),
    Check::new(A, "USR-07", "PUT role alone; PUT status alone", "only that field changes", live!(one_field)),
    Check::new(
        A,
        "USR-08",
        "PUT users/{id} with an empty object",
        "200 unchanged or 4xx; nothing is blanked",
        live!(empty),
    )
    .advisory(),
    Check::new(
        A,
        "USR-28",
        "POST and PUT users with user_id, created_at, usage and made-up fields that ask for power",
        "ignored or refused, never applied",
        live!(read_only),
    ),
    Check::new(A, "USR-32", "PUT with a stale If-Match", "412, unchanged", Undeclarable).needs("etag"),
];

/// A new user, as GET shows them, with the path.
async fn somebody(lab: &Lab, stem: &str) -> Result<(String, Value), Stop> {
    let tenant = lab.a().await?;
    let user = lab.user(tenant, stem).await?;
    let path = format!("/tenant/{tenant}/users/{}", user_id(&user));
    let answer = lab.get(&path).await?;
    answer.is(200).map_err(|stop| stop.into_prerequisite("the new user cannot be read"))?;
    Ok((path, answer.json))
}

async fn renamed(lab: &Lab) -> Verdict {
    let (path, _) = somebody(lab, "renamed").await?;
    lab.put(&path, &json!({"name": "New Name"})).await?.is(200)?.has("/name", "New Name")?;
    lab.get(&path).await?.is(200)?.has("/name", "New Name").map(drop)
}

async fn one_field(lab: &Lab) -> Verdict {
    let (path, mut expected) = somebody(lab, "one-field").await?;
    for (field, value) in [("role", "moderator"), ("status", "suspended"), ("status", "inactive"), ("name", "Other")] {
        expected[field] = value.into();
        lab.put(&path, &json!({field: value})).await?.is(200)?;
        let after = lab.get(&path).await?;
        for member in ["user_id", "email", "name", "role", "status", "created_at"] {
            after.has(&format!("/{member}"), expected[member].clone())?;
        }
    }
    Ok(())
}

async fn empty(lab: &Lab) -> Verdict {
    let (path, before) = somebody(lab, "empty").await?;
    let answer = lab.put(&path, &json!({})).await?;
    if answer.status() != 200 {
        answer.is_refused()?;
    }
    let after = lab.get(&path).await?;
    after.verdict(after.json == before, format!("the user as before: {before}"), after.exchange.shown())
}

async fn read_only(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let smuggled = json!({
        "user_id": "smuggled",
        "id": "smuggled",
        "tenant_id": tenant,
        "created_at": "2001-02-03T04:05:06Z",
        "last_login": "2001-02-03T04:05:06Z",
        "usage": {"sessions": 5, "messages": 5, "tokens": 5},
        "is_admin": true,
        "admin": true,
        "roles": ["admin"],
        "permissions": ["*"],
    });
    let mut body = smuggled.clone();
    body["email"] = lab.email("smuggler").into();
    body["name"] = "Smuggler".into();
    let answer = lab.post(format!("/tenant/{tenant}/users"), &body).await?;
    if answer.status() == 201 {
        untouched(lab, tenant, user_id(&answer.json)).await?;
    } else {
        answer.is_refused()?;
    }

    let (path, before) = somebody(lab, "put-smuggler").await?;
    let mut body = smuggled;
    body["name"] = before["name"].clone();
    let answer = lab.put(&path, &body).await?;
    if answer.status() != 200 {
        answer.is_refused()?;
    }
    let after = lab.get(&path).await?;
    after.verdict(after.json == before, format!("the user as before: {before}"), after.exchange.shown())
}

async fn untouched(lab: &Lab, tenant: &str, id: &str) -> Verdict {
    let answer = lab.get(format!("/tenant/{tenant}/users/{id}")).await?;
    answer.is(200)?.demand(id != "smuggled", "a user_id of the service's own", id)?;
    answer.has("/role", "user")?;
    let created = answer.moment_at("/created_at")?;
    let now = (Utc::now() - created).num_seconds().abs() <= 120;
    answer.demand(now, "created_at of the service's own", created)?;
    answer.verdict(*answer.at("/usage/tokens") != 5, "usage of the service's own", answer.at("/usage"))
}
