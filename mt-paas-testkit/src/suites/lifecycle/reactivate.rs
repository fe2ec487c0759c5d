//! What comes back when a tenant is activated again.

use serde_json::json;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::lab::{Lab, user_id};
use crate::outcome::{Stop, Verdict};
use crate::route::activation;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        A,
        "LIF-27",
        "activate after deactivate with preserve_data true",
        "active, and the users are still there",
        live!(kept),
    ),
    Check::new(
        A,
        "LIF-28",
        "activate after deactivate with preserve_data false",
        "active, and none of the former users is there",
        live!(deleted),
    ),
    Check::new(
        A,
        "LIF-30",
        "deactivate with preserve_data, then activate with another plan",
        "status shows it; users are there; updated_at moved forward, created_at did not",
        live!(other_plan),
    ),
];

/// A tenant with one user, deactivated and activated again; returns the user's path.
async fn returned(lab: &Lab, name: &str, preserve: bool) -> Result<String, Stop> {
    let tenant = lab.fresh(name).await?;
    let user = lab.user(&tenant, name).await?;
    lab.deactivate(&tenant, preserve).await?.is(200)?;
    lab.activate(&tenant).await?.is(200)?;
    lab.get(format!("/tenant/{tenant}/status")).await?.has("/status", "active")?;
    Ok(format!("/tenant/{tenant}/users/{}", user_id(&user)))
}

async fn kept(lab: &Lab) -> Verdict {
    lab.get(returned(lab, "back-kept", true).await?).await?.is(200).map(drop)
}

async fn deleted(lab: &Lab) -> Verdict {
    let user = returned(lab, "back-deleted", false).await?;
    lab.get(&user).await?.refuses(404, "USER_NOT_FOUND")?;
    let list = user.rsplit_once('/').map_or(user.as_str(), |(list, _)| list);
    let found = lab.get(format!("{list}?search={}", lab.email("back-deleted"))).await?;
    found.is(200)?.has("/total", 0).map(drop)
}

async fn other_plan(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("other-plan").await?;
    let user = lab.user(&tenant, "loyal").await?;
    let path = format!("/tenant/{tenant}/status");
    let before = lab.get(&path).await?;
    lab.tick(before.is(200)?.text_at("/updated_at")?).await;

    lab.deactivate(&tenant, true).await?.is(200)?;
    let mut body = activation(&tenant);
    body["plan"] = "mtt-second-plan".into();
    body["features"] = json!(["quiz"]);
    lab.post(format!("/tenant/{tenant}/activate"), &body).await?.is(200)?;

    let after = lab.get(&path).await?;
    after.is(200)?.has("/plan", "mtt-second-plan")?.has("/features", json!(["quiz"]))?;
    after.has("/created_at", before.at("/created_at").clone())?;
    let (old, new) = (before.moment_at("/updated_at")?, after.moment_at("/updated_at")?);
    after.demand(new > old, format!("updated_at after {old}"), new)?;
    lab.get(format!("/tenant/{tenant}/users/{}", user_id(&user))).await?.is(200).map(drop)
}
