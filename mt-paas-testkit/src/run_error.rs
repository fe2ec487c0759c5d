//! Why a run ends before its first check.

/// Why nothing can be said about a service. Nothing was written to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nobody answers at the target.
    #[error("{base} does not answer: {why}")]
    Unreachable {
        /// The base URL.
        base: String,
        /// What happened instead.
        why: String,
    },
    /// The base URL ends in the prefix, which would stand in every path twice.
    #[error("the target {base} already ends in the prefix {prefix}: the service answers at {instead}, so name that")]
    PrefixTwice {
        /// The base URL as given.
        base: String,
        /// The path of the standard routes.
        prefix: String,
        /// The base URL under which the service was found.
        instead: String,
    },
    /// The service does not take the key.
    #[error("{base} refuses the key in {header} (401): check the key, and the name of the header")]
    KeyRefused {
        /// The base URL.
        base: String,
        /// The header in which the key was sent.
        header: String,
    },
    /// The existing tenant that was named is not there.
    #[error("{base} knows no tenant {tenant} (404): name an existing tenant, or none")]
    UnknownTenant {
        /// The base URL.
        base: String,
        /// The tenant that was named.
        tenant: String,
    },
    /// The existing tenant that was named is closed, and only its status and its bill can be read.
    #[error("tenant {tenant} is {status}, so its data cannot be read: name an active tenant, or none")]
    InactiveTenant {
        /// The tenant that was named.
        tenant: String,
        /// Its status.
        status: String,
    },
    /// The service cannot say whether the existing tenant that was named is there.
    #[error("{base} cannot read tenant {tenant} now (503): try again later")]
    TenantUnavailable {
        /// The base URL.
        base: String,
        /// The tenant that was named.
        tenant: String,
    },
}

impl RunError {
    pub(crate) fn unreachable(base: &str, why: &dyn std::fmt::Display) -> Self {
        Self::Unreachable { base: base.to_owned(), why: why.to_string() }
    }
}
