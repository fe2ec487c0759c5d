//! Suite `auth`: who gets in, and what a stranger learns.

use crate::check::Check;

mod aliases;
mod keys;
mod routes;
mod strangers;

pub(super) const LISTS: &[&[Check]] = &[routes::CHECKS, keys::CHECKS, strangers::CHECKS, aliases::CHECKS];
