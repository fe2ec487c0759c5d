//! What a text, an e-mail address and a search mean.

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;

/// The first character of `text` that no stored text may hold: any control character but tab and line ends.
pub fn forbidden_control(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// A form of `text` in which letter case, and composed and decomposed spellings, make no difference.
pub fn fold(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// The form of an e-mail address that is unique in a tenant.
pub fn email_key(email: &str) -> String {
    fold(email.trim())
}

/// Whether `email`, apart from blanks around it, is an address that mail can be sent to over the internet.
pub fn is_email(email: &str) -> bool {
    let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
    let trimmed = email.trim_matches(' ');
    trimmed.len() <= 254 && !trimmed.contains('"') && EmailAddress::parse_with_options(trimmed, options).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_as_mail_servers_would() {
        for good in ["a@b.kr", "Kim.Chulsoo+x@hallym.ac.kr", " a@b.kr ", "김@한림.kr"] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@b.kr", "x".repeat(400));
        for bad in
            ["", "not-an-email", "a@", "@b.kr", "a@b", "a@b.kr\r\nBcc: c@d.kr", "A <a@b.kr>", "a@[127.0.0.1]", &long]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn hangul_is_found_in_either_normal_form() {
        let decomposed: String = "김철수".nfd().collect();
        assert_ne!(decomposed, "김철수");
        assert_eq!(fold(&decomposed), fold("김철수"));
        assert_eq!(fold("ÅNGSTRÖM"), fold("ångström"));
        assert_eq!(email_key(" A@B.kr "), "a@b.kr");
    }

    #[test]
    fn line_ends_are_text_and_other_controls_are_not() {
        assert_eq!(forbidden_control("a\tb\r\nc"), None);
        assert_eq!(forbidden_control("a\u{0}b"), Some('\u{0}'));
        assert_eq!(forbidden_control("a\u{85}b"), Some('\u{85}'));
    }
}
