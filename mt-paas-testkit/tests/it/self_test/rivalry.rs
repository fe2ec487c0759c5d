//! Faults that need two requests at once: what was read is old by the time it is written.

use std::time::Duration;

use super::call::Call;
use super::faults::Fault;
use super::routes::{Operation, Spot};
use super::world::{House, User, folded};

/// Long enough for the requests of one burst to overlap.
const GAP: Duration = Duration::from_millis(25);

/// What was seen before the gap.
#[derive(Default)]
pub(super) struct Glimpse {
    /// Nobody of that name was there.
    pub(super) nobody: bool,
    /// The user as it was.
    pub(super) user: Option<User>,
}

/// Looks first and waits then, as a service does that checks in one transaction and writes in another.
pub(super) async fn look_ahead(house: &House, spot: &Spot, call: &Call) -> Glimpse {
    let writes = (spot.operation, call.method.as_str());
    let glimpse = match writes {
        (Operation::Users, "POST") if house.faults.has(Fault::M37) || runs_again(house, call) => {
            Glimpse { nobody: !user_exists(house, spot, call), user: None }
        }
        (Operation::Activate, _) if house.faults.has(Fault::M37) => {
            Glimpse { nobody: !house.world().tenants.contains_key(&spot.tenant), user: None }
        }
        (Operation::User, "PUT") if house.faults.has(Fault::LostUpdate) || house.faults.has(Fault::PutResurrects) => {
            let world = house.world();
            let tenant = world.tenants.get(&spot.tenant);
            let user = tenant.and_then(|tenant| tenant.users.iter().find(|user| user.id == spot.user));
            Glimpse { nobody: false, user: user.cloned() }
        }
        _ => return Glimpse::default(),
    };
    tokio::time::sleep(GAP).await;
    glimpse
}

fn runs_again(house: &House, call: &Call) -> bool {
    house.faults.has(Fault::RunningKeyRunsAgain) && call.headers.contains_key("idempotency-key")
}

fn user_exists(house: &House, spot: &Spot, call: &Call) -> bool {
    let email = call.object(&house.faults).ok();
    let email = email.as_ref().and_then(|body| body.get("email")?.as_str()).map(folded);
    let world = house.world();
    let users = world.tenants.get(&spot.tenant).map(|tenant| tenant.users.as_slice()).unwrap_or_default();
    email.is_some_and(|email| users.iter().any(|user| folded(&user.email) == email))
}

/// Puts the old state back under the change, and a deleted user back into the list.
pub(super) fn write_back(house: &House, spot: &Spot, call: &Call, seen: &Glimpse) {
    let Some(user) = seen.user.clone() else { return };
    let mut world = house.world();
    let Some(tenant) = world.tenants.get_mut(&spot.tenant) else { return };
    let there = tenant.users.iter_mut().find(|there| there.id == user.id);
    match there {
        Some(there) if house.faults.has(Fault::LostUpdate) => *there = user,
        None if house.faults.has(Fault::PutResurrects) && call.object(&house.faults).is_ok() => tenant.users.push(user),
        _ => {}
    }
}
