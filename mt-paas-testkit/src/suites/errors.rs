//! Suite `errors`: the form of refusals.

use crate::check::Check;

mod bodies;
mod envelope;
mod routing;

pub(super) const LISTS: &[&[Check]] = &[envelope::CHECKS, bodies::CHECKS, routing::CHECKS];
