//! The description of the API, made from the code that serves it.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::get;
use http::header;
use mt_paas_core::error::FieldError;
use mt_paas_core::period::{Month, Period};
use mt_paas_core::standard_api::{ResourceType, Role, UserStatus};
use mt_paas_core::{TenantId, UserId};
use serde::Serialize;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
    SecurityRequirement,
};
use utoipa::{IntoParams, IntoResponses, PartialSchema, ToSchema};

/// The name under which the market key stands in the description.
const MARKET_KEY: &str = "marketKey";

/// The chapters of the description, in the order of a reader.
const TAGS: &[&str] = &["Health", "Lifecycle", "Dashboard", "Users", "Resources", "Settings", "Earlier paths"];

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

/// The errors that any protected route may answer.
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let described = [
            ("400", "The request cannot be read"),
            ("401", "No valid key came with the request"),
            ("403", "The tenant is not active, or its plan does not hold the feature"),
            ("404", "There is no such tenant, user or path"),
            ("409", "It exists already, or the same request is still running"),
            ("413", "The body is too large"),
            ("415", "The body is not declared to be JSON"),
            ("422", "The request breaks the schema or a rule"),
            ("429", "A limit is reached"),
            ("500", "A fault of the service"),
            ("501", "The service does not offer this operation"),
            ("503", "Something that the service needs cannot be reached"),
        ];
        let envelope = || Content::new(Some(Ref::from_schema_name("ErrorEnvelope")));
        let response = |text: &str| ResponseBuilder::new().description(text).content("application/json", envelope());
        described.map(|(status, text)| (status.to_owned(), response(text).build().into())).into()
    }
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
    #[param(required = false, max_length = 1000)]
    search: String,
});
parameters!(ResourceParams in Query {
    /// Only resources of this type.
    #[param(required = false, rename = "type")]
    resource_type: ResourceType,
    /// Only resources whose title holds this text.
    #[param(required = false, max_length = 1000)]
    search: String,
});

/// A description without paths, for a service of this name; every path needs the market key unless it says otherwise.
pub(crate) fn description(service: &str, version: &str, key_header: &str) -> OpenApi {
    let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(key_header)));
    let mut schemas = vec![("ErrorEnvelope".to_owned(), ErrorEnvelope::schema())];
    ErrorEnvelope::schemas(&mut schemas);
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).security_scheme(MARKET_KEY, key);
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title(service).version(version).build())
        .components(Some(components.build()))
        .tags(Some(TAGS.iter().map(|name| TagBuilder::new().name(*name).build())))
        .security(Some([SecurityRequirement::new(MARKET_KEY, Vec::<String>::new())]))
        .build()
}

/// Serves the description at `/openapi.json`, and with the feature `docs` a page of it at `/docs`.
pub(crate) fn router(api: &OpenApi) -> Router {
    // Written once: it does not change while the service runs.
    let json = api.to_json().unwrap_or_default();
    let described = Router::new()
        .route("/openapi.json", get(move || async { ([(header::CONTENT_TYPE, "application/json")], json) }));
    #[cfg(feature = "docs")]
    let described = described
        .merge(utoipa_swagger_ui::SwaggerUi::new("/docs").config(utoipa_swagger_ui::Config::from("/openapi.json")));
    described
}
