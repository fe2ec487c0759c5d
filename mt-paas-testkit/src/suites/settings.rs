//! Suite `settings`: settings and limits.

use crate::check::Check;

mod read;
mod refuse;
mod write;

pub(super) const LISTS: &[&[Check]] = &[read::CHECKS, write::CHECKS, refuse::CHECKS];
