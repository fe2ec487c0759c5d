//! Words that a guesser knows before the first guess.

use std::cmp::Reverse;

use super::{blocked, keyboard};

/// What is known of somebody who chooses a password. Leave out what is not known.
#[derive(Debug, Clone, Copy, Default)]
pub struct PasswordContext<'a> {
    /// The login name.
    pub login: Option<&'a str>,
    /// The e-mail address.
    pub email: Option<&'a str>,
    /// The name of the person.
    pub name: Option<&'a str>,
    /// The name of the service.
    pub service: Option<&'a str>,
    /// The id of the tenant.
    pub tenant: Option<&'a str>,
    /// The name of the tenant.
    pub tenant_name: Option<&'a str>,
}

/// Shorter words stand in too many good passwords by chance.
const SHORTEST: usize = 3;

impl PasswordContext<'_> {
    /// A folded password without the words that everybody knows.
    pub(super) fn taken_from(&self, folded: &str) -> String {
        self.words().iter().fold(folded.to_owned(), |rest, word| rest.replace(word, ""))
    }

    /// The words, folded, the longest first, so that none is torn by its own part.
    fn words(&self) -> Vec<String> {
        let Self { login, email, name, service, tenant, tenant_name } = *self;
        let mut words: Vec<String> = [login, email, name, service, tenant, tenant_name]
            .into_iter()
            .flatten()
            .flat_map(|text| parts(&keyboard::fold(text)))
            .chain(blocked::words().iter().cloned())
            .filter(|word| word.chars().count() >= SHORTEST)
            .collect();
        words.sort_by_key(|word| Reverse(word.len()));
        words
    }
}

/// A text as a whole, what stands before its `@`, and its pieces between other characters.
fn parts(text: &str) -> Vec<String> {
    let pieces = text.split(|character: char| !character.is_alphanumeric());
    pieces.chain(text.split('@').take(1)).chain([text]).map(str::to_owned).collect()
}
