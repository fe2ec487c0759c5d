//! How a user looks in lists.

use std::collections::BTreeSet;

use crate::check::Level::{A, R};
use crate::check::{Check, live, reading};
use crate::lab::{Lab, user_id};
use crate::outcome::{Verdict, skip};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        R,
        "USR-05",
        "GET users",
        "rows have user_id, e-mail, name, role, status, created_at; last_login and usage if there are any",
        reading!(rows),
    ),
    Check::new(
        A,
        "USR-29",
        "POST three users",
        "their ids are URL-safe, not the e-mail and not consecutive numbers",
        live!(opaque),
    ),
];

async fn rows(lab: &Lab, tenant: &str) -> Verdict {
    let answer = lab.get(format!("/tenant/{tenant}/users?limit=100")).await?;
    answer.is(200)?;
    if answer.rows_at("/users")?.is_empty() {
        return Err(skip("no users"));
    }
    for (at, user) in answer.rows_at("/users")?.iter().enumerate() {
        for name in ["user_id", "name", "role", "status"] {
            answer.text_at(&format!("/users/{at}/{name}"))?;
        }
        // A user whom the service made by itself may have no address.
        if !user["email"].is_null() {
            answer.text_at(&format!("/users/{at}/email"))?;
        }
        answer.moment_at(&format!("/users/{at}/created_at"))?;
        if !user["last_login"].is_null() {
            answer.moment_at(&format!("/users/{at}/last_login"))?;
        }
        if !user["usage"].is_null() {
            for name in ["sessions", "messages", "tokens"] {
                answer.count_at(&format!("/users/{at}/usage/{name}"))?;
            }
        }
    }
    Ok(())
}

async fn opaque(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let mut numbers = BTreeSet::new();
    for stem in ["opaque1", "opaque2", "opaque3"] {
        let user = lab.user(tenant, stem).await?;
        let id = user_id(&user);
        let answer = lab.get(format!("/tenant/{tenant}/users/{id}")).await?;
        let safe = id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
        answer.demand(safe && !id.is_empty(), "a user_id of URL-safe characters", id)?;
        answer.demand(!id.contains('@') && id != lab.email(stem), "a user_id that is not the e-mail", id)?;
        let digits = id.trim_start_matches(|c: char| !c.is_ascii_digit());
        if let Ok(number) = digits.parse::<u64>() {
            let neighbour = numbers.contains(&number.wrapping_sub(1)) || numbers.contains(&number.wrapping_add(1));
            answer.demand(!neighbour, "ids that are not consecutive", id)?;
            numbers.insert(number);
        }
    }
    Ok(())
}
