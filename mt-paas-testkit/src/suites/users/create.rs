//! A new user is there, and there once.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::check::Level::{A, R, S};
use crate::check::{Check, live};
use crate::lab::{Lab, user_id};
use crate::outcome::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "USR-01", "POST users", "201", live!(created)),
    Check::new(
        R,
        "USR-02",
        "POST users",
        "user_id, e-mail, name, role, status active, created_at, temporary_password",
        live!(shape),
    ),
    Check::new(R, "USR-03", "GET users after POST", "the new user is in the list", live!(listed)),
    Check::new(R, "USR-04", "GET users/{id} after POST", "the same e-mail, name and role", live!(found)),
    Check::new(
        S,
        "USR-12",
        "POST users with an e-mail that is taken",
        "409 USER_EXISTS; total unchanged",
        live!(taken),
    ),
    Check::new(
        A,
        "USR-13",
        "POST users with a taken e-mail in other letter case; with spaces around it",
        "409 USER_EXISTS; total unchanged",
        live!(taken_alike),
    ),
    Check::new(
        R,
        "USR-21",
        "POST users with and without a password",
        "temporary_password is true both times",
        live!(temporary),
    ),
    Check::new(
        A,
        "USR-30",
        "POST users at limits.max_users",
        "429 QUOTA_EXCEEDED; total unchanged; a taken e-mail is still 409",
        live!(quota),
    ),
    Check::new(A, "USR-31", "POST users with send_welcome_email false", "201", live!(no_mail)).advisory(),
    Check::new(A, "USR-33", "POST users", "created_at is within 120 s of now", live!(clock)),
];

async fn created(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let body = json!({"email": lab.email("first"), "name": "First"});
    lab.post(format!("/tenant/{tenant}/users"), &body).await?.is(201).map(drop)
}

async fn shape(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let body = json!({"email": lab.email("shape"), "name": "Shape", "role": "moderator"});
    let answer = lab.post(format!("/tenant/{tenant}/users"), &body).await?;
    answer.is(201)?.text_at("/user_id")?;
    answer
        .has("/email", lab.email("shape"))?
        .has("/name", "Shape")?
        .has("/role", "moderator")?
        .has("/status", "active")?;
    answer.moment_at("/created_at")?;
    let temporary = answer.at("/temporary_password");
    answer.demand(temporary.is_boolean(), "temporary_password true or false", temporary)?;
    let by_default = json!({"email": lab.email("plain"), "name": "Plain"});
    lab.post(format!("/tenant/{tenant}/users"), &by_default).await?.is(201)?.has("/role", "user").map(drop)
}

async fn listed(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let user = lab.user(tenant, "listed").await?;
    let (users, total) = lab.all_users(tenant, "").await?;
    let there = users.iter().any(|row| row["user_id"] == user["user_id"]);
    let answer = lab.get(format!("/tenant/{tenant}/users?limit=100")).await?;
    answer.verdict(there, format!("{} among the {total} users", user["user_id"]), "a list without it")
}

async fn found(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let body = json!({"email": lab.email("found"), "name": "Found", "role": "admin"});
    let user = lab.user_from(tenant, &body).await?;
    let answer = lab.get(format!("/tenant/{tenant}/users/{}", user_id(&user))).await?;
    answer.is(200)?.has("/user_id", user_id(&user))?;
    answer.has("/email", lab.email("found"))?.has("/name", "Found")?.has("/role", "admin").map(drop)
}

async fn refused_as_taken(lab: &Lab, tenant: &str, email: &str) -> Verdict {
    let (_, before) = lab.all_users(tenant, "").await?;
    let body = json!({"email": email, "name": "Again"});
    lab.post(format!("/tenant/{tenant}/users"), &body).await?.refuses(409, "USER_EXISTS")?;
    lab.get(format!("/tenant/{tenant}/users?limit=1")).await?.has("/total", before).map(drop)
}

async fn taken(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    lab.user(tenant, "taken").await?;
    refused_as_taken(lab, tenant, &lab.email("taken")).await
}

async fn taken_alike(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    lab.user(tenant, "alike").await?;
    let email = lab.email("alike");
    refused_as_taken(lab, tenant, &email.to_uppercase()).await?;
    refused_as_taken(lab, tenant, &format!("  {email} ")).await
}

async fn temporary(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for (stem, password) in [("without", None), ("with", Some(super::secrets::password(lab, "temporary")))] {
        let mut body = json!({"email": lab.email(stem), "name": stem});
        if let Some(password) = password {
            body["password"] = password.into();
        }
        let answer = lab.post(format!("/tenant/{tenant}/users"), &body).await?;
        answer.is(201)?.has("/temporary_password", true)?;
    }
    Ok(())
}

async fn quota(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("quota").await?;
    let path = format!("/tenant/{tenant}/users");
    // The service may have put users of its own there.
    let (_, already) = lab.all_users(&tenant, "").await?;
    let limit = json!({"limits": {"max_users": already + 1}});
    lab.put(format!("/tenant/{tenant}/settings"), &limit).await?.is(200)?;
    lab.user(&tenant, "last").await?;
    let refused = lab.post(&path, &json!({"email": lab.email("too-many"), "name": "Too Many"})).await?;
    refused.refuses(429, "QUOTA_EXCEEDED")?;
    lab.post(&path, &json!({"email": lab.email("last"), "name": "Last"})).await?.refuses(409, "USER_EXISTS")?;
    lab.get(format!("{path}?limit=1")).await?.has("/total", already + 1).map(drop)
}

async fn no_mail(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let body = json!({"email": lab.email("quiet"), "name": "Quiet", "send_welcome_email": false});
    lab.post(format!("/tenant/{tenant}/users"), &body).await?.is(201).map(drop)
}

async fn clock(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let body = json!({"email": lab.email("clock"), "name": "Clock"});
    let answer = lab.post(format!("/tenant/{tenant}/users"), &body).await?;
    let created: DateTime<Utc> = answer.is(201)?.moment_at("/created_at")?;
    let apart = (created - Utc::now()).num_seconds().abs();
    answer.verdict(apart <= 120, "a moment within 120 s of now", created)
}
