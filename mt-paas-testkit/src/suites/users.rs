//! Suite `users`: the people of a tenant.

use crate::check::Check;

mod create;
mod delete;
mod filter;
mod person;
mod refuse;
mod secrets;
mod text;
mod update;

pub(super) const LISTS: &[&[Check]] = &[
    create::CHECKS,
    person::CHECKS,
    update::CHECKS,
    delete::CHECKS,
    refuse::CHECKS,
    filter::CHECKS,
    text::CHECKS,
    secrets::CHECKS,
];
