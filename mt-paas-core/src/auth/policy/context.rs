//! Words that a guesser knows before the first guess.

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
    /// Whether nothing but at most half of `minimum` characters remains of a folded password without the words of its
    /// context.
    pub(super) fn is_nearly(&self, folded: &str, minimum: usize) -> bool {
        let mut rest = folded.to_owned();
        for word in self.words() {
            rest = rest.replace(&word, "");
        }
        rest.len() < folded.len() && rest.chars().count() <= minimum / 2
    }

    /// The words, folded, the longest first, so that no part is taken out of a longer one before it.
    fn words(&self) -> Vec<String> {
        let Self { login, email, name, service, tenant, tenant_name } = *self;
        let mut words: Vec<String> = [login, email, name, service, tenant, tenant_name]
            .into_iter()
            .flatten()
            .flat_map(|text| parts(&keyboard::fold(text)))
            .chain(blocked::words().iter().cloned())
            .filter(|word| word.chars().count() >= SHORTEST)
            .collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words
    }
}

/// A text as a whole, what stands before its `@`, and its pieces between other characters.
fn parts(text: &str) -> Vec<String> {
    let pieces = text.split(|character: char| !character.is_alphanumeric());
    let local = text.split('@').take(1);
    pieces.chain(local).chain([text]).map(str::to_owned).collect()
}
