//! What is looked at before the first check: where nothing can be tested, one sentence says more than 200 failures.

use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;

use crate::client::{Answer, Call, Client};
use crate::outcome::Stop;
use crate::run_error::RunError;

/// Looks for the service, tries the key, and looks for the existing tenant, if one was named. Answers that make no
/// sense are no obstacle: the checks judge them.
pub(super) async fn preflight(client: &Arc<Client>, run_id: &str) -> Result<(), RunError> {
    service(client).await?;
    key(client, run_id).await?;
    tenant(client).await
}

async fn service(client: &Arc<Client>) -> Result<(), RunError> {
    let (base, prefix) = (client.target.base_url(), client.target.standard_prefix());
    let health = get(client, &format!("{prefix}/health")).keyless().await;
    let answer = match health {
        Ok(answer) => answer,
        Err(Stop::Fail(failure)) => {
            let why = failure.got.strip_prefix("no answer: ").unwrap_or(&failure.got);
            return Err(RunError::of_silence(base, why));
        }
        Err(_) => return Ok(()),
    };
    let twice = !prefix.is_empty() && client.target.base_path().ends_with(prefix);
    // A service may live below a path of the prefix's name, so only the answers can tell.
    if answer.status() == 200 || !twice || !is_health(get(client, "/health").keyless().await) {
        return Ok(());
    }
    let instead = base.strip_suffix(prefix).unwrap_or(base);
    Err(RunError::PrefixTwice { base: base.to_owned(), prefix: prefix.to_owned(), instead: instead.to_owned() })
}

fn is_health(answer: Result<Answer, Stop>) -> bool {
    answer.is_ok_and(|answer| {
        let status = matches!(answer.at("/status").as_str(), Some("healthy" | "degraded" | "unhealthy"));
        answer.status() == 200 && status && answer.at("/version").is_string()
    })
}

/// Reads the catalogue. Where that is not to be had, a tenant that nobody knows shows whether it is for the key.
async fn key(client: &Arc<Client>, run_id: &str) -> Result<(), RunError> {
    let prefix = client.target.standard_prefix();
    let catalogue = get(client, &format!("{prefix}/catalog")).await;
    if let Ok(answer) = catalogue.as_ref()
        && answer.status() == 200
    {
        client.learn_catalogue(answer.json.clone());
        return Ok(());
    }
    client.learn_catalogue(Value::Null);
    match get(client, &format!("{prefix}/tenant/mtt-{run_id}-nobody/status")).await {
        Ok(answer) if answer.status() == 401 => Err(refused(client)),
        _ => Ok(()),
    }
}

async fn tenant(client: &Arc<Client>) -> Result<(), RunError> {
    let Some(tenant) = client.target.tenant_with_data() else { return Ok(()) };
    let status = get(client, &format!("{}/tenant/{tenant}/status", client.target.standard_prefix())).await;
    let Ok(answer) = status else { return Ok(()) };
    let (base, tenant) = (client.target.base_url().to_owned(), tenant.to_owned());
    match (answer.status(), answer.at("/status").as_str()) {
        (401, _) => Err(refused(client)),
        (404, _) => Err(RunError::UnknownTenant { base, tenant }),
        (503, _) => Err(RunError::TenantUnavailable { base, tenant }),
        (200, Some(status @ ("suspended" | "deactivated"))) => {
            Err(RunError::InactiveTenant { tenant, status: status.to_owned() })
        }
        _ => Ok(()),
    }
}

fn refused(client: &Client) -> RunError {
    let (base, header) = (client.target.base_url(), client.target.key_header(false));
    RunError::KeyRefused { base: base.to_owned(), header: header.to_owned() }
}

fn get(client: &Arc<Client>, path: &str) -> Call {
    Call::new(client, Method::GET, path.to_owned())
}
