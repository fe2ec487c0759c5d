//! The old paths ask for the key as well, in their own header.

use reqwest::Method;
use serde_json::json;

use crate::check::Level::{A, S};
use crate::check::{Check, live};
use crate::client::Call;
use crate::lab::{Aliases, Lab, OLD_PATHS};
use crate::outcome::{NOT_OFFERED, Verdict, skip};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        S,
        "AUT-18",
        "each old path with X-API-Key, without it, and with a wrong one",
        "the key opens it; 401 without and with a wrong one",
        live!(old_paths),
    ),
    Check::new(A, "AUT-19", "a standard route with X-API-Key alone", "401", live!(old_header)),
];

async fn old_paths(lab: &Lab) -> Verdict {
    let aliases = lab.aliases().await?;
    if aliases == Aliases::Absent {
        return Err(skip(NOT_OFFERED));
    }
    let tenant = lab.a().await?;
    for path in OLD_PATHS {
        if aliases != Aliases::Removed {
            let answer = call(lab, path, tenant).await?;
            answer.demand(answer.status() != 401, "anything but 401", answer.exchange.shown())?;
        }
        call(lab, path, tenant).keyless().await?.is(401)?;
        call(lab, path, tenant).key("not-the-key", "not-the-key").await?.is(401)?;
    }
    Ok(())
}

fn call(lab: &Lab, (verb, path): &(&str, &str), tenant: &str) -> Call {
    let path = format!("/api/tenant/{}", path.replace("{id}", tenant));
    match *verb {
        // An empty application: refused whatever the key, so that nothing is made.
        "POST" => lab.anywhere(Method::POST, path).json(&json!({})),
        _ => lab.anywhere(Method::GET, path),
    }
}

async fn old_header(lab: &Lab) -> Verdict {
    let (name, key) = (lab.client.target.key_header(true), lab.client.target.market_key());
    if name.eq_ignore_ascii_case(lab.client.target.key_header(false)) {
        return Err(skip("both headers have the same name"));
    }
    let call = lab.get(format!("/tenant/{}/status", lab.a().await?)).keyless();
    call.header_shown(name, key, "$MT_KEY").await?.is(401).map(drop)
}
