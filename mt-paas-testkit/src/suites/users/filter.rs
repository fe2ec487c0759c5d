//! Filters and search in the list.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use crate::check::Level::{A, R, S};
use crate::check::{Check, live};
use crate::lab::{Lab, user_id};
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        R,
        "USR-22",
        "GET users?role=admin",
        "all admins and nobody else; total counts only them",
        live!(by_role),
    ),
    Check::new(
        S,
        "USR-23",
        "GET users?status=…, and with role",
        "likewise; two filters combine with AND",
        live!(by_status),
    ),
    Check::new(
        S,
        "USR-24",
        "GET users?search= with a part of a name and of an e-mail, in any letter case",
        "finds; a word that is nowhere gives total 0",
        live!(search),
    ),
    Check::new(
        A,
        "USR-25",
        "GET users?search= with %, _, ', \\, * and 1 KiB",
        "taken literally or 4xx; never everybody, never 500",
        live!(literal),
    ),
    Check::new(A, "USR-26", "GET users with a role or status that does not exist", "4xx", live!(bad_filter)),
];

/// A tenant of its own with people of several roles and states.
async fn people(lab: &Lab) -> Result<String, Stop> {
    let tenant = lab.id("people");
    if lab.get(format!("/tenant/{tenant}/status")).await?.status() == 200 {
        return Ok(tenant);
    }
    let tenant = lab.fresh("people").await?;
    for (stem, role, status) in [
        ("ann", "admin", "active"),
        ("ben", "admin", "suspended"),
        ("cho", "user", "active"),
        ("dag", "user", "suspended"),
        ("eva", "moderator", "inactive"),
    ] {
        let body = json!({"email": lab.email(stem), "name": format!("Person {stem}"), "role": role});
        let user = lab.user_from(&tenant, &body).await?;
        if status != "active" {
            let path = format!("/tenant/{tenant}/users/{}", user_id(&user));
            lab.put(path, &json!({"status": status}))
                .await?
                .is(200)
                .map_err(|stop| stop.into_prerequisite("status"))?;
        }
    }
    Ok(tenant)
}

/// The filter must find exactly the users that `wanted` chooses from all.
async fn exactly(lab: &Lab, tenant: &str, filter: &str, wanted: impl Fn(&Value) -> bool) -> Verdict {
    let ids = |users: &[Value]| users.iter().map(|user| user["user_id"].to_string()).collect::<BTreeSet<_>>();
    let (all, _) = lab.all_users(tenant, "").await?;
    let expected = ids(&all.into_iter().filter(wanted).collect::<Vec<_>>());
    let (found, total) = lab.all_users(tenant, &format!("&{filter}")).await?;
    let answer = lab.get(format!("/tenant/{tenant}/users?{filter}")).await?;
    let found = ids(&found);
    answer.demand(found == expected, format!("the users {expected:?}"), format!("{found:?}"))?;
    answer.verdict(total == expected.len() as u64, format!("total {}", expected.len()), total)
}

async fn by_role(lab: &Lab) -> Verdict {
    let tenant = people(lab).await?;
    for role in ["admin", "user", "moderator"] {
        exactly(lab, &tenant, &format!("role={role}"), |user| user["role"] == role).await?;
    }
    Ok(())
}

async fn by_status(lab: &Lab) -> Verdict {
    let tenant = people(lab).await?;
    for status in ["active", "inactive", "suspended"] {
        exactly(lab, &tenant, &format!("status={status}"), |user| user["status"] == status).await?;
    }
    let both = |user: &Value| user["role"] == "admin" && user["status"] == "suspended";
    exactly(lab, &tenant, "role=admin&status=suspended", both).await
}

async fn search(lab: &Lab) -> Verdict {
    let tenant = people(lab).await?;
    for text in ["person", "PERSON CHO", "rson d", "eva.", "EXAMPLE.COM"] {
        exactly(lab, &tenant, &format!("search={}", encoded(text)), |user| holds(user, text)).await?;
    }
    let nowhere = lab.get(format!("/tenant/{tenant}/users?search={}", lab.word("nowhere"))).await?;
    nowhere.is(200)?.has("/total", 0)?.has("/users", json!([])).map(drop)
}

async fn literal(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("literal").await?;
    for name in ["50% off", "under_score", "O'Brien", "back\\slash", "star*fish", "plain"] {
        let stem: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        lab.user_from(&tenant, &json!({"email": lab.email(&stem.to_lowercase()), "name": name})).await?;
    }
    let long = "x".repeat(1024);
    for text in ["%", "_", "'", "\\", "*", "' OR '1'='1", "%25", &long] {
        let filter = format!("search={}", encoded(text));
        let answer = lab.get(format!("/tenant/{tenant}/users?{filter}")).await?;
        if answer.status() == 200 {
            exactly(lab, &tenant, &filter, |user| holds(user, text)).await?;
        } else {
            answer.is_refused()?;
        }
    }
    Ok(())
}

async fn bad_filter(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for filter in ["role=root", "status=asleep"] {
        lab.get(format!("/tenant/{tenant}/users?{filter}")).await?.is_refused()?;
    }
    Ok(())
}

/// What the search is defined as: a part of the name or the e-mail, any letter case, composed or not.
fn holds(user: &Value, text: &str) -> bool {
    let folded = |text: &str| text.nfc().collect::<String>().to_lowercase();
    let text = folded(text);
    ["name", "email"].into_iter().any(|member| user[member].as_str().is_some_and(|value| folded(value).contains(&text)))
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
