//! The applications of earlier markets: flat, or with an inner `application`.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use mt_paas_core::address::{is_public, public_url};
use mt_paas_core::fields::{Fields, FromFields, email, parsed, text};
use mt_paas_core::standard_api::{ActivateRequest, ActivationConfig, Catalog, Contact, Term};
use mt_paas_core::text::email_key;
use mt_paas_core::{ApiError, TenantId};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// How long a demonstration lasts.
const DEMO_DAYS: Days = Days::new(30);

/// How long the resolution of a call-back's name may take.
const RESOLVE: Duration = Duration::from_secs(3);

/// Somebody's wish to use the service.
pub(crate) struct Application {
    demo: bool,
    applicant: Contact,
    university: Option<String>,
    tenant: Option<TenantId>,
    end: Option<NaiveDate>,
    callback_url: Option<String>,
}

impl FromFields for Application {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let demo = if fields.value("application").is_some_and(|value| !value.is_null()) {
            fields.object("application", |inner| inner.required("kind", kind))
        } else {
            fields.required("kind", kind)
        };
        let applicant = fields.object("applicant", |applicant| {
            let email = applicant.required("email", email);
            let name = applicant.required("name", text(1, 200));
            let university = applicant.optional("university_name", text(0, 200));
            Some((Contact { email: email?, name: name? }, university?))
        });
        let tenant = fields.optional("tenant_id", parsed);
        let end = fields.optional("end_date", end_date);
        let callback_url = fields.optional("callback_url", callback_url);
        let (applicant, university) = applicant?;
        Some(Self {
            demo: demo?,
            applicant,
            university: university.filter(|name| !name.trim().is_empty()),
            tenant: tenant?,
            end: end?.flatten(),
            callback_url: callback_url?.flatten(),
        })
    }
}

impl Application {
    /// The activation that grants the application.
    pub(super) async fn request(self, catalog: &Catalog) -> Result<ActivateRequest, ApiError> {
        if let Some(address) = &self.callback_url {
            leads_outside(address).await?;
        }
        let today = super::super::now().date_naive();
        let plan = if self.demo { "demo" } else { "service" };
        let known = catalog.plans.iter().find(|known| known.name == plan);
        let end = if self.demo { today.checked_add_days(DEMO_DAYS) } else { self.end };
        if end.is_some_and(|end| end < today) {
            return Err(ApiError::invalid_field(&["body", "end_date"], "must not be in the past"));
        }
        Ok(ActivateRequest {
            tenant_id: self.tenant.unwrap_or_else(|| tenant_of(&self.applicant.email)),
            tenant_name: self.university.unwrap_or_else(|| self.applicant.name.clone()),
            plan: plan.to_owned(),
            features: known.map(|plan| plan.features.iter().cloned().collect()).unwrap_or_default(),
            config: ActivationConfig::default(),
            contact: self.applicant,
            term: end.map(|end| Term { end }),
            callback_url: self.callback_url,
        })
    }
}

/// The tenant of an applicant: made from the address, so that the same person gets the same tenant on any number of
/// servers, at any time, without a table to look it up in.
fn tenant_of(email: &str) -> TenantId {
    let digest = Sha256::digest(email_key(email).as_bytes());
    let name = digest.iter().take(12).fold("t-".to_owned(), |name, byte| format!("{name}{byte:02x}"));
    TenantId::try_from(name).expect("letters, a hyphen and hexadecimal digits are a tenant id")
}

fn kind(value: &Value) -> Result<bool, String> {
    match value.as_str() {
        Some("demo") => Ok(true),
        Some("service") => Ok(false),
        _ => Err("must be demo or service".to_owned()),
    }
}

/// A day, alone or at the beginning of a time stamp; earlier markets send `null` for none.
fn end_date(value: &Value) -> Result<Option<NaiveDate>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let said = value.as_str().and_then(|text| Some((text.get(..10)?, &text[10..])));
    let day = said.filter(|(_, rest)| rest.is_empty() || rest.starts_with(['T', ' ']));
    let day = day.and_then(|(day, _)| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
    day.map(Some).ok_or_else(|| "must be a day as YYYY-MM-DD".to_owned())
}

fn callback_url(value: &Value) -> Result<Option<String>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let address = text(1, 2048)(value)?;
    public_url(&address)?;
    Ok(Some(address))
}

/// Resolves the name of a call-back: every address that it stands for must be outside.
async fn leads_outside(address: &str) -> Result<(), ApiError> {
    let refused = |message: &str| ApiError::invalid_field(&["body", "callback_url"], message);
    let url = public_url(address).map_err(refused)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(443);
    let found = tokio::time::timeout(RESOLVE, tokio::net::lookup_host((host, port))).await;
    let Ok(Ok(addresses)) = found else { return Err(refused("names a host that cannot be resolved")) };
    let mut addresses = addresses.peekable();
    if addresses.peek().is_none() || addresses.any(|address| !is_public(address.ip())) {
        return Err(refused("must not point to an internal address"));
    }
    Ok(())
}
