//! What keys are for.

/// What a key is for, as its first characters say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Clients of a service: `mtp_live_`.
    Live,
    /// Clients that try a service out: `mtp_test_`.
    Test,
    /// A marketplace that manages a service: `mtp_mkt_`.
    Market,
    /// Another service: `mtp_srv_`.
    Service,
}

impl KeyPurpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Live, Self::Test, Self::Market, Self::Service];

    /// All prefixes, as a sentence names them.
    pub(super) const PREFIXES: &'static str = "mtp_live_, mtp_test_, mtp_mkt_ or mtp_srv_";

    /// What such keys begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "mtp_live_",
            Self::Test => "mtp_test_",
            Self::Market => "mtp_mkt_",
            Self::Service => "mtp_srv_",
        }
    }

    /// The purpose of a key with this text.
    pub(super) fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| text.starts_with(purpose.prefix()))
    }
}
