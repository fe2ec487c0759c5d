//! The redactor of the process.

use std::sync::{PoisonError, RwLock};

use super::Redactor;

static INSTALLED: RwLock<Option<Redactor>> = RwLock::new(None);

impl Redactor {
    /// Makes this the redactor of the process: of its log, of what panics say, of requests that the doors write down.
    ///
    /// For programs, which know their secrets; a library leaves it alone.
    pub fn install(&self) {
        *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
    }

    /// The redactor of the process: the built-in rules until a program has [installed](Self::install) its own.
    pub fn installed() -> Self {
        INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }
}
