//! Every protected route asks for the key.

use crate::check::Level::R;
use crate::check::{Check, each_route};
use crate::lab::Lab;
use crate::outcome::Verdict;
use crate::route::Route;

pub(super) const CHECKS: &[Check] = &[
    Check::new(R, "AUT-01", "each protected route without a key", "401 (rules, authentication)", each_route!(no_key)),
    Check::new(
        R,
        "AUT-02",
        "each protected route with a wrong key",
        "401 (rules, authentication)",
        each_route!(wrong_key),
    ),
    Check::new(R, "AUT-03", "each protected route with the key", "anything but 401", each_route!(right_key)),
];

/// No such user: a route that forgets the key must not find anything to destroy.
const NOBODY: &str = "nobody";

async fn no_key(lab: &Lab, route: &'static Route) -> Verdict {
    lab.route(route, &lab.id("open"), NOBODY).keyless().await?.is(401).map(drop)
}

async fn wrong_key(lab: &Lab, route: &'static Route) -> Verdict {
    lab.route(route, &lab.id("open"), NOBODY).key("not-the-key", "not-the-key").await?.is(401).map(drop)
}

async fn right_key(lab: &Lab, route: &'static Route) -> Verdict {
    let answer = lab.route(route, &lab.id("keyed"), NOBODY).await?;
    answer.verdict(answer.status() != 401, "anything but 401", answer.exchange.shown())
}
