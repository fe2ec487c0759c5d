//! A password goes in and never comes out.

use serde_json::Value;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::lab::{Lab, user_id};
use crate::outcome::Verdict;

pub(super) const CHECKS: &[Check] = &[Check::new(
    A,
    "USR-20",
    "all answers of the run",
    "none holds a password that was sent, a hash, or a member named password or password_hash",
    live!(nowhere),
)
.last()];

/// The password that a check sends; its stem is what the last check looks for.
pub(super) fn password(lab: &Lab, name: &str) -> String {
    format!("{}-{name}", stem(lab))
}

fn stem(lab: &Lab) -> String {
    format!("Pw!{}", lab.word("secret"))
}

async fn nowhere(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let body = serde_json::json!({"email": lab.email("secret"), "name": "Secret", "password": password(lab, "x")});
    let user = lab.user_from(tenant, &body).await?;
    lab.get(format!("/tenant/{tenant}/users/{}", user_id(&user))).await?;
    lab.get(format!("/tenant/{tenant}/users?search={}", lab.email("secret"))).await?;

    let stem = stem(lab);
    for exchange in lab.client.transcript() {
        let text = exchange.text();
        let hash = HASHES.iter().find(|mark| text.contains(**mark));
        let body: Value = serde_json::from_slice(&exchange.body).unwrap_or_default();
        let found = if text.contains(&stem) {
            "the password that was sent"
        } else if let Some(mark) = hash {
            mark
        } else if has_member(&body) {
            "a member named password or password_hash"
        } else {
            continue;
        };
        return Err(exchange.failure(&lab.client.target, "no password in any form", found));
    }
    Ok(())
}

/// How the usual password hashes begin.
const HASHES: [&str; 8] = ["$2a$", "$2b$", "$2y$", "$argon2", "$scrypt$", "$pbkdf2", "pbkdf2:sha", "scrypt:"];

fn has_member(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.keys().any(|name| name == "password" || name == "password_hash") || members.values().any(has_member)
        }
        Value::Array(items) => items.iter().any(has_member),
        _ => false,
    }
}
