//! Reads mail as a mail program does, as far as these tests need it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The value of a header, in one line and decoded.
pub(super) fn header(mail: &str, name: &str) -> Option<String> {
    let (headers, _) = mail.split_once("\r\n\r\n")?;
    let unfolded = headers.replace("\r\n ", " ").replace("\r\n\t", " ");
    let found: Vec<&str> = unfolded.split("\r\n").filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
    assert!(found.len() < 2, "{name} stands there {} times", found.len());
    found.first().map(|value| decoded_words(value))
}

/// The names of all headers.
pub(super) fn header_names(mail: &str) -> Vec<&str> {
    let headers = mail.split_once("\r\n\r\n").unwrap().0.split("\r\n");
    headers.filter(|line| !line.starts_with([' ', '\t'])).map(|line| line.split(':').next().unwrap()).collect()
}

/// The text of a mail.
pub(super) fn text(mail: &str) -> String {
    let body = mail.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(header(mail, "Content-Type").as_deref(), Some("text/plain; charset=utf-8"));
    assert_eq!(header(mail, "Content-Transfer-Encoding").as_deref(), Some("base64"));
    let encoded: String = body.split_whitespace().collect();
    String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap()
}

/// Decodes `=?utf-8?b?…?=` (RFC 2047); blanks between two of them do not count.
fn decoded_words(value: &str) -> String {
    let (mut decoded, mut bytes) = (String::new(), Vec::new());
    for part in value.split(' ').filter(|part| !part.is_empty()) {
        let word = part.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        match word {
            Some(word) => bytes.extend(BASE64_STANDARD.decode(word).unwrap()),
            None => {
                flush(&mut decoded, &mut bytes);
                decoded += &format!("{part} ");
            }
        }
    }
    flush(&mut decoded, &mut bytes);
    decoded.trim_end().to_owned()
}

fn flush(decoded: &mut String, bytes: &mut Vec<u8>) {
    if !bytes.is_empty() {
        let word = String::from_utf8(std::mem::take(bytes)).unwrap();
        *decoded += &format!("{word} ");
    }
}
