//! Settings and limits of a tenant.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::public_url;
use crate::fields::{Fields, FromFields, boolean, integer, parsed, text};
use crate::ids::TenantId;
use crate::period::Zone;

/// Features by name, and whether they are switched on.
pub type FeatureMap = BTreeMap<String, bool>;

/// What a tenant may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// Users.
    pub max_users: u64,
    /// Storage in MiB.
    pub max_storage_mb: u64,
    /// Tokens a day of the tenant's calendar.
    pub daily_tokens: u64,
    /// Tokens a month of the tenant's calendar.
    pub monthly_tokens: u64,
    /// Size of one file in MiB.
    pub max_file_size_mb: u64,
}

/// A change of limits; what is not sent stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitsChange {
    /// Users.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, maximum = 9007199254740992u64))]
    pub max_users: Option<u64>,
    /// Storage in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, maximum = 9007199254740992u64))]
    pub max_storage_mb: Option<u64>,
    /// Tokens a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, maximum = 9007199254740992u64))]
    pub daily_tokens: Option<u64>,
    /// Tokens a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, maximum = 9007199254740992u64))]
    pub monthly_tokens: Option<u64>,
    /// Size of one file in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, maximum = 9007199254740992u64))]
    pub max_file_size_mb: Option<u64>,
}

/// How a tenant looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Branding {
    /// A picture, http or https, not at an internal address.
    pub logo_url: Option<String>,
    /// `#rrggbb`.
    pub primary_color: Option<String>,
    /// Style rules that cannot leave their style element.
    pub custom_css: Option<String>,
}

/// A change of branding; what is not sent stays, `null` removes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BrandingChange {
    /// A picture.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "sent")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uri", min_length = 1, max_length = 2048))]
    pub logo_url: Option<Option<String>>,
    /// `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "sent")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^#[0-9A-Fa-f]{6}$"))]
    pub primary_color: Option<Option<String>>,
    /// Style rules.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "sent")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 20000))]
    pub custom_css: Option<Option<String>>,
}

/// The `config` member of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantConfig {
    /// The same as in `limits`.
    pub max_users: u64,
    /// The same as in `limits`.
    pub max_storage_mb: u64,
    /// Features by name.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, bool>))]
    pub features: FeatureMap,
    /// What the tenant may use.
    pub limits: Limits,
    /// How it looks.
    pub branding: Branding,
    /// Where its days begin and end.
    pub timezone: Zone,
}

/// What a tenant has bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subscription {
    /// The plan.
    pub plan: String,
    /// Its first day.
    pub start_date: NaiveDate,
    /// Its last day.
    pub end_date: Option<NaiveDate>,
    /// Whether it goes on after the last day.
    pub auto_renew: bool,
}

/// The answer of `GET` and `PUT …/settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// What can be changed.
    pub config: TenantConfig,
    /// What was bought.
    pub subscription: Subscription,
}

/// The body of `PUT …/settings`, merged member by member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateSettingsRequest {
    /// Features to switch.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, bool>))]
    pub features: FeatureMap,
    /// Limits to change.
    #[serde(default)]
    pub limits: LimitsChange,
    /// Branding to change.
    #[serde(default)]
    pub branding: BrandingChange,
    /// A new time zone; usage is counted again by its calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub timezone: Option<Zone>,
}

/// What is used of the limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitsUsed {
    /// Users.
    pub users: u64,
    /// Storage in MiB, rounded up.
    pub storage_mb: u64,
    /// Tokens of today.
    pub daily_tokens: u64,
    /// Tokens of this month.
    pub monthly_tokens: u64,
}

/// The answer of `GET …/limits`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitsResponse {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The same as `settings.config.limits`.
    pub limits: Limits,
    /// What is used of them.
    pub used: LimitsUsed,
}

/// Limits are counted in signed 64-bit numbers by the stores and in doubles by many clients.
const LIMIT_MAX: u64 = 1 << 53;

impl Default for Limits {
    /// The limits of the contract for an activation that sends none.
    fn default() -> Self {
        Self {
            max_users: 2000,
            max_storage_mb: 10_240,
            daily_tokens: 1_000_000,
            monthly_tokens: 20_000_000,
            max_file_size_mb: 50,
        }
    }
}

impl Limits {
    /// These limits with a change merged in.
    #[must_use]
    pub fn with(self, change: LimitsChange) -> Self {
        Self {
            max_users: change.max_users.unwrap_or(self.max_users),
            max_storage_mb: change.max_storage_mb.unwrap_or(self.max_storage_mb),
            daily_tokens: change.daily_tokens.unwrap_or(self.daily_tokens),
            monthly_tokens: change.monthly_tokens.unwrap_or(self.monthly_tokens),
            max_file_size_mb: change.max_file_size_mb.unwrap_or(self.max_file_size_mb),
        }
    }
}

impl Branding {
    /// This branding with a change merged in.
    #[must_use]
    pub fn with(self, change: BrandingChange) -> Self {
        Self {
            logo_url: change.logo_url.unwrap_or(self.logo_url),
            primary_color: change.primary_color.unwrap_or(self.primary_color),
            custom_css: change.custom_css.unwrap_or(self.custom_css),
        }
    }
}

impl LimitsChange {
    pub(super) fn max_users_of(fields: &mut Fields<'_>) -> Option<Option<u64>> {
        fields.optional("max_users", integer(0, LIMIT_MAX))
    }
}

impl FromFields for LimitsChange {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let max_users = Self::max_users_of(fields);
        let max_storage_mb = fields.optional("max_storage_mb", integer(0, LIMIT_MAX));
        let daily_tokens = fields.optional("daily_tokens", integer(0, LIMIT_MAX));
        let monthly_tokens = fields.optional("monthly_tokens", integer(0, LIMIT_MAX));
        let max_file_size_mb = fields.optional("max_file_size_mb", integer(0, LIMIT_MAX));
        Some(Self {
            max_users: max_users?,
            max_storage_mb: max_storage_mb?,
            daily_tokens: daily_tokens?,
            monthly_tokens: monthly_tokens?,
            max_file_size_mb: max_file_size_mb?,
        })
    }
}

impl FromFields for BrandingChange {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let logo_url = fields.optional("logo_url", nullable(logo_url));
        let primary_color = fields.optional("primary_color", nullable(color));
        let custom_css = fields.optional("custom_css", nullable(css));
        Some(Self { logo_url: logo_url?, primary_color: primary_color?, custom_css: custom_css? })
    }
}

impl FromFields for UpdateSettingsRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let features = fields.optional_object("features", features);
        let limits = fields.optional_object("limits", LimitsChange::from_fields);
        let branding = fields.optional_object("branding", BrandingChange::from_fields);
        let timezone = fields.optional("timezone", parsed);
        Some(Self {
            features: features?.unwrap_or_default(),
            limits: limits?.unwrap_or_default(),
            branding: branding?.unwrap_or_default(),
            timezone: timezone?,
        })
    }
}

/// The name of a feature: 1 to 100 characters on one line.
pub(super) fn feature_name(value: &Value) -> Result<String, String> {
    let name = text(1, 100)(value)?;
    if name.contains(['\n', '\r', '\t']) { Err("must stand on one line".to_owned()) } else { Ok(name) }
}

fn features(fields: &mut Fields<'_>) -> Option<FeatureMap> {
    let names: Vec<String> = fields.members().keys().cloned().collect();
    if names.len() > 200 {
        return fields.required("features", |_| Err("must hold at most 200 features".to_owned()));
    }
    let switches: Vec<Option<(String, bool)>> = names
        .into_iter()
        .map(|name| {
            fields.required(&name, |on| {
                let on = boolean(on)?;
                feature_name(&Value::from(name.as_str())).map(|name| (name, on))
            })
        })
        .collect();
    switches.into_iter().collect()
}

fn nullable(read: fn(&Value) -> Result<String, String>) -> impl Fn(&Value) -> Result<Option<String>, String> {
    move |value| if value.is_null() { Ok(None) } else { read(value).map(Some) }
}

fn color(value: &Value) -> Result<String, String> {
    let color = text(7, 7)(value).ok();
    let hex = |color: &String| {
        color.strip_prefix('#').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    color.filter(hex).ok_or_else(|| "must be a color as #rrggbb".to_owned())
}

fn logo_url(value: &Value) -> Result<String, String> {
    let address = text(1, 2048)(value)?;
    // As a browser reads it, so that no quote ends the attribute or the rule that it is put into.
    Ok(public_url(&address)?.as_str().replace('\'', "%27"))
}

/// Refuses what could end the style element or load other style rules, also when it is spelled with escapes.
fn css(value: &Value) -> Result<String, String> {
    let css = text(0, 20_000)(value)?;
    let lower = css.to_ascii_lowercase();
    let escaped_at_rule = lower.split('@').skip(1).any(|rule| {
        rule.split([' ', '{', ';', '"', '\'', '('])
            .next()
            .is_some_and(|name| name.contains('\\') || name.contains("/*"))
    });
    let faults = [
        (css.contains('<'), "must not hold '<'"),
        (lower.contains("@import") || escaped_at_rule, "must not hold an @import"),
        (lower.contains("javascript:") || lower.contains("expression("), "must not hold scripts"),
    ];
    let faults: Vec<&str> = faults.into_iter().filter(|(found, _)| *found).map(|(_, fault)| fault).collect();
    if faults.is_empty() { Ok(css) } else { Err(faults.join("; ")) }
}

/// Tells a member that was sent as `null` from one that was not sent.
fn sent<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: &str) -> Result<UpdateSettingsRequest, crate::ApiError> {
        UpdateSettingsRequest::from_body(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn bad_settings_are_refused_by_name() {
        for (bad, place) in [
            (r#"{"limits": {"max_users": -1}}"#, "body.limits.max_users"),
            (r#"{"limits": {"daily_tokens": 1.5}}"#, "body.limits.daily_tokens"),
            (r#"{"limits": {"daily_tokens": 1000000000000000000000000000000}}"#, "body.limits.daily_tokens"),
            (r#"{"limits": null}"#, "body.limits"),
            (r#"{"features": {"rag": null}}"#, "body.features.rag"),
            (r#"{"timezone": "Mars/Olympus"}"#, "body.timezone"),
            (r#"{"branding": {"primary_color": "red"}}"#, "body.branding.primary_color"),
            (r#"{"branding": {"logo_url": "javascript:alert(1)"}}"#, "body.branding.logo_url"),
            (r#"{"branding": {"custom_css": "</style><script>"}}"#, "body.branding.custom_css"),
            (r#"{"branding": {"custom_css": "@\\69mport url(x)"}}"#, "body.branding.custom_css"),
            (r#"{"branding": {"custom_css": "@im/**/port url(x)"}}"#, "body.branding.custom_css"),
        ] {
            let error = change(bad).unwrap_err();
            assert_eq!(error.fields()[0].loc.join("."), place, "{bad}");
        }
    }

    #[test]
    fn all_faults_of_rules_are_named() {
        let error = change(r#"{"branding": {"custom_css": "@import x; a{b:expression(1)} <"}}"#).unwrap_err();
        let message = "must not hold '<'; must not hold an @import; must not hold scripts";
        assert_eq!(error.fields()[0].message, message);
    }

    #[test]
    fn the_address_of_a_logo_cannot_leave_its_quotes() {
        let read = |address: &str| {
            let json = serde_json::json!({"branding": {"logo_url": address}});
            change(&json.to_string()).unwrap().branding.logo_url.flatten().unwrap()
        };
        assert_eq!(read("HTTPS://A.kr/a\"b'c?d='e\"#f'"), "https://a.kr/a%22b%27c?d=%27e%22#f%27");
        assert_eq!(read("https://a.kr/\nx\ty"), "https://a.kr/xy");
    }

    #[test]
    fn null_removes_branding_and_silence_keeps_it() {
        let old = Branding {
            logo_url: Some("https://a.kr/x".into()),
            primary_color: Some("#112233".into()),
            custom_css: None,
        };
        let new = old.with(change(r#"{"branding": {"logo_url": null}}"#).unwrap().branding);
        assert_eq!((new.logo_url, new.primary_color.as_deref()), (None, Some("#112233")));
    }
}
