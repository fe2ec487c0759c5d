//! What people are told: the one home of these texts.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::auth::LinkPurpose;
use crate::ids::{TenantId, UserId};
use crate::period::Zone;
use crate::secret::Secret;
use crate::text::is_unseen;

/// Characters of a name that a message repeats.
const NAME: usize = 60;

/// A one-time link on its way to somebody. The text is in Korean and in English, because nobody knows yet which of both
/// they read.
#[derive(Clone)]
pub struct Message {
    /// The link's name in lists and log lines.
    pub link_id: Uuid,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Whose password it sets.
    pub tenant: TenantId,
    /// Whose password it sets.
    pub user: UserId,
    /// Where the message goes.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// Which service sends it.
    pub service: String,
    /// What people call the tenant, if it has a name.
    pub tenant_name: Option<String>,
    /// The whole address of the page that sets the password.
    pub link: Secret<String>,
    /// When the link ends.
    pub expires_at: DateTime<Utc>,
    /// Where the tenant's days begin and end.
    pub zone: Zone,
}

impl Message {
    /// What it is about, in one line.
    pub fn subject(&self) -> String {
        let service = harmless(&self.service);
        match self.purpose {
            LinkPurpose::Welcome => format!("[{service}] 비밀번호를 설정해 주세요 / Set your password"),
            LinkPurpose::Reset => format!("[{service}] 비밀번호 재설정 / Reset your password"),
        }
    }

    /// The message, as plain text.
    pub fn text(&self) -> Secret<String> {
        let [name, service] = [&self.name, &self.service].map(|text| harmless(text));
        let place = self.tenant_name.as_deref().map(harmless).filter(|name| !name.is_empty());
        let of = place.map(|place| format!(" ({place})")).unwrap_or_default();
        let link = self.link.expose();
        let end = self.zone.minute(self.expires_at);
        let (ko, en, ko_why, en_why) = match self.purpose {
            LinkPurpose::Welcome => (
                format!(
                    "{service}{of} 계정이 준비되었습니다. 아래 주소에서 비밀번호를 설정하면 바로 이용할 수 있습니다."
                ),
                format!("Your account at {service}{of} is ready. Set your password here to begin:"),
                "이 메일을 예상하지 못했다면 무시해도 됩니다.",
                "If you did not expect this message, you can ignore it.",
            ),
            LinkPurpose::Reset => (
                format!(
                    "{service}{of} 계정의 비밀번호를 다시 설정해 달라는 요청을 받았습니다. 아래 주소에서 새 비밀번호를 정해 주세요."
                ),
                format!(
                    "Somebody asked to reset the password of your account at {service}{of}. Choose a new one here:"
                ),
                "요청하지 않았다면 무시해도 됩니다. 비밀번호는 바뀌지 않습니다.",
                "If it was not you, you can ignore this message: your password stays as it is.",
            ),
        };
        Secret::new(format!(
            "{name} 님, 안녕하세요.\n\n{ko}\n\n{link}\n\n\
             이 주소는 {end}까지 한 번만 쓸 수 있습니다. {ko_why}\n\
             {service}에서는 메일로 비밀번호를 묻지 않습니다.\n\n\
             ----\n\n\
             Hello {name},\n\n{en}\n\n{link}\n\n\
             The address works once, until {end}. {en_why}\n\
             {service} never asks for a password by mail.\n"
        ))
    }
}

/// A name as it may stand in a message. Whoever chose it may be a stranger: it is one line, not long, and nothing of it
/// becomes a link in a mail program.
fn harmless(name: &str) -> String {
    let seen: String =
        name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_unseen(*c)).collect();
    let one_line: String = seen.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let mut harmless = String::new();
    let mut characters = one_line.chars().take(NAME).peekable();
    while let Some(character) = characters.next() {
        // A dot before a blank is an abbreviation, one inside of a word may make it an address.
        let inside = characters.peek().is_some_and(|next| *next != ' ');
        match character {
            '.' if inside => harmless.push_str(". "),
            '/' | '\\' | ':' | '@' | '<' | '>' => harmless.push(' '),
            other => harmless.push(other),
        }
    }
    if one_line.chars().count() > NAME {
        harmless.push('…');
    }
    harmless.trim().to_owned()
}

/// Says nothing of the link, or of whom it is for.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("link_id", &self.link_id)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn message(name: &str) -> Message {
        Message {
            link_id: Uuid::nil(),
            purpose: LinkPurpose::Welcome,
            tenant: "hallym_univ".parse().unwrap(),
            user: "u1".parse().unwrap(),
            email: "kim@example.com".to_owned(),
            name: name.to_owned(),
            service: "advisor".to_owned(),
            tenant_name: Some("한림대학교".to_owned()),
            link: "https://ai.example.com/set-password/CANARY".into(),
            expires_at: "2026-11-24T15:00:00Z".parse().unwrap(),
            zone: "Asia/Seoul".parse().unwrap(),
        }
    }

    #[test]
    fn both_languages_say_who_sends_what_to_do_and_until_when() {
        let welcome = message("김철수");
        let reset = Message { purpose: LinkPurpose::Reset, tenant_name: None, ..message("김철수") };
        for message in [&welcome, &reset] {
            let text = message.text().expose().clone();
            let (korean, english) = text.split_once("----").unwrap();
            for half in [korean, english] {
                assert!(half.contains("김철수") && half.contains("advisor"), "{half}");
                assert_eq!(half.matches("https://ai.example.com/set-password/CANARY").count(), 1);
                assert!(half.contains("2026-11-25 00:00 KST"), "{half}");
            }
            assert!(!english.contains("님") && korean.contains("비밀번호"));
        }
        assert!(welcome.text().expose().contains("advisor (한림대학교)"));
        assert!(!reset.text().expose().contains("()"));
        assert_ne!(welcome.subject(), reset.subject());
    }

    #[test]
    fn a_name_brings_neither_lines_nor_links() {
        for (name, shown) in [
            ("Dr. J. Kim", "Dr. J. Kim"),
            ("김철수 \r\nBcc: all@evil.example", "김철수 Bcc all evil. example"),
            ("Win https://evil.example/x now", "Win https evil. example x now"),
            ("www.evil.com", "www. evil. com"),
            ("a\u{202e}b\u{200b}\u{1b}[31m", "ab[31m"),
            ("<b>x</b>", "b x b"),
        ] {
            assert_eq!(harmless(name).split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), shown);
        }
        assert_eq!(harmless(&"가".repeat(100)).chars().count(), 61);
        let text = message("x\r\n\r\nhttps://evil.example").text().expose().clone();
        assert_eq!(text.matches("https://").count(), 2);
        assert_eq!(message("Kim").subject().lines().count(), 1);
    }

    #[test]
    fn nothing_of_a_message_is_printed_by_chance() {
        let shown = format!("{:?}", message("Kim"));
        assert!(!shown.contains("CANARY") && !shown.contains("kim@"), "{shown}");
    }
}
