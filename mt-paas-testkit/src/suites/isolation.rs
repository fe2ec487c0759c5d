//! Suite `isolation`: nothing of one tenant shows in another.

use crate::check::Check;

mod confusion;
mod names;
mod reading;
mod writing;

pub(super) const LISTS: &[&[Check]] = &[reading::CHECKS, writing::CHECKS, names::CHECKS, confusion::CHECKS];
