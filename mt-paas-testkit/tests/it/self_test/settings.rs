//! Settings and limits.

use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::clock;
use super::faults::Fault;
use super::fields::{Complaints, clean};
use super::ledger::Sum;
use super::reply::{Answer, Outcome, Refusal};
use super::world::{Order, Room, Tenant};

/// What a tenant may use when nothing else was agreed.
pub(super) const DEFAULT_LIMITS: &[(&str, u64)] = &[
    ("max_users", 2_000),
    ("max_storage_mb", 10_240),
    ("daily_tokens", 1_000_000),
    ("monthly_tokens", 20_000_000),
    ("max_file_size_mb", 50),
];
const BRANDING: &[&str] = &["logo_url", "primary_color", "custom_css"];

/// How much the demonstration data of a tenant weighs.
pub(super) const STORAGE_MB: u64 = 12;

impl Room<'_> {
    pub(super) fn settings(&self, id: &str) -> Outcome {
        let tenant = self.active(id)?;
        let mut features = json!(tenant.features);
        if self.has(Fault::FeaturesNotTrue) {
            features = tenant.features.keys().map(|name| (name.clone(), Value::Bool(false))).collect();
        }
        if self.has(Fault::FeaturesAreWords) {
            features = tenant.features.iter().map(|(name, on)| (name.clone(), json!(on.to_string()))).collect();
        }
        let shared = self.world.shared_branding.as_ref().filter(|_| self.has(Fault::M42));
        let mut plan = tenant.order.plan.clone();
        if self.has(Fault::SubscriptionPlanDiffers) {
            plan.push_str("-2024");
        }
        let (mut starts, ends) = (tenant.starts, tenant.ends);
        if self.has(Fault::SubscriptionEndsFirst) {
            starts = ends + chrono::Days::new(1);
        }
        let mut body = json!({
            "tenant_id": id,
            "config": {
                "max_users": tenant.limits.get("max_users"),
                "max_storage_mb": tenant.limits.get("max_storage_mb"),
                "timezone": tenant.zone.name(),
                "features": features,
                "limits": tenant.limits,
                "branding": shared.unwrap_or(&tenant.branding),
            },
            "subscription": {
                "plan": plan,
                "start_date": starts.to_string(),
                "end_date": ends.to_string(),
                "auto_renew": true,
            },
        });
        if self.has(Fault::SettingsHaveNoSubscription) {
            body["subscription"] = Value::Null;
        }
        Ok(Answer::ok(body))
    }

    /// Merges the members that were sent.
    pub(super) fn change_settings(&mut self, id: &str) -> Outcome {
        let body = self.call.object(self.faults)?;
        let tenant = self.active(id)?;
        let mut changed = tenant.clone();
        let mut wrong = Complaints::default();
        let unknown = merge(&body, &mut changed, &mut wrong);
        let judged = self.excuse(&body, tenant, &mut changed, wrong);
        if judged.is_err() && self.has(Fault::PartialSettings) {
            self.world.tenants.insert(id.to_owned(), changed.clone());
        }
        judged?;
        if let Some(name) = unknown.filter(|_| !self.has(Fault::AnyFeatureEnabled)) {
            return Err(Refusal::new(403, "FEATURE_DISABLED", format!("the plan does not hold {name}")));
        }
        changed.updated_at = self.now;
        if self.has(Fault::M42) {
            self.world.shared_branding = Some(changed.branding.clone());
        }
        let stored = self.world.tenants.insert(id.to_owned(), changed);
        let answer = self.settings(id);
        if let Some(former) = stored.filter(|_| self.has(Fault::M41)) {
            self.world.tenants.insert(id.to_owned(), former);
        }
        match answer {
            Ok(_) if self.has(Fault::SettingsPutAnswersNothing) => Ok(Answer::ok(json!({"success": true}))),
            answer => answer,
        }
    }

    /// Where faulty variants take what they should refuse, or change what was not sent.
    fn excuse(
        &self,
        body: &Map<String, Value>,
        before: &Tenant,
        changed: &mut Tenant,
        wrong: Complaints,
    ) -> Result<(), Refusal> {
        let branding = |name: &str| body.get("branding").and_then(|branding| branding.get(name)).is_some();
        let text = |name: &str| body.get("branding").and_then(|branding| branding.get(name)).and_then(Value::as_str);
        let limits = body.get("limits").and_then(Value::as_object);
        let number =
            |fits: fn(f64) -> bool| limits.is_some_and(|limits| limits.values().filter_map(Value::as_f64).any(fits));
        let lenient = self.has(Fault::AnyLimitAccepted) && body.contains_key("limits")
            || self.has(Fault::FractionLimitAccepted) && number(|limit| limit.fract() != 0.0)
            || self.has(Fault::HugeLimitAccepted) && number(|limit| limit > 1e20)
            || self.has(Fault::InternalLogoAccepted) && text("logo_url").is_some_and(|url| url.starts_with("http"))
            || self.has(Fault::ImportAccepted) && text("custom_css").is_some_and(|css| css.contains("@import"))
            || self.has(Fault::AnyColorAccepted) && (branding("primary_color") || branding("logo_url"))
            || self.has(Fault::AnyCssAccepted) && branding("custom_css");
        if lenient {
            let sent = body.get("branding").and_then(Value::as_object);
            changed.branding.extend(sent.cloned().unwrap_or_default());
        } else {
            wrong.settle()?;
        }
        if self.has(Fault::M30) || self.has(Fault::SettingsPutResets) {
            if !body.contains_key("limits") {
                changed.limits = DEFAULT_LIMITS.iter().map(|(name, limit)| (*name, limit / 2)).collect();
            }
            if !body.contains_key("features") {
                changed.features = before.features.keys().map(|name| (name.clone(), false)).collect();
            }
        }
        let smuggled = body.get("subscription").filter(|_| self.has(Fault::SubscriptionWritable));
        if let Some(plan) = smuggled.and_then(|it| it.get("plan")).and_then(Value::as_str) {
            changed.order.plan = plan.to_owned();
        }
        Ok(())
    }

    pub(super) fn limits(&self, id: &str) -> Outcome {
        let tenant = self.active(id)?;
        let zone = tenant.zone;
        let today = clock::day(self.now, zone);
        let month = clock::month(self.now, zone);
        let mut limits = tenant.limits.clone();
        if self.has(Fault::LimitsDifferFromSettings) {
            limits.insert("daily_tokens", 1);
        }
        let mut body = json!({
            "tenant_id": id,
            "limits": limits,
            "used": {
                "users": tenant.users.len(),
                "storage_mb": STORAGE_MB,
                "daily_tokens": Sum::of(tenant.events.iter().filter(|e| clock::day(e.at, zone) == today)).tokens(),
                "monthly_tokens": Sum::of(tenant.events.iter().filter(|e| clock::month(e.at, zone) == month)).tokens(),
            },
        });
        if self.has(Fault::LimitsLackUsed) {
            body["used"] = Value::Null;
        }
        Ok(Answer::ok(body))
    }
}

/// Applies a settings body; answers the first feature that the plan does not hold.
fn merge(body: &Map<String, Value>, tenant: &mut Tenant, wrong: &mut Complaints) -> Option<String> {
    let mut unknown = None;
    if let Some(features) = part(body, &[], "features", wrong) {
        for (name, value) in features {
            match value.as_bool() {
                Some(on) if tenant.features.contains_key(name) => {
                    tenant.features.insert(name.clone(), on);
                }
                Some(_) => unknown = unknown.or_else(|| Some(name.clone())),
                None => wrong.add(&["features"], name, "must be true or false"),
            }
        }
    }
    if let Some(limits) = part(body, &[], "limits", wrong) {
        tenant.limits.extend(read_limits(limits, &["limits"], wrong));
    }
    if let Some(branding) = part(body, &[], "branding", wrong) {
        tenant.branding.extend(read_branding(branding, &["branding"], wrong));
    }
    if let Some(zone) = read_zone(body, &[], wrong) {
        tenant.zone = zone;
    }
    unknown
}

/// Of an activation's `config`, what is applied.
pub(super) fn read_config(body: &Map<String, Value>, order: &mut Order, wrong: &mut Complaints) {
    if body.get("config").is_none_or(Value::is_null) {
        return;
    }
    let Some(config) = part(body, &[], "config", wrong) else { return };
    if config.contains_key("max_users") {
        order
            .limits
            .extend(read_limits(config, &["config"], wrong).into_iter().filter(|(name, _)| *name == "max_users"));
    }
    if let Some(limits) = part(config, &["config"], "limits", wrong) {
        order.limits.extend(read_limits(limits, &["config", "limits"], wrong));
    }
    if let Some(branding) = part(config, &["config"], "branding", wrong) {
        order.branding = read_branding(branding, &["config", "branding"], wrong);
    }
    order.zone = read_zone(config, &["config"], wrong).unwrap_or(order.zone);
}

/// All members of branding, empty.
pub(super) fn blank_branding() -> Map<String, Value> {
    BRANDING.iter().map(|name| ((*name).to_owned(), Value::Null)).collect()
}

fn part<'a>(
    body: &'a Map<String, Value>,
    at: &[&str],
    name: &str,
    wrong: &mut Complaints,
) -> Option<&'a Map<String, Value>> {
    let value = body.get(name)?;
    if !value.is_object() {
        wrong.add(at, name, "must be an object");
    }
    value.as_object()
}

fn read_limits(limits: &Map<String, Value>, at: &[&str], wrong: &mut Complaints) -> Vec<(&'static str, u64)> {
    let mut read = Vec::new();
    for (name, _) in DEFAULT_LIMITS {
        match limits.get(*name).map(Value::as_u64) {
            Some(Some(limit)) if i64::try_from(limit).is_ok() => read.push((*name, limit)),
            Some(_) => wrong.add(at, name, "must be a whole number, zero or more"),
            None => {}
        }
    }
    read
}

fn read_zone(body: &Map<String, Value>, at: &[&str], wrong: &mut Complaints) -> Option<chrono_tz::Tz> {
    let value = body.get("timezone")?;
    let zone = value.as_str().and_then(|name| name.parse().ok());
    if zone.is_none() {
        wrong.add(at, "timezone", "is not an IANA time zone");
    }
    zone
}

fn read_branding(branding: &Map<String, Value>, at: &[&str], wrong: &mut Complaints) -> Map<String, Value> {
    let mut read = Map::new();
    for name in BRANDING {
        let fits = match (branding.get(*name), *name) {
            (None, _) => continue,
            (Some(Value::Null), _) => true,
            (Some(Value::String(url)), "logo_url") => is_public_url(url),
            (Some(Value::String(color)), "primary_color") => is_color(color),
            (Some(Value::String(css)), _) => is_contained_css(css),
            _ => false,
        };
        if !fits {
            wrong.add(at, name, "is not acceptable");
        }
        read.insert((*name).to_owned(), branding[*name].clone());
    }
    read
}

fn is_color(color: &str) -> bool {
    color.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Nothing that ends the style element or loads another sheet.
fn is_contained_css(css: &str) -> bool {
    clean(css) && !css.contains(['<', '\\']) && !css.to_ascii_lowercase().contains("@import")
}

/// http(s) to a host that is not of this house or its neighbours.
pub(super) fn is_public_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    if !matches!(url.scheme(), "http" | "https") || !clean(text) {
        return false;
    }
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let inside = |end: &str| name.ends_with(&format!(".{end}"));
            name.contains('.') && !["localhost", "local", "internal", "home.arpa"].into_iter().any(inside)
        }
        Some(Host::Ipv4(ip)) => is_public_v4(ip),
        Some(Host::Ipv6(ip)) => {
            let local = (ip.segments()[0] & 0xfe00) == 0xfc00 || (ip.segments()[0] & 0xffc0) == 0xfe80;
            let mapped = ip.to_ipv4().is_none_or(is_public_v4);
            !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || local) && mapped
        }
        None => false,
    }
}

fn is_public_v4(ip: std::net::Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let special = ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_multicast() || ip.is_broadcast();
    !(special || shared || a == 0 || a >= 240)
}
