//! Suite `lifecycle`: activation, deactivation and what lies between.

use crate::check::Check;

mod activate;
mod bodies;
mod deactivate;
mod later;
mod reactivate;

pub(super) const LISTS: &[&[Check]] =
    &[activate::CHECKS, bodies::CHECKS, deactivate::CHECKS, reactivate::CHECKS, later::CHECKS];
