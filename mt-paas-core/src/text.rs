//! What a text, an e-mail address and a search mean.

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;
use url::Host;

/// The first character of `text` that no stored text may hold: any control character but tab and line ends.
pub fn forbidden_control(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// Whether a character is a control, separates lines, turns the direction of writing, or is seen by nobody.
pub(crate) fn is_unseen(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') || is_invisible(character)
}

/// Whether nobody would see anything of the text: it holds blanks, and characters that join, mark or direct others, alone.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// The characters that Unicode calls default ignorable, and two more that are empty by design.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A form of `text` in which letter case, and composed and decomposed spellings, make no difference to a search.
pub fn fold(text: &str) -> String {
    // The way through capitals joins what lower case alone keeps apart (ß and ss, ς and σ); the first step is for ẞ,
    // which is its own capital.
    let cased = text.nfc().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for c in cased {
        // İ becomes an i with a dot above, which the i has already.
        if c != '\u{307}' || !folded.ends_with('i') {
            folded.push(c);
        }
    }
    folded.nfc().collect()
}

/// The form of an e-mail address that is unique in a tenant. It is stored, so it does not follow [`fold`]; and ß and ss
/// are two letters in the name of a mailbox or a domain. The domain is written as the internet's servers do, in ASCII.
pub fn email_key(email: &str) -> String {
    let key: String = email.trim().nfc().flat_map(char::to_lowercase).nfc().collect();
    match key.rsplit_once('@').and_then(|(mailbox, domain)| Some((mailbox, ascii_domain(domain)?))) {
        Some((mailbox, domain)) => format!("{mailbox}@{domain}"),
        None => key,
    }
}

/// Whether `email`, apart from blanks around it, is an address that mail can be sent to over the internet.
pub fn is_email(email: &str) -> bool {
    let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
    let trimmed: String = email.trim_matches(' ').nfc().collect();
    let Some((mailbox, domain)) = trimmed.rsplit_once('@') else { return false };
    // In ASCII: the letters of some scripts, such as Thai, are written with marks that are letters of no kind.
    let Some(domain) = ascii_domain(domain) else { return false };
    let address = format!("{mailbox}@{domain}");
    trimmed.len() <= 254 && !trimmed.contains('"') && EmailAddress::parse_with_options(&address, options).is_ok()
}

/// The name of a domain in ASCII, if it is one. The parser of URLs, which knows them, would also take escapes.
fn ascii_domain(domain: &str) -> Option<String> {
    match Host::parse(domain).ok().filter(|_| !domain.contains('%'))? {
        Host::Domain(name) => Some(name),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_as_mail_servers_would() {
        let scripts = ["ก@ที่นี่.ไทย", "क@हिन्दी.भारत"];
        for good in
            ["a@b.kr", "Kim.Chulsoo+x@hallym.ac.kr", " a@b.kr ", "김@한림.kr", "rené@café.fr"].iter().chain(&scripts)
        {
            assert!(is_email(good), "{good}");
            assert!(is_email(&good.nfd().collect::<String>()), "{good}, decomposed");
        }
        let long = format!("{}@b.kr", "x".repeat(400));
        for bad in
            ["", "not-an-email", "a@", "@b.kr", "a@b", "a@b.kr\r\nBcc: c@d.kr", "A <a@b.kr>", "a@[127.0.0.1]", &long]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn a_domain_is_the_same_in_either_spelling() {
        for (spelled, ascii) in [("김@한림.KR", "김@xn--4y2b581c.kr"), ("A@ＡＢ.kr", "a@ab.kr"), ("x", "x")] {
            assert_eq!(email_key(spelled), ascii);
            assert_eq!(email_key(ascii), ascii);
        }
        for bad in ["a@b%2ekr", "a@1.2.3.4", "a@b.kr/c", "a@b.kr:25"] {
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
        assert_ne!(email_key("a@straße.de"), email_key("a@strasse.de"));
    }

    #[test]
    fn letter_case_makes_no_difference_to_a_search() {
        for (one, other) in [
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("İSTANBUL", "istanbul"),
            ("ﬁn", "FIN"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("é"), fold("e"));
    }

    #[test]
    fn what_is_folded_stays_as_it_is() {
        let marks = ["", "\u{307}", "\u{307}\u{307}", "\u{323}\u{307}", "\u{307}\u{301}", "\u{345}\u{301}"];
        let has_case = |c: &char| !c.to_lowercase().eq([*c]) || !c.to_uppercase().eq([*c]);
        for c in (0..=0x10_ffff).filter_map(char::from_u32).filter(has_case) {
            for text in marks.map(|marks| format!("{c}{marks}")) {
                let folded = fold(&text);
                assert_eq!(fold(&folded), folded, "{text:?}");
            }
            let text = c.to_string();
            assert_eq!(fold(&text.to_lowercase()), fold(&text), "{c:?}");
        }
    }

    #[test]
    fn line_ends_are_text_and_other_controls_are_not() {
        assert_eq!(forbidden_control("a\tb\r\nc"), None);
        assert_eq!(forbidden_control("a\u{0}b"), Some('\u{0}'));
        assert_eq!(forbidden_control("a\u{85}b"), Some('\u{85}'));
    }
}
