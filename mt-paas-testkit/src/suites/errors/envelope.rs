//! Every refusal of the run has the one form.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::check::Level::{A, S};
use crate::check::{Check, live};
use crate::client::Exchange;
use crate::lab::Lab;
use crate::outcome::Verdict;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        S,
        "ERR-01",
        "every 4xx and 5xx of the run",
        "success false, error and message at the top level (rules, errors)",
        live!(form),
    )
    .last(),
    Check::new(
        A,
        "ERR-02",
        "every 4xx and 5xx of the run",
        "Content-Type application/json, or application/problem+json whose status is the answer's",
        live!(media_type),
    )
    .advisory()
    .last(),
    Check::new(
        S,
        "ERR-03",
        "every 4xx and 5xx of the run",
        "a code of the contract's table, or X_…",
        live!(known_code),
    )
    .last(),
    Check::new(A, "ERR-04", "every 4xx and 5xx of the run", "the code belongs to the status", live!(code_of_status))
        .last(),
    Check::new(A, "ERR-10", "every answer of the run", "no 5xx but 501 and 503", live!(no_failure)).last(),
];

/// The codes of the contract with their statuses.
const CODES: &[(&str, &[u16])] = &[
    ("INVALID_REQUEST", &[400, 422]),
    ("UNAUTHORIZED", &[401]),
    ("FEATURE_DISABLED", &[403]),
    ("TENANT_INACTIVE", &[403]),
    ("TENANT_NOT_FOUND", &[404]),
    ("USER_NOT_FOUND", &[404]),
    ("RESOURCE_NOT_FOUND", &[404]),
    ("NOT_FOUND", &[404]),
    ("METHOD_NOT_ALLOWED", &[405]),
    ("TENANT_EXISTS", &[409]),
    ("USER_EXISTS", &[409]),
    ("IDEMPOTENCY_IN_PROGRESS", &[409]),
    ("GONE", &[410]),
    ("BODY_TOO_LARGE", &[413]),
    ("UNSUPPORTED_MEDIA_TYPE", &[415]),
    ("IDEMPOTENCY_MISMATCH", &[422]),
    ("QUOTA_EXCEEDED", &[429]),
    ("RATE_LIMITED", &[429]),
    ("INTERNAL_ERROR", &[500]),
    ("NOT_SUPPORTED", &[501]),
    ("SERVICE_UNAVAILABLE", &[503]),
];

/// The refusals of the contract's own paths. What the HTTP parser refuses by itself is empty and not the service's word.
fn refusals(lab: &Lab) -> impl Iterator<Item = (Arc<Exchange>, Value)> {
    let prefix = format!("{}/", lab.client.target.standard_prefix());
    let own = move |exchange: &Arc<Exchange>| {
        let by_parser = exchange.odd && exchange.body.is_empty();
        let covered = exchange.path.starts_with(&prefix) || exchange.path.starts_with("/api/tenant/");
        exchange.status >= 400 && exchange.method != "HEAD" && covered && !by_parser
    };
    let refused = lab.client.transcript().into_iter().filter(own);
    refused.map(|exchange| {
        let body = serde_json::from_slice(&exchange.body).unwrap_or(Value::Null);
        (exchange, body)
    })
}

async fn form(lab: &Lab) -> Verdict {
    for (exchange, body) in refusals(lab) {
        let sound = body["success"] == false && body["error"].is_string() && body["message"].is_string();
        if !sound {
            let expected = "success false, error and message at the top level of a JSON object";
            return Err(exchange.failure(&lab.client.target, expected, &exchange.shown()));
        }
    }
    Ok(())
}

async fn media_type(lab: &Lab) -> Verdict {
    for (exchange, body) in refusals(lab) {
        let kind = exchange.header("content-type").unwrap_or("none");
        let sound = match kind.split(';').next().unwrap_or_default().trim() {
            "application/json" => true,
            "application/problem+json" => body["status"] == exchange.status,
            _ => false,
        };
        if !sound {
            return Err(exchange.failure(&lab.client.target, "application/json", kind));
        }
    }
    Ok(())
}

async fn known_code(lab: &Lab) -> Verdict {
    for (exchange, body) in refusals(lab) {
        // An answer without a code is the business of ERR-01.
        let Some(code) = body["error"].as_str() else { continue };
        if !code.starts_with("X_") && !CODES.iter().any(|(known, _)| *known == code) {
            return Err(exchange.failure(&lab.client.target, "a code of the contract's table, or X_…", code));
        }
    }
    Ok(())
}

async fn code_of_status(lab: &Lab) -> Verdict {
    for (exchange, body) in refusals(lab) {
        let Some(code) = body["error"].as_str() else { continue };
        let known = CODES.iter().find(|(known, _)| *known == code);
        if let Some((_, statuses)) = known.filter(|(_, statuses)| !statuses.contains(&exchange.status)) {
            let expected = format!("{code} with status {statuses:?}");
            return Err(exchange.failure(&lab.client.target, &expected, &exchange.shown()));
        }
    }
    Ok(())
}

async fn no_failure(lab: &Lab) -> Verdict {
    let transcript = lab.client.transcript();
    let failures = transcript.iter().filter(|exchange| exchange.status >= 500 && !matches!(exchange.status, 501 | 503));
    let mut routes = BTreeMap::<String, usize>::new();
    let mut first = None;
    for exchange in failures {
        first.get_or_insert(exchange);
        *routes.entry(format!("{} {}", exchange.method, route_of(exchange))).or_default() += 1;
    }
    match first {
        None => Ok(()),
        Some(exchange) => {
            let got = format!("{}; in the whole run: {routes:?}", exchange.shown());
            Err(exchange.failure(&lab.client.target, "no 5xx in the whole run", &got))
        }
    }
}

/// The path with the tenant and the user taken out.
fn route_of(exchange: &Exchange) -> String {
    let mut parts: Vec<_> = exchange.bare_path().split('/').collect();
    for (name, holder) in [("tenant", "{id}"), ("users", "{user}")] {
        if let Some(at) = parts.iter().position(|part| *part == name)
            && let Some(part) = parts.get_mut(at + 1)
            && !part.is_empty()
        {
            *part = holder;
        }
    }
    parts.join("/")
}
