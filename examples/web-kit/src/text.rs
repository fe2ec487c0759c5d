//! What pages say, in both languages.

use mt_paas_axum::language::Language;

/// A sentence or word in English and Korean. Members in braces are filled in by [`fill`](Self::fill).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    english: &'static str,
    korean: &'static str,
}

impl Text {
    /// The same in both languages.
    pub const fn new(english: &'static str, korean: &'static str) -> Self {
        Self { english, korean }
    }

    /// In one of them.
    pub fn to(self, language: Language) -> &'static str {
        language.say(self.english, self.korean)
    }

    /// In one of them, with a value in the place of each `{name}`. A whole sentence is filled, so that each language keeps
    /// its own order of words.
    pub fn fill(self, language: Language, values: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.to(language);
        while let Some((before, (name, after))) =
            rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            filled.push_str(before);
            filled.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
            rest = after;
        }
        filled + rest
    }
}

/// Makes constants of texts, and `ALL` of them for the tests that walk through.
macro_rules! texts {
    ($($name:ident = $english:literal, $korean:literal;)+) => {
        $(pub(crate) const $name: $crate::Text = $crate::Text::new($english, $korean);)+

        /// Every text with its name.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, $crate::Text)] = &[$((stringify!($name), $name)),+];
    };
}

pub(crate) use texts;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_once_and_never_read_as_members() {
        let text = Text::new("{a} of {b}", "{b} 중 {a}");
        let values = [("a", "{b}"), ("b", "2")];
        assert_eq!(text.fill(Language::English, &values), "{b} of 2");
        assert_eq!(text.fill(Language::Korean, &values), "2 중 {b}");
    }
}
