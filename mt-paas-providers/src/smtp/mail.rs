//! A message as mail.

use std::fmt::Display;

use lettre::address::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message as Composed};
use mt_paas_core::Secret;
use mt_paas_core::auth::Message;
use mt_paas_core::text::is_email;
use unicode_normalization::UnicodeNormalization;
use url::Host;
use uuid::Uuid;

use super::InvalidSmtp;
use super::fault::Fault;

/// Whom mail is from.
pub(super) struct Sender(Mailbox);

/// A message that is ready to be sent.
pub(super) struct Mail {
    pub(super) to: Address,
    /// Headers and text, with the link.
    pub(super) content: Secret<Vec<u8>>,
}

impl Sender {
    /// Reads an address, or `name <address>`.
    pub(super) fn new(from: &str) -> Result<Self, InvalidSmtp> {
        let wrong = InvalidSmtp("the sender of mail must be an address, or a name and <an address>");
        if from.chars().any(char::is_control) {
            return Err(wrong);
        }
        let Mailbox { name, email } = from.trim().parse().map_err(|_| wrong)?;
        let email = address(email.as_ref()).ok_or(wrong)?;
        // Every server would have to take such addresses, whoever the mail is for.
        if !email.user().is_ascii() {
            return Err(InvalidSmtp("the sender of mail must be ASCII before the @"));
        }
        Ok(Self(Mailbox::new(name, email)))
    }

    pub(super) fn address(&self) -> &Address {
        &self.0.email
    }
}

impl Mail {
    /// Writes `message` down. The person's name stands in the text alone, where it is made harmless.
    pub(super) fn new(sender: &Sender, message: &Message) -> Result<Self, Fault> {
        let to = address(&message.email).ok_or(Fault::NoAddress)?;
        // Another try is another mail: it holds another link.
        let (random, ..) = Uuid::new_v4().as_fields();
        let id = format!("<{}.{random:08x}@{}>", message.link_id, sender.address().domain());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let composed = Composed::builder()
            .from(sender.0.clone())
            .to(Mailbox::new(None, to.clone()))
            .date_now()
            .message_id(Some(id))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .subject(message.subject())
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            .body(message.text().expose().clone())
            .map_err(|_| Fault::NotWritten)?;
        Ok(Self { to, content: Secret::new(composed.formatted()) })
    }

    /// Whether the server has to know SMTPUTF8 (RFC 6531).
    pub(super) fn is_international(&self) -> bool {
        !AsRef::<str>::as_ref(&self.to).is_ascii()
    }
}

/// An address as servers know it. Its domain is in ASCII unless the rest is not either: every server on the way can take
/// that, and only some the other.
fn address(text: &str) -> Option<Address> {
    let text: String = text.trim_matches(' ').nfc().collect();
    let (user, domain) = text.rsplit_once('@').filter(|_| is_email(&text))?;
    let checked = |domain: &dyn Display| Address::new(user, domain.to_string()).ok();
    match Host::parse(domain).ok()? {
        Host::Domain(_) if !user.is_ascii() => checked(&domain),
        Host::Domain(ascii) => checked(&ascii),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_written_in_ascii_where_that_is_enough() {
        let written = |text| address(text).map(|address| address.to_string());
        // As the codec `idna` of Python 3.11 writes it.
        assert_eq!(written("kim@한림.kr").unwrap(), "kim@xn--4y2b581c.kr");
        assert_eq!(written("kim@\u{1112}\u{1161}\u{11ab}\u{1105}\u{1175}\u{11b7}.kr").unwrap(), "kim@xn--4y2b581c.kr");
        assert_eq!(written(" 김@한림.kr ").unwrap(), "김@한림.kr");
        assert_eq!(written("\u{1100}\u{1175}\u{11b7}@한림.kr").unwrap(), "김@한림.kr");
        assert_eq!(written("Kim.C+x@Hallym.ac.kr").unwrap(), "Kim.C+x@hallym.ac.kr");
        for bad in
            ["", "kim", "kim@", "a@b.kr\r\nBcc: c@d.kr", "A <a@b.kr>", "a@[127.0.0.1]", "a@1.2.3.4", "\"a\"@b.kr"]
        {
            assert!(written(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for (from, address) in [
            ("noreply@hallym.ac.kr", "noreply@hallym.ac.kr"),
            ("한림대학교 <noreply@한림.kr>", "noreply@xn--4y2b581c.kr"),
            ("\"Kim, C.\" <a@b.kr>", "a@b.kr"),
        ] {
            assert_eq!(Sender::new(from).unwrap().address().to_string(), address, "{from}");
        }
        for bad in ["", "canary", "canary <>", "a@b.kr\r\nBcc: canary@d.kr", "a@b.kr, canary@d.kr", "canary김@b.kr"] {
            let error = Sender::new(bad).err().unwrap_or_else(|| panic!("{bad}"));
            assert!(!format!("{error:?} {error}").contains("canary"), "{bad}");
        }
    }
}
