//! The catalogue lists what the service can do.

use reqwest::Method;
use serde_json::json;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::{Stop, Verdict, skip};

pub(super) const CHECKS: &[Check] = &[Check::new(
    A,
    "CAT-02",
    "one call of each capability that can be seen from outside",
    "what the catalogue lists works; what works unlisted is noted",
    live!(as_listed),
)
.last()];

/// All of the contract's but `callbacks`, which only their receiver sees.
const VISIBLE: [&str; 5] = ["top-users", "usage-patterns", "limits", "idempotency", "aliases"];

async fn as_listed(lab: &Lab) -> Verdict {
    // Who asks for the health suite alone may do so in production, where a tenant would be a surprise.
    if lab.roster.is_empty() {
        return Err(skip("needs a tenant: run another suite with it"));
    }
    if lab.client.catalogue().is_null() {
        return Err(Stop::Blocked("there is no catalogue".into()));
    }
    let mut unlisted = Vec::new();
    for capability in VISIBLE {
        let (works, answer) = tried(lab, capability).await?;
        if lab.client.offers(capability) {
            answer.demand(works, format!("`{capability}` to work, as it is listed"), answer.exchange.shown())?;
        } else if works {
            unlisted.push(capability);
        }
    }
    match unlisted.as_slice() {
        [] => Ok(()),
        names => Err(Stop::Figure(format!("works, but is not in the catalogue: {}", names.join(", ")))),
    }
}

async fn tried(lab: &Lab, capability: &str) -> Result<(bool, Answer), Stop> {
    let tenant = lab.a().await?;
    let works = |answer: Answer, statuses: &[u16]| Ok((statuses.contains(&answer.status()), answer));
    match capability {
        "idempotency" => repeated(lab, tenant).await,
        // Removed ones are still there to say so.
        "aliases" => works(lab.anywhere(Method::GET, format!("/api/tenant/stats/{tenant}")).await?, &[200, 410]),
        "limits" => works(lab.get(format!("/tenant/{tenant}/limits")).await?, &[200]),
        figures => works(lab.get(format!("/tenant/{tenant}/stats/{figures}")).await?, &[200]),
    }
}

async fn repeated(lab: &Lab, tenant: &str) -> Result<(bool, Answer), Stop> {
    let (body, key) = (json!({"email": lab.email("listed"), "name": "Listed"}), lab.word("listed"));
    let call = || lab.post(format!("/tenant/{tenant}/users"), &body).header("Idempotency-Key", &key);
    let first = call().await?;
    first.is(201).map_err(|stop| stop.into_prerequisite("no user could be created"))?;
    let second = call().await?;
    Ok((second.status() == 201 && second.json == first.json, second))
}
