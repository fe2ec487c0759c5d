//! What a service says to its operator, in English and Korean.

/// The operator's language, from the environment's `LANG`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Korean,
}

impl Language {
    /// Reads `LC_ALL`, `LC_MESSAGES` and `LANG`, in this order, as other programs do.
    pub(super) fn of(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| get(name)).find(|value| !value.is_empty());
        if set.is_some_and(|value| value.starts_with("ko")) { Self::Korean } else { Self::English }
    }

    /// The text in this language.
    pub(super) fn say<'a>(self, english: &'a str, korean: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Korean => korean,
        }
    }
}
