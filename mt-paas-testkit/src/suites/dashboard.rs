//! Suite `dashboard`: stats, costs, top users, patterns and usage.

use crate::check::Check;

mod agreement;
mod costs;
mod patterns;
mod stats;
mod top_users;
mod trends;
mod usage;

pub(super) const LISTS: &[&[Check]] = &[
    stats::CHECKS,
    trends::CHECKS,
    costs::CHECKS,
    agreement::CHECKS,
    top_users::CHECKS,
    patterns::CHECKS,
    usage::CHECKS,
];
