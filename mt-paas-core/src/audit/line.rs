//! Text that is one line and not long.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::text::is_unseen;

/// Text for an entry: one line of at most 256 bytes.
///
/// Characters that move a cursor, begin a line or turn the direction of writing, as well as those that nobody sees, are
/// written as their number, such as `\u{1b}`; what is too long is cut and ends in `…`. So nobody who chooses a name can
/// forge or hide an entry where the trail is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Line(String);

impl Line {
    /// The longest line, in bytes.
    pub const MAX: usize = 256;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        const MARK: &str = "…";
        let mut line = String::with_capacity(text.len().min(Self::MAX));
        let mut room_for_mark = 0;
        for character in text.chars() {
            if is_unseen(character) {
                line.extend(character.escape_unicode());
            } else {
                line.push(character);
            }
            if line.len() > Self::MAX {
                line.truncate(room_for_mark);
                line.push_str(MARK);
                break;
            }
            if line.len() + MARK.len() <= Self::MAX {
                room_for_mark = line.len();
            }
        }
        Self(line)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl Deref for Line {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_forge_or_hide_a_line_is_written_as_its_number() {
        let hostile = "a\r\nb\u{1b}[2Jc\u{202e}d\u{2028}e\0f\u{85}g\u{200b}h\u{2066}\u{7f}";
        let line = Line::from(hostile);
        let shown = "a\\u{d}\\u{a}b\\u{1b}[2Jc\\u{202e}d\\u{2028}e\\u{0}f\\u{85}g\\u{200b}h\\u{2066}\\u{7f}";
        assert_eq!(line.as_str(), shown);
        assert_eq!(Line::from("김철수 <a@b.kr> 'x'").as_str(), "김철수 <a@b.kr> 'x'");
    }

    #[test]
    fn a_line_is_never_longer_than_it_may_be_and_reading_it_again_changes_nothing() {
        for character in ["a", "é", "한", "🙂", "\u{202e}"] {
            for count in [0, 1, 25, 26, 63, 64, 65, 84, 85, 86, 127, 128, 129, 255, 256, 257, 5000] {
                let line = Line::from(character.repeat(count));
                assert!(line.len() <= Line::MAX, "{character:?} {count}");
                assert_eq!(
                    line.ends_with('…'),
                    Line::from(character).len() * count > Line::MAX,
                    "{character:?} {count}"
                );
                assert_eq!(Line::from(line.as_str()), line);
            }
        }
    }
}
