//! Users that must not come into being.

use serde_json::{Value, json};

use crate::check::Level::{A, S};
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::{Lab, user_id};
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        S,
        "USR-16",
        "POST and PUT users with a role other than admin, user, moderator",
        "400 or 422; nothing changes",
        live!(role),
    ),
    Check::new(S, "USR-17", "POST users without e-mail; without name", "400 or 422", live!(missing)),
    Check::new(
        A,
        "USR-18",
        "POST users with `not-an-email`, `a@`, an e-mail of 400 characters, one with a line end",
        "4xx",
        live!(email),
    ),
    Check::new(A, "USR-19", "POST users with an empty and a blank name", "4xx", live!(name)),
];

async fn refused(lab: &Lab, body: &Value) -> Result<Answer, Stop> {
    let answer = lab.post(format!("/tenant/{}/users", lab.a().await?), body).await?;
    answer.is_refused()?;
    Ok(answer)
}

async fn role(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for role in ["root", "Admin", "superuser", ""] {
        let body = json!({"email": lab.email("rooted"), "name": "Rooted", "role": role});
        refused(lab, &body).await?.is_one_of(&[400, 422])?;
    }
    let found = lab.get(format!("/tenant/{tenant}/users?search={}", lab.email("rooted"))).await?;
    found.is(200)?.has("/total", 0)?;
    let user = lab.user(tenant, "climber").await?;
    let path = format!("/tenant/{tenant}/users/{}", user_id(&user));
    lab.put(&path, &json!({"role": "root"})).await?.is_one_of(&[400, 422])?;
    lab.put(&path, &json!({"status": "asleep"})).await?.is_one_of(&[400, 422])?;
    lab.get(&path).await?.has("/role", "user")?.has("/status", "active").map(drop)
}

async fn missing(lab: &Lab) -> Verdict {
    for body in [json!({"name": "No Address"}), json!({"email": lab.email("nameless")}), json!({})] {
        refused(lab, &body).await?.is_one_of(&[400, 422])?;
    }
    Ok(())
}

async fn email(lab: &Lab) -> Verdict {
    let long = format!("{}@example.com", "x".repeat(400));
    for email in ["not-an-email", "a@", "@example.com", "a b@example.com", &long, "a@example.com\r\nBcc: b@example.com"]
    {
        refused(lab, &json!({"email": email, "name": "Wrong"})).await?;
    }
    Ok(())
}

async fn name(lab: &Lab) -> Verdict {
    for name in ["", "   ", "\t"] {
        refused(lab, &json!({"email": lab.email("blank"), "name": name})).await?;
    }
    Ok(())
}
