//! Paths and verbs that are not there, and refusals that leave no trace.

use reqwest::Method;
use serde_json::json;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::lab::{Lab, user_id};
use crate::outcome::Verdict;
use crate::route::activation;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        A,
        "ERR-09",
        "an unknown path, a trailing slash; a wrong verb",
        "404 NOT_FOUND; 405 METHOD_NOT_ALLOWED with Allow",
        live!(routing),
    ),
    Check::new(
        A,
        "ERR-11",
        "a series of writes that are refused, each with sound parts",
        "nothing that a caller can read has changed after each",
        live!(no_trace),
    ),
];

async fn routing(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for path in ["nowhere", "users/", "stats/nowhere", "status/"] {
        lab.get(format!("/tenant/{tenant}/{path}")).await?.refuses(404, "NOT_FOUND")?;
    }
    for (method, path) in [(Method::DELETE, "status"), (Method::PATCH, "users"), (Method::GET, "activate")] {
        let answer = lab.call(method, format!("/tenant/{tenant}/{path}")).await?;
        answer.refuses(405, "METHOD_NOT_ALLOWED")?;
        answer.demand(answer.exchange.header("allow").is_some(), "an Allow header", "none")?;
    }
    Ok(())
}

async fn no_trace(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("no-trace").await?;
    let user = lab.user(&tenant, "traced").await?;
    let (base, one) = (format!("/tenant/{tenant}"), format!("/tenant/{tenant}/users/{}", user_id(&user)));
    let mut other = activation(&tenant);
    other["plan"] = "mtt-other-plan".into();
    let writes = [
        lab.put(&one, &json!({"name": "Changed", "role": "root"})),
        lab.put(&one, &json!({"role": "admin", "status": "asleep"})),
        lab.post(format!("{base}/users"), &json!({"email": lab.email("half"), "name": "Half", "role": "root"})),
        lab.post(format!("{base}/users"), &json!({"email": lab.email("traced"), "name": "Again", "role": "admin"})),
        lab.put(
            format!("{base}/settings"),
            &json!({"branding": {"primary_color": "#112233"}, "limits": {"daily_tokens": -1}}),
        ),
        lab.put(
            format!("{base}/settings"),
            &json!({"limits": {"daily_tokens": 5}, "branding": {"primary_color": "red"}}),
        ),
        lab.put(format!("{base}/settings"), &json!({"limits": {"daily_tokens": 5}, "features": {"mtt-none": true}})),
        lab.post(format!("{base}/activate"), &other),
        lab.post(format!("{base}/deactivate"), &json!({"reason": "because", "preserve_data": false})),
    ];
    let before = lab.snapshot(&tenant).await?;
    for write in writes {
        let answer = write.await?;
        answer.is_refused()?;
        let after = lab.snapshot(&tenant).await?;
        answer.demand(after == before, format!("the tenant as before: {before}"), after)?;
    }
    Ok(())
}
