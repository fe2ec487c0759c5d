//! What an application adds to the rules.

use std::sync::Arc;

use super::Redactor;
use super::known::Known;
use super::name::{Names, Words};
use super::rules::Rules;
use crate::secret::Secret;

/// Makes a [`Redactor`] with more rules than the built-in ones.
#[derive(Clone, Default)]
#[must_use]
pub struct RedactorBuilder {
    emails: bool,
    names: Names,
    known: Known,
}

impl RedactorBuilder {
    pub(super) fn of(rules: &Rules) -> Self {
        Self { emails: rules.emails, names: rules.names.clone(), known: rules.known.clone() }
    }

    /// Hides e-mail addresses, too.
    pub fn emails(mut self) -> Self {
        self.emails = true;
        self
    }

    /// Values under this name are secret. It stands for all its spellings, and for names that end with its words:
    /// `student_number` is also `studentNumber` and `the-student-number`. A name without letters and digits is ignored.
    pub fn name(mut self, name: &str) -> Self {
        let words: Vec<String> = Words::of(name).iter().map(str::to_owned).collect();
        if !words.is_empty() {
            self.names.added.push(words);
        }
        self
    }

    /// This is a secret, wherever and however it is written: as it is, escaped for a URL, JSON or HTML, in base64 or base64url,
    /// also as a part of something longer, in hexadecimal digits, in UTF-16. Secrets of fewer than six bytes are ignored: they
    /// would hide ordinary words.
    pub fn secret(mut self, secret: &Secret<String>) -> Self {
        self.known.add(secret.expose());
        self
    }

    /// The redactor. This compiles the rules, which is worth doing once.
    pub fn build(self) -> Redactor {
        Redactor { rules: Arc::new(Rules::new(self.names, self.emails, self.known)) }
    }
}
