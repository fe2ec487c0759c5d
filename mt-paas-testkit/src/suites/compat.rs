//! Suite `compat`: the old paths of the Service Market.

use crate::check::Check;

mod equal;
mod phase;
mod webhook;

pub(super) const LISTS: &[&[Check]] = &[webhook::CHECKS, equal::CHECKS, phase::CHECKS];
