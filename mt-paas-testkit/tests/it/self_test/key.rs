//! The market key.

use axum::http::HeaderValue;

use super::call::Call;
use super::faults::{Fault, Faults};
use super::reply::Refusal;
use super::routes::{Operation, Spot};
use super::world::House;
use super::{KEY, SECOND_KEY};

/// Who calls; everybody without a valid key hears the same.
pub(super) fn authenticate(
    house: &House,
    call: &Call,
    spot: Option<&Spot>,
    header: &'static str,
) -> Result<String, Refusal> {
    let faults = &house.faults;
    if is_waved_through(faults, call, header) {
        return Ok(KEY.into());
    }
    let sent: Vec<&[u8]> = call.headers.get_all(header).iter().map(HeaderValue::as_bytes).collect();
    if sent.iter().any(|key| key.len() > 4_096) && faults.has(Fault::LongKeyCrashes)
        || sent.iter().any(|key| !key.is_ascii()) && faults.has(Fault::OddKeyCrashes)
    {
        return Err(Refusal::crash());
    }
    if faults.has(Fault::BodyReadBeforeAuth) && !call.body.is_empty() {
        call.object(faults)?;
    }
    let refused = spot.is_some_and(|spot| spot.operation == Operation::Limits) && faults.has(Fault::LimitsRefuseTheKey)
        || header == "x-api-key" && faults.has(Fault::OldPathsRefuseTheKey);
    let known = match sent.as_slice() {
        _ if refused => None,
        [key] => valid(key, faults),
        [key, _] if faults.has(Fault::FirstKeyCounts) => valid(key, faults),
        [_, ..] if sent.len() > 1 && faults.has(Fault::TwoKeysRefused) => {
            return Err(Refusal::broken("there is more than one key"));
        }
        _ => None,
    };
    let known = known.or_else(|| valid(elsewhere(faults, call, header)?, faults));
    known.map(str::to_owned).ok_or_else(|| refusal(house, spot, sent.first().copied().unwrap_or_default()))
}

/// Where careless variants also look for the key.
fn elsewhere<'a>(faults: &Faults, call: &'a Call, header: &str) -> Option<&'a [u8]> {
    let mut cookies = call.header("cookie").unwrap_or_default().split("; ");
    match () {
        () if faults.has(Fault::CompatHeaderOpensStandard) => call.headers.get("x-api-key").map(HeaderValue::as_bytes),
        () if faults.has(Fault::KeyInQueryAccepted) => {
            ["api_key", "key", header].into_iter().find_map(|name| call.asked(name)).map(str::as_bytes)
        }
        () if faults.has(Fault::KeyInCookieAccepted) => {
            cookies.find_map(|cookie| cookie.split_once('=')).map(|(_, key)| key.as_bytes())
        }
        () => None,
    }
}

fn refusal(house: &House, spot: Option<&Spot>, sent: &[u8]) -> Refusal {
    let has = |fault| house.faults.has(fault);
    let known = || spot.is_some_and(|spot| house.world().tenants.contains_key(&spot.tenant));
    let message = match () {
        () if has(Fault::KeyEchoed) => format!("{} is not a market key", String::from_utf8_lossy(sent)),
        () if has(Fault::RefusalTellsTenants) && known() => "a valid market key is needed for this tenant".into(),
        () => "a valid market key is needed".into(),
    };
    let refusal = Refusal::new(401, "UNAUTHORIZED", message);
    if has(Fault::ChallengeMissing) { refusal } else { refusal.with("www-authenticate", "ApiKey") }
}

fn valid(sent: &[u8], faults: &Faults) -> Option<&'static str> {
    let keys = if faults.has(Fault::SecondKeyRefused) { &[KEY][..] } else { &[KEY, SECOND_KEY][..] };
    let prefix = |key: &str| !sent.is_empty() && (sent.starts_with(key.as_bytes()) || key.as_bytes().starts_with(sent));
    let fits = |key: &&&str| match () {
        () if faults.has(Fault::M02) => !sent.is_empty(),
        () if faults.has(Fault::M04) => prefix(key),
        () if faults.has(Fault::KeyCaseIgnored) => key.as_bytes().eq_ignore_ascii_case(sent),
        () if faults.has(Fault::EmptyKeyAccepted) && sent.is_empty() => true,
        () => equal(key.as_bytes(), sent),
    };
    keys.iter().find(fits).copied()
}

/// Takes the same time wherever the first difference is.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

fn is_waved_through(faults: &Faults, call: &Call, header: &str) -> bool {
    let method = call.method.as_str();
    faults.has(Fault::M01)
        || faults.has(Fault::M03) && method == "DELETE"
        || faults.has(Fault::M05) && call.path.starts_with("/mt/health")
        || faults.has(Fault::M07) && header == "x-api-key"
        || faults.has(Fault::OneRouteOpen) && call.path.ends_with("/limits")
        || faults.has(Fault::WebhookNeedsNoKey) && call.path.starts_with("/api/tenant/webhook/")
        || faults.has(Fault::DotsResolvedLate) && call.path.starts_with("/mt/health/")
        || faults.has(Fault::ListWithoutKey) && call.path == "/api/tenant/list"
        || faults.has(Fault::MethodOverrideOpens) && call.headers.contains_key("x-http-method-override")
}
