//! Which passwords people may choose.

mod blocked;
mod context;
mod keyboard;

use unicode_normalization::UnicodeNormalization;

use crate::secret::Secret;

pub use context::PasswordContext;

/// Bytes that a password may have at most. It leaves room for 64 characters of any kind, many times over.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// What a new password must be like: long enough, and not among the first that others would try. There are no rules of
/// composition and no forced changes (NIST SP 800-63B-4, ASVS 5.0 6.2).
///
/// Characters are code points of the NFKC form, or of what was typed if these are fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    minimum: usize,
}

impl PasswordPolicy {
    /// For operators of a service: 15 characters, since nothing but the password protects them.
    pub const OPERATORS: Self = Self { minimum: 15 };

    /// For users, unless the service asks for more: 8 characters.
    pub const USERS: Self = Self { minimum: 8 };

    /// A policy with another minimum: 8 to 64 characters.
    ///
    /// # Errors
    ///
    /// [`InvalidMinimum`].
    pub fn with_minimum(minimum: usize) -> Result<Self, InvalidMinimum> {
        (8..=64).contains(&minimum).then_some(Self { minimum }).ok_or(InvalidMinimum)
    }

    /// Characters that a password needs.
    pub fn minimum(&self) -> usize {
        self.minimum
    }

    /// Whether somebody may take this password.
    ///
    /// # Errors
    ///
    /// The first reason why not.
    pub fn check(&self, password: &Secret<String>, context: &PasswordContext<'_>) -> Result<(), PasswordRefused> {
        let typed = password.expose();
        if typed.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordRefused::TooLong { maximum: MAX_PASSWORD_BYTES });
        }
        let normal: String = typed.nfkc().collect();
        if normal.chars().count().min(typed.chars().count()) < self.minimum {
            return Err(PasswordRefused::TooShort { minimum: self.minimum });
        }
        let folded = keyboard::fold(&normal);
        if blocked::common(&folded) {
            return Err(PasswordRefused::Common);
        }
        if blocked::monotonous(&folded, self.minimum) {
            return Err(PasswordRefused::Monotonous);
        }
        if context.is_nearly(&folded, self.minimum) {
            return Err(PasswordRefused::Context);
        }
        Ok(())
    }
}

/// Why a password is not taken. The doors say it in the reader's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordRefused {
    /// Too few characters.
    #[error("the password needs at least {minimum} characters")]
    TooShort {
        /// How many it needs.
        minimum: usize,
    },
    /// Too many bytes.
    #[error("the password may have at most {maximum} bytes")]
    TooLong {
        /// How many it may have.
        maximum: usize,
    },
    /// Among the first that attackers try.
    #[error("the password is among the most common ones")]
    Common,
    /// The same again and again, or characters in their order.
    #[error("the password repeats itself or counts up or down")]
    Monotonous,
    /// Little more than the name of the user, the service or the tenant, or a word that everybody would try.
    #[error("the password is little more than a name or word that others know")]
    Context,
}

/// A service asked for a minimum that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the minimum length of passwords is 8 to 64 characters")]
pub struct InvalidMinimum;
