//! The words of a name, however it is spelled.

/// A name in lower case, its words apart: `dbPassword`, `db-password` and `DB_PASSWORD` are `db` and `password`.
pub(in crate::redact) struct Words(String);

impl Words {
    pub(in crate::redact) fn of(name: &str) -> Self {
        let mut words = String::with_capacity(name.len() + 8);
        let mut before = Letter::Apart;
        let mut chars = name.chars().peekable();
        while let Some(c) = chars.next() {
            let letter = Letter::of(c);
            // The last capital of several begins the word that follows them: API|Key.
            let last_capital = chars.peek().is_some_and(|next| next.is_lowercase()) && before == Letter::Capital;
            if letter == Letter::Capital && (before == Letter::Small || last_capital) {
                words.push(' ');
            }
            match letter {
                Letter::Apart => words.push(' '),
                _ => words.extend(c.to_lowercase()),
            }
            before = letter;
        }
        Self(words)
    }

    pub(in crate::redact) fn iter(&self) -> impl Iterator<Item = &str> {
        // A number behind a word is not part of it: password2.
        self.0.split(' ').filter(|word| !word.is_empty()).map(|word| {
            let bare = word.trim_end_matches(|c: char| c.is_ascii_digit());
            if bare.is_empty() { word } else { bare }
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    Apart,
    Capital,
    Small,
}

impl Letter {
    fn of(c: char) -> Self {
        if !c.is_alphanumeric() {
            Self::Apart
        } else if c.is_uppercase() {
            Self::Capital
        } else {
            Self::Small
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_have_the_same_words() {
        for name in ["openaiApiKey2", "openai_api_key", "OPENAI-API-KEY", "openai.api key", "OpenaiAPIKey"] {
            assert_eq!(Words::of(name).iter().collect::<Vec<_>>(), ["openai", "api", "key"], "{name}");
        }
    }
}
