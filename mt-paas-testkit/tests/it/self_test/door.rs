//! From the wire to an operation and back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Value, json};

use super::call::Call;
use super::faults::Fault;
use super::key::authenticate;
use super::replay::{Turn, altered};
use super::reply::{Answer, Outcome, Refusal, assemble};
use super::routes::{Operation, Spot, find};
use super::world::{House, Room};
use super::{Phase, alias, rivalry};

const MOST_BODY: usize = 1 << 20;
/// Read and thrown away, so that the caller can finish sending before it hears the refusal.
const MOST_DRAINED: usize = 8 << 20;
const MOST_URI: usize = 8 << 10;
const MOST_HEADERS: (usize, usize) = (100, 32 << 10);

/// Every request comes in here.
pub(super) async fn enter(State(house): State<Arc<House>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let now = Utc::now().trunc_subsecs(if house.faults.has(Fault::WholeSeconds) { 0 } else { 6 });
    let request_id = request_id(&parts.headers);
    let mut call = Call::new(parts, String::new());
    let body = to_bytes(body, MOST_DRAINED).await;
    let spot = find(&routed(&house, &call));
    call.body = body.as_deref().unwrap_or_default().to_vec();
    let outcome = match admit(&house, &mut call, spot.as_ref()) {
        Ok(()) => perform(&house, &call, spot.as_ref(), body.is_ok(), now).await,
        Err(refusal) => Err(refusal),
    };
    let mut headers = vec![("x-request-id", request_id.clone()), ("x-content-type-options", "nosniff".into())];
    if !house.faults.has(Fault::StoreAllowed) {
        headers.push(("cache-control", "no-store".into()));
    }
    match spot {
        Some(spot) if is_old(&call) => {
            let refused = outcome.as_ref().err().map(|refusal| refusal.status);
            headers.extend(alias::farewell(&house, &spot, refused, now));
        }
        _ if house.faults.has(Fault::StandardSucceeded) => {
            headers.push(("link", "</mt3/>; rel=\"successor-version\"".into()));
        }
        _ if house.faults.has(Fault::StandardDeprecated) => headers.push(("deprecation", "@1767225600".into())),
        _ => {}
    }
    send(&house, outcome, headers, &request_id)
}

/// Who may come in at all.
fn admit(house: &House, call: &mut Call, spot: Option<&Spot>) -> Result<(), Refusal> {
    let faults = &house.faults;
    let segments = call.segments();
    let health = call.path == "/mt/health" && matches!(call.method.as_str(), "GET" | "HEAD");
    let wrong_key = faults.has(Fault::HealthRefusesWrongKey) && call.headers.contains_key("x-market-api-key");
    if health && !faults.has(Fault::HealthNeedsKey) && !wrong_key {
        return Ok(());
    }
    let area: Vec<&str> = segments.iter().map(String::as_str).take(2).collect();
    let header = match area.as_slice() {
        ["mt", ..] => "x-market-api-key",
        ["api", "tenant"] => "x-api-key",
        _ => return Ok(()),
    };
    if area[0] == "api" && house.phase == Phase::Removed && faults.has(Fault::RemovedNeedsNoKey) {
        return alias::gate(house.phase);
    }
    if let Some(spot) = spot.filter(|spot| faults.has(Fault::M06) && !spot.tenant.is_empty()) {
        let world = house.world();
        if spot.operation != Operation::Activate && !world.tenants.contains_key(&spot.tenant) {
            return Err(Refusal::no_tenant(&spot.tenant));
        }
    }
    call.caller = authenticate(house, call, spot, header)?;
    let size: usize = call.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if call.uri_length > MOST_URI || call.headers.len() > MOST_HEADERS.0 || size > MOST_HEADERS.1 {
        return Err(Refusal::broken("the head of the request is too long"));
    }
    Ok(())
}

/// The segments by which the operation is found; careless variants tidy them up after the key was looked at.
fn routed(house: &House, call: &Call) -> Vec<String> {
    let mut segments = call.segments();
    if house.faults.has(Fault::SlashesSquashed) {
        segments.retain(|segment| !segment.is_empty());
    }
    if house.faults.has(Fault::DotsResolvedLate)
        && let Some(up) = segments.iter().position(|segment| segment == "..").filter(|up| *up > 0)
    {
        segments.drain(up - 1..=up);
    }
    segments
}

/// Finds the operation, sees to repetitions, runs it.
async fn perform(house: &House, call: &Call, spot: Option<&Spot>, whole: bool, now: DateTime<Utc>) -> Outcome {
    let faults = &house.faults;
    if !whole || call.body.len() > MOST_BODY {
        let crash = faults.has(Fault::BigBodyCrashes);
        return Err(if crash { Refusal::crash() } else { Refusal::new(413, "BODY_TOO_LARGE", "at most 1 MiB") });
    }
    let absent = is_old(call) && faults.has(Fault::NothingOptional);
    let Some(spot) = spot.filter(|_| !absent) else { return lost(house, call) };
    let verbs = spot.verbs(is_old(call));
    if !verbs.contains(&call.method.as_str()) {
        return wrong_verb(house, spot, verbs);
    }
    if spot.operation == Operation::Health {
        if call.method == "HEAD" && faults.has(Fault::HeadHealthRefused) {
            return wrong_verb(house, spot, &["GET"]);
        }
        slow_down(house).await;
    }
    if is_old(call) || faults.has(Fault::StandardGoneToo) && spot.operation == Operation::Stats {
        alias::gate(house.phase)?;
    }
    let turn = house.replays.begin(call, faults, now);
    if let Turn::Again(outcome) = turn {
        return altered(faults, outcome);
    }
    let seen = rivalry::look_ahead(house, spot, call).await;
    rivalry::write_back(house, spot, call, &seen);
    let outcome = run(house, call, spot, seen.nobody, now);
    if let Turn::First(name) = turn {
        house.replays.end(&name, &outcome, faults);
    }
    outcome
}

fn run(house: &House, call: &Call, spot: &Spot, sure_it_is_new: bool, now: DateTime<Utc>) -> Outcome {
    let world = &mut *house.world();
    world.serial += 1;
    let mut room = Room { faults: &house.faults, world, call, base: &house.base, now, sure_it_is_new };
    let pretends = room.has(Fault::M15)
        || room.has(Fault::UsageOfNobody) && spot.operation == Operation::Usage
        || room.has(Fault::LimitsOfNobody) && spot.operation == Operation::Limits;
    if pretends && call.method == "GET" && !spot.tenant.is_empty() {
        return room.pretend(spot, is_old(call));
    }
    room.run(spot, is_old(call))
}

fn lost(house: &House, call: &Call) -> Outcome {
    if house.faults.has(Fault::ListWithoutKey) && call.path == "/api/tenant/list" {
        let tenants: Vec<_> = house.world().tenants.keys().cloned().collect();
        return Ok(Answer::ok(json!({"count": tenants.len(), "tenants": tenants})));
    }
    if house.faults.has(Fault::UnknownPathCrashes) {
        return Err(Refusal::crash());
    }
    Err(Refusal::no_route())
}

fn wrong_verb(house: &House, spot: &Spot, verbs: &[&str]) -> Outcome {
    let faults = &house.faults;
    let refusal = Refusal::new(405, "METHOD_NOT_ALLOWED", "this path does not know the method");
    if spot.operation == Operation::Health && faults.has(Fault::PostHealthAnswered) {
        return Ok(Answer::ok(json!({"status": "healthy"})));
    }
    match () {
        () if faults.has(Fault::WrongVerbIsNotFound) => Err(Refusal::no_route()),
        () if faults.has(Fault::VerbsNotNamed) => Err(refusal),
        () => Err(refusal.with("allow", verbs.join(", "))),
    }
}

async fn slow_down(house: &House) {
    if house.faults.has(Fault::HealthQueues) {
        let _turn = house.bottleneck.lock().await;
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
}

/// Whether an old path was used.
fn is_old(call: &Call) -> bool {
    call.segments().first().is_some_and(|first| first == "api")
}

/// The caller's request id if it is fit for a header and a log, else one of our own.
fn request_id(headers: &HeaderMap) -> String {
    let sent = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let fit = |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    sent.filter(fit).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

fn send(house: &House, outcome: Outcome, mut headers: Vec<(&'static str, String)>, request_id: &str) -> Response<Body> {
    if house.faults.has(Fault::CharsetNamed) {
        headers.push(("content-type", "application/json; charset=UTF-8".into()));
    }
    let refusal = match outcome {
        Ok(mut answer) => {
            let members = answer.body.as_mut().and_then(Value::as_object_mut);
            if let Some(members) = members.filter(|_| house.faults.has(Fault::MoreMembers)) {
                members.insert("x_node".into(), json!({"zone": "b", "load": 0.25}));
            }
            return assemble(answer.status, answer.body.as_ref(), &headers);
        }
        Err(refusal) => misspeak(house, refusal),
    };
    let mut body = refusal.envelope(request_id);
    if house.faults.has(Fault::M40) {
        body = json!({"detail": body});
    }
    if house.faults.has(Fault::ErrorsLackSuccess) {
        body["success"] = Value::Null;
    }
    headers.extend(refusal.headers);
    let mut response = assemble(refusal.status, Some(&body), &headers);
    if house.faults.has(Fault::ErrorsAreCalledText) {
        response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("text/plain"));
    }
    response
}

/// Where faulty variants choose another status or code.
fn misspeak(house: &House, mut refusal: Refusal) -> Refusal {
    let faults = &house.faults;
    if refusal.status == 422 && faults.has(Fault::ValidationCrashes) {
        return Refusal::crash();
    }
    if refusal.status == 404 && faults.has(Fault::CodeAndStatusQuarrel) {
        refusal.code = "USER_EXISTS";
    }
    if refusal.status == 422 && faults.has(Fault::CodeInvented) {
        refusal.code = "VALIDATION_ERROR";
    }
    if refusal.code == "IDEMPOTENCY_MISMATCH" && faults.has(Fault::MismatchIsConflict) {
        refusal.status = 409;
    }
    if faults.has(Fault::FirstFieldOnly)
        && let Some(fields) = refusal.details.get_mut("fields").and_then(Value::as_array_mut)
    {
        fields.truncate(1);
    }
    if refusal.status == 409 && faults.has(Fault::ConflictIsBadRequest) {
        refusal.status = 400;
    }
    refusal
}
