//! What an activation answers and what status says afterwards.

use serde_json::{Value, json};
use url::Url;

use crate::check::Level::{A, R, S};
use crate::check::{Check, live};
use crate::lab::Lab;
use crate::outcome::{Stop, Verdict};
use crate::route::activation;

pub(super) const CHECKS: &[Check] = &[
    Check::new(S, "LIF-01", "GET status of an unknown tenant", "404 TENANT_NOT_FOUND", live!(unknown)),
    Check::new(
        R,
        "LIF-02",
        "POST activate with a full body",
        "200, success true, the tenant_id sent",
        live!(activated),
    ),
    Check::new(S, "LIF-03", "POST activate", "access_url is absolute http(s); message is not empty", live!(access_url)),
    Check::new(A, "LIF-04", "POST activate for two tenants", "their access_urls differ", live!(own_url)),
    Check::new(R, "LIF-05", "GET status after activate", "active", live!(active)),
    Check::new(S, "LIF-06", "GET status after activate", "the plan and exactly the features sent", live!(plan)),
    Check::new(
        S,
        "LIF-07",
        "GET status twice",
        "created_at ≤ updated_at, both RFC 3339; created_at stays",
        live!(timestamps),
    ),
    Check::new(
        S,
        "LIF-08",
        "activate again: the same body, then another",
        "200 with the same tenant; 409 TENANT_EXISTS (decisions, activate)",
        live!(again),
    ),
    Check::new(A, "LIF-09", "the same", "users and settings of the tenant are unchanged", live!(again_changes_nothing)),
    Check::new(
        S,
        "LIF-29",
        "GET status of any tenant of the run",
        "active, suspended or deactivated",
        live!(legal_status),
    )
    .last(),
];

async fn unknown(lab: &Lab) -> Verdict {
    lab.get(format!("/tenant/{}/status", lab.id("unknown"))).await?.refuses(404, "TENANT_NOT_FOUND").map(drop)
}

async fn activated(lab: &Lab) -> Verdict {
    let id = lab.id("first");
    let answer = lab.activate(&id).await?;
    answer.is(200)?.has("/success", true)?.has("/tenant_id", id.as_str()).map(drop)
}

async fn access_url(lab: &Lab) -> Verdict {
    let answer = lab.activate(lab.a().await?).await?;
    let url = answer.is(200)?.text_at("/access_url")?;
    let web = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    answer.demand(web, "an absolute http(s) URL", url)?;
    let message = answer.text_at("/message")?;
    answer.verdict(!message.trim().is_empty(), "a message", "an empty one")
}

async fn own_url(lab: &Lab) -> Verdict {
    let first = lab.activate(lab.a().await?).await?;
    let second = lab.activate(lab.b().await?).await?;
    let url = first.is(200)?.text_at("/access_url")?;
    second.verdict(second.is(200)?.text_at("/access_url")? != url, "another access_url than A's", url)
}

async fn status(lab: &Lab, tenant: &str) -> Result<crate::client::Answer, Stop> {
    let answer = lab.get(format!("/tenant/{tenant}/status")).await?;
    answer.is(200)?.has("/tenant_id", tenant)?;
    Ok(answer)
}

async fn active(lab: &Lab) -> Verdict {
    status(lab, lab.a().await?).await?.has("/status", "active").map(drop)
}

async fn plan(lab: &Lab) -> Verdict {
    let answer = status(lab, lab.a().await?).await?;
    answer.has("/plan", "mtt-plan")?;
    let mut features = answer.rows_at("/features")?.to_vec();
    features.sort_by_key(Value::to_string);
    answer.verdict(json!(features) == json!(["chat", "rag"]), r#"["chat","rag"] in any order"#, answer.at("/features"))
}

async fn timestamps(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let first = status(lab, tenant).await?;
    let (created, updated) = (first.moment_at("/created_at")?, first.moment_at("/updated_at")?);
    first.demand(created <= updated, "created_at ≤ updated_at", first.exchange.shown())?;
    lab.tick(first.text_at("/created_at")?).await;
    status(lab, tenant).await?.has("/created_at", first.at("/created_at").clone()).map(drop)
}

async fn again(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("again").await?;
    let same = lab.activate(&tenant).await?;
    same.is(200)?.has("/success", true)?.has("/tenant_id", tenant.as_str())?;
    // Features are a set: another order is the same body.
    let mut reordered = activation(&tenant);
    reordered["features"] = json!(["rag", "chat"]);
    lab.post(format!("/tenant/{tenant}/activate"), &reordered).await?.is(200)?;
    other_body(lab, &tenant).await
}

async fn other_body(lab: &Lab, tenant: &str) -> Verdict {
    let mut other = activation(tenant);
    other["tenant_name"] = "Somebody else".into();
    other["plan"] = "mtt-other-plan".into();
    other["features"] = json!(["quiz"]);
    lab.post(format!("/tenant/{tenant}/activate"), &other).await?.refuses(409, "TENANT_EXISTS").map(drop)
}

async fn again_changes_nothing(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("again-quietly").await?;
    lab.user(&tenant, "stays").await?;
    // Settings that differ from those of the activation must survive its repetition.
    lab.put(format!("/tenant/{tenant}/settings"), &json!({"branding": {"primary_color": "#123456"}})).await?;
    let before = lab.snapshot(&tenant).await?;
    for body in [activation(&tenant), json!({"plan": "mtt-other-plan"})] {
        let mut whole = activation(&tenant);
        whole.as_object_mut().into_iter().for_each(|whole| whole.extend(body.as_object().cloned().unwrap_or_default()));
        let answer = lab.post(format!("/tenant/{tenant}/activate"), &whole).await?;
        let after = lab.snapshot(&tenant).await?;
        answer.demand(after == before, format!("the tenant as before: {before}"), after)?;
    }
    Ok(())
}

async fn legal_status(lab: &Lab) -> Verdict {
    for exchange in lab.client.transcript() {
        if exchange.status != 200 || !exchange.bare_path().ends_with("/status") {
            continue;
        }
        let body: Value = serde_json::from_slice(&exchange.body).unwrap_or_default();
        if !matches!(body["status"].as_str(), Some("active" | "suspended" | "deactivated")) {
            let expected = "active, suspended or deactivated";
            return Err(exchange.failure(&lab.client.target, expected, &exchange.shown()));
        }
    }
    Ok(())
}
