//! Capabilities that this version of the contract cannot declare yet.

use crate::check::Check;
use crate::check::Level::A;
use crate::check::Probe::Undeclarable;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        A,
        "LIF-31",
        "activation asked to run in the background",
        "202, operation id, Retry-After; the operation ends",
        Undeclarable,
    )
    .needs("async"),
    Check::new(A, "LIF-32", "a background-only plan in the foreground", "422", Undeclarable).needs("async"),
    Check::new(A, "LIF-33", "deactivation during activation", "halts it; the operation ends failed", Undeclarable)
        .needs("async"),
    Check::new(A, "LIF-34", "access_url with an old, altered or used token", "403", Undeclarable).needs("sso"),
];
