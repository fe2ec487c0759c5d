//! Nothing done under B changes A, and the other way round.

use serde_json::json;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::lab::{Lab, Scene, user_id};
use crate::outcome::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check::new(A, "ISO-03", "PUT B/users/{a user of A}", "404; the user is unchanged", live!(put)),
    Check::new(A, "ISO-04", "DELETE B/users/{a user of A}", "404; the user is still there", live!(delete)),
    Check::new(A, "ISO-05", "POST the same e-mail to A and to B", "201 both times, different ids", live!(same_email)),
    Check::new(A, "ISO-06", "PUT settings of A, GET those of B", "unchanged", live!(settings)),
    Check::new(
        A,
        "ISO-09",
        "deactivate a neighbour of B without its data",
        "B is active and complete",
        live!(deactivate),
    ),
    Check::new(
        A,
        "ISO-13",
        "POST B/users with tenant_id A in the body",
        "the user is in B, or the request is refused; A has no new user",
        live!(body_tenant),
    ),
    Check::new(
        A,
        "ISO-15",
        "POST B/users with an Idempotency-Key that was used in A",
        "a new user of B, not A's answer",
        live!(idempotency_key),
    ),
];

async fn put(lab: &Lab) -> Verdict {
    let Scene { a, b, user_of_a, .. } = lab.scene().await?;
    let id = user_id(user_of_a);
    let before = lab.get(format!("/tenant/{a}/users/{id}")).await?;
    let body = json!({"name": "Taken Over", "role": "admin"});
    lab.put(format!("/tenant/{b}/users/{id}"), &body).await?.refuses(404, "USER_NOT_FOUND")?;
    let after = lab.get(format!("/tenant/{a}/users/{id}")).await?;
    after.verdict(after.json == before.json, format!("the user as before: {}", before.json), after.exchange.shown())
}

async fn delete(lab: &Lab) -> Verdict {
    let Scene { a, b, user_of_a, .. } = lab.scene().await?;
    let id = user_id(user_of_a);
    lab.delete(format!("/tenant/{b}/users/{id}")).await?.refuses(404, "USER_NOT_FOUND")?;
    lab.get(format!("/tenant/{a}/users/{id}")).await?.is(200).map(drop)
}

async fn same_email(lab: &Lab) -> Verdict {
    let Scene { a, b, .. } = lab.scene().await?;
    let body = json!({"email": lab.email("twin"), "name": "Twin"});
    let first = lab.post(format!("/tenant/{a}/users"), &body).await?;
    let second = lab.post(format!("/tenant/{b}/users"), &body).await?;
    let id = first.is(201)?.text_at("/user_id")?;
    let other = second.is(201)?.text_at("/user_id")?;
    second.verdict(other != id, "another id than in A", other)
}

async fn settings(lab: &Lab) -> Verdict {
    let Scene { a, b, canary, .. } = lab.scene().await?;
    let before = lab.get(format!("/tenant/{b}/settings")).await?;
    let body = json!({
        "branding": {"primary_color": "#fedcba", "logo_url": format!("https://{canary}.example.com/x.png")},
        "limits": {"daily_tokens": 987},
    });
    lab.put(format!("/tenant/{a}/settings"), &body).await?.is(200)?;
    let after = lab.get(format!("/tenant/{b}/settings")).await?;
    after.is(200)?;
    after.verdict(after.json == before.json, format!("as before: {}", before.json), after.exchange.shown())
}

async fn deactivate(lab: &Lab) -> Verdict {
    let Scene { b, user_of_b, .. } = lab.scene().await?;
    let neighbour = lab.fresh("neighbour").await?;
    lab.user(&neighbour, "neighbour").await?;
    let before = lab.snapshot(b).await?;
    lab.deactivate(&neighbour, false).await?.is(200)?;
    lab.get(format!("/tenant/{b}/status")).await?.is(200)?.has("/status", "active")?;
    let user = lab.get(format!("/tenant/{b}/users/{}", user_id(user_of_b))).await?;
    let after = lab.snapshot(b).await?;
    user.is(200)?.verdict(after == before, format!("B as before: {before}"), after)
}

async fn body_tenant(lab: &Lab) -> Verdict {
    let Scene { a, b, .. } = lab.scene().await?;
    let (_, before) = lab.all_users(a, "").await?;
    let body = json!({"tenant_id": a, "email": lab.email("torn"), "name": "Torn"});
    let answer = lab.post(format!("/tenant/{b}/users"), &body).await?;
    if answer.status() == 201 {
        let id = answer.text_at("/user_id")?;
        lab.get(format!("/tenant/{b}/users/{id}")).await?.is(200)?;
    } else {
        answer.is_refused()?;
    }
    lab.get(format!("/tenant/{a}/users?limit=1")).await?.has("/total", before).map(drop)
}

async fn idempotency_key(lab: &Lab) -> Verdict {
    let Scene { a, b, .. } = lab.scene().await?;
    let (body, key) = (json!({"email": lab.email("key"), "name": "Key"}), lab.word("key"));
    let first = lab.post(format!("/tenant/{a}/users"), &body).header("Idempotency-Key", &key).await?;
    let id = first.is(201)?.text_at("/user_id")?;
    let second = lab.post(format!("/tenant/{b}/users"), &body).header("Idempotency-Key", &key).await?;
    let other = second.is(201)?.text_at("/user_id")?;
    second.demand(other != id, "a user of B's own", other)?;
    lab.get(format!("/tenant/{b}/users/{other}")).await?.is(200).map(drop)
}
