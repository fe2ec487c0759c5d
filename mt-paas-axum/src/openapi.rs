//! The description of the API, made from the code that serves it.

mod answers;
mod refusals;

use std::future::ready;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::header;
use mt_paas_core::error::FieldError;
use mt_paas_core::period::{Month, Period};
use mt_paas_core::standard_api::{ResourceType, Role, UserStatus};
use mt_paas_core::{TenantId, UserId};
use serde::Serialize;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa::{IntoParams, PartialSchema, ToSchema};

pub(crate) use answers::Doors;

use crate::compat::Phase;
use crate::deprecation::AliasPhase;

/// The name under which the market key stands in the description.
const MARKET_KEY: &str = "marketKey";

/// The chapters of the description, in the order of a reader.
const TAGS: &[&str] = &["Health", "Lifecycle", "Dashboard", "Users", "Resources", "Settings", "Earlier paths"];

/// What holds for every path.
const ABOUT: &str = "Every 4xx and 5xx carries the same envelope, with a code for programs. `HEAD` works wherever `GET` \
    does. A path that is not described is 404 `NOT_FOUND`, another method of one that is described 405 \
    `METHOD_NOT_ALLOWED` with `Allow`; without a valid key both are 401.";

/// The error that every 4xx and 5xx carries.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the envelope; error.rs writes it")]
pub(crate) struct ErrorEnvelope {
    /// Always `false`.
    success: bool,
    /// A code for programs.
    #[schema(example = "USER_NOT_FOUND")]
    error: String,
    /// A sentence for people.
    message: String,
    /// The rejected fields, if the error is about fields.
    details: Option<ErrorDetails>,
    /// The id of the request, as in the header `X-Request-Id`.
    request_id: String,
}

/// What the error is about.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "describes the envelope; error.rs writes it")]
pub(crate) struct ErrorDetails {
    /// All rejected fields.
    fields: Vec<FieldError>,
}

macro_rules! parameters {
    ($(#[$meta:meta])* $name:ident in $place:ident { $($(#[$about:meta])* $field:ident: $kind:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(IntoParams)]
        #[into_params(parameter_in = $place)]
        #[allow(dead_code, reason = "describes parameters; the extractors read them")]
        pub(crate) struct $name { $($(#[$about])* $field: $kind),+ }
    };
}

parameters!(TenantParam in Path {
    /// The tenant.
    tenant_id: TenantId,
});
parameters!(UserParam in Path {
    /// The user.
    user_id: UserId,
});
parameters!(IdempotencyKey in Header {
    /// Names the request: a repeat with the same bytes within 24 hours gets the first answer again.
    #[param(rename = "Idempotency-Key", required = false, min_length = 1, max_length = 255)]
    idempotency_key: String,
});
parameters!(RequestIdParam in Header {
    /// Names the request in logs and errors: 1 to 128 visible ASCII characters without quotes and backslashes. Any
    /// other is replaced.
    #[param(rename = "X-Request-Id", required = false)]
    request_id: String,
});
parameters!(PeriodParam in Query {
    /// A number of days that end today.
    #[param(required = false, default = "30d")]
    period: Period,
});
parameters!(MonthParam in Query {
    /// A calendar month.
    period: Month,
});
parameters!(TopUsersParams in Query {
    /// A number of days that end today.
    #[param(required = false, default = "30d")]
    period: Period,
    /// At most so many users.
    #[param(required = false, default = 10, minimum = 1, maximum = 50)]
    limit: u32,
});
parameters!(PageParams in Query {
    /// At most so many rows.
    #[param(required = false, default = 20, minimum = 1, maximum = 100)]
    limit: u32,
    /// Rows to skip.
    #[param(required = false, default = 0, minimum = 0, maximum = 9223372036854775807i64)]
    offset: i64,
});
parameters!(UserParams in Query {
    /// Only users of this role.
    #[param(required = false)]
    role: Role,
    /// Only users of this status.
    #[param(required = false)]
    status: UserStatus,
    /// Only users whose name or e-mail address holds this text.
    #[param(required = false, max_length = 1000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    search: String,
});
parameters!(ResourceParams in Query {
    /// Only resources of this type.
    #[param(required = false, rename = "type")]
    resource_type: ResourceType,
    /// Only resources whose title holds this text.
    #[param(required = false, max_length = 1000, pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$")]
    search: String,
});

/// A description without paths, for a service of this name whose market key stands in `key_header`.
pub(crate) fn description(service: &str, version: &str, key_header: &str) -> OpenApi {
    let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(key_header)));
    let mut schemas = vec![("ErrorEnvelope".to_owned(), ErrorEnvelope::schema())];
    ErrorEnvelope::schemas(&mut schemas);
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).security_scheme(MARKET_KEY, key);
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title(service).version(version).description(Some(ABOUT)).build())
        .components(Some(components.build()))
        .tags(Some(TAGS.iter().map(|name| TagBuilder::new().name(*name).build())))
        .build()
}

/// Serves the description at `/openapi.json`, and with the feature `docs` a page of it at `/docs`. What it says about the
/// old paths is what holds on the day. What a service says of its `own` routes stays as it is.
pub(crate) fn router(api: &OpenApi, own: &OpenApi, doors: &Doors, aliases: Option<Phase>) -> Router {
    // Each edition is written once: it does not change while the service runs.
    let edition = |phase| {
        let mut api = answers::edition(api, doors, phase);
        api.merge(own.clone());
        Bytes::from(api.to_json().unwrap_or_default())
    };
    let [parallel, deprecated, removed] =
        [AliasPhase::Parallel, AliasPhase::Deprecated, AliasPhase::Removed].map(edition);
    let json = move || {
        let today = aliases.as_ref().map_or(AliasPhase::Parallel, Phase::today);
        let edition = match today {
            AliasPhase::Parallel => &parallel,
            AliasPhase::Deprecated => &deprecated,
            AliasPhase::Removed => &removed,
        };
        ready(([(header::CONTENT_TYPE, "application/json")], edition.clone()))
    };
    let described = Router::new().route("/openapi.json", get(json));
    #[cfg(feature = "docs")]
    let described = described.merge(page());
    described
}

/// The page at `/docs`. It asks nobody but this service: no validator of somebody else's, and no address of another's in
/// the description, is ever called.
#[cfg(feature = "docs")]
fn page() -> Router {
    let config = utoipa_swagger_ui::Config::from("/openapi.json").validator_url("none");
    let bounded = |mut answer: axum::response::Response| {
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, http::HeaderValue::from_static(PAGE_POLICY));
        answer
    };
    Router::from(utoipa_swagger_ui::SwaggerUi::new("/docs").config(config))
        .layer(tower::util::MapResponseLayer::new(bounded))
}

/// The page's parts come from this service alone; only its styles are written into its elements.
#[cfg(feature = "docs")]
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
