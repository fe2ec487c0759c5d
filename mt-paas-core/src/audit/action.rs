//! What is done, by name: the one list of the names that this SDK uses.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A dotted name such as `user.create`: 1 to 64 of `a-z 0-9 . _ -`. A service has names of its own beside these.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Action(Cow<'static, str>);

/// The text is no name of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an action is 1 to 64 of a-z, 0-9, '.', '_' and '-'")]
pub struct InvalidAction;

/// A tenant was made active.
pub const TENANT_ACTIVATE: Action = Action::named("tenant.activate");
/// A tenant was closed.
pub const TENANT_DEACTIVATE: Action = Action::named("tenant.deactivate");
/// A tenant was stopped by the operator.
pub const TENANT_SUSPEND: Action = Action::named("tenant.suspend");
/// A tenant's settings were changed.
pub const SETTINGS_UPDATE: Action = Action::named("settings.update");
/// A user was added.
pub const USER_CREATE: Action = Action::named("user.create");
/// A user was changed.
pub const USER_UPDATE: Action = Action::named("user.update");
/// A user was removed.
pub const USER_DELETE: Action = Action::named("user.delete");
/// Somebody logged in, or tried to.
pub const LOGIN: Action = Action::named("login");
/// Somebody ended the session that they used.
pub const LOGOUT: Action = Action::named("logout");
/// Somebody ended all their sessions, or an administrator did.
pub const LOGOUT_EVERYWHERE: Action = Action::named("logout.everywhere");
/// Somebody ended another session of theirs.
pub const SESSION_END: Action = Action::named("session.end");
/// Somebody took another password.
pub const PASSWORD_CHANGE: Action = Action::named("password.change");
/// A one-time link was promised to somebody.
pub const PASSWORD_LINK: Action = Action::named("password.link");
/// Somebody set a password by a one-time link.
pub const PASSWORD_SET: Action = Action::named("password.set");
/// Somebody may do more, or less.
pub const ACCESS_CHANGE: Action = Action::named("access.change");
/// Somebody tried what their access does not allow.
pub const ACCESS_REFUSED: Action = Action::named("access.refused");
/// The first operator was made.
pub const OPERATOR_FIRST: Action = Action::named("operator.first");
/// A key for a program was made.
pub const CLIENT_KEY_CREATE: Action = Action::named("client_key.create");
/// A key for a program was replaced.
pub const CLIENT_KEY_ROTATE: Action = Action::named("client_key.rotate");
/// A key for a program was revoked.
pub const CLIENT_KEY_REVOKE: Action = Action::named("client_key.revoke");
/// A request came without a valid key of a market.
pub const MARKET_REFUSED: Action = Action::named("market.refused");
/// A request came without a valid key of an administrator.
pub const ADMIN_REFUSED: Action = Action::named("admin.refused");
/// A key was added to the pool.
pub const POOL_KEY_ADD: Action = Action::named("pool.key.add");
/// A key of the pool was changed.
pub const POOL_KEY_CHANGE: Action = Action::named("pool.key.change");
/// A key was taken out of the pool.
pub const POOL_KEY_REMOVE: Action = Action::named("pool.key.remove");
/// A key's quarantine or rest was ended.
pub const POOL_KEY_RELEASE: Action = Action::named("pool.key.release");
/// The keys of the settings were put into the pool.
pub const POOL_SEED: Action = Action::named("pool.seed");
/// The trail was exported.
pub const AUDIT_EXPORT: Action = Action::named("audit.export");
/// The heads of other chains, written down by the store itself.
pub const ANCHOR: Action = Action::named("audit.anchor");

impl Action {
    /// A name that stands in the code.
    ///
    /// # Panics
    ///
    /// If the text is no name; in a constant that is an error of compilation.
    pub const fn named(name: &'static str) -> Self {
        assert!(is_name(name.as_bytes()), "no name of an action");
        Self(Cow::Borrowed(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_name(name: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() {
        if !matches!(name[at], b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-') {
            return false;
        }
        at += 1;
    }
    !name.is_empty() && name.len() <= 64
}

impl FromStr for Action {
    type Err = InvalidAction;

    fn from_str(name: &str) -> Result<Self, InvalidAction> {
        if is_name(name.as_bytes()) { Ok(Self(Cow::Owned(name.to_owned()))) } else { Err(InvalidAction) }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
