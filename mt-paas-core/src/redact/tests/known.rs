//! Secrets that were told, in every encoding.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::redact::{MARK, Redactor};
use crate::secret::Secret;

const SECRETS: [&str; 5] =
    ["hunter2-Zebra!", "correct horse battery", "a\"b\\c/d<e>&f'g", "열려라참깨123", "k%z41+y~?k%"];

fn redactor() -> Redactor {
    SECRETS.iter().fold(Redactor::builder(), |builder, secret| builder.secret(&Secret::from(*secret))).build()
}

/// Every way to write a secret, with its name.
fn encodings(secret: &str) -> Vec<(String, Vec<u8>)> {
    let each = |form: &dyn Fn(u8) -> String| secret.bytes().map(form).collect::<String>();
    let strict: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).unwrap();
    let mut found = vec![
        ("raw".to_owned(), secret.to_owned()),
        ("percent, all".to_owned(), each(&|byte| format!("%{byte:02X}"))),
        ("percent, lower".to_owned(), each(&|byte| format!("%{byte:02x}"))),
        ("percent, needed".to_owned(), strict.clone()),
        ("percent, twice".to_owned(), strict.replace('%', "%25")),
        ("hex, lower".to_owned(), each(&|byte| format!("{byte:02x}"))),
        ("hex, upper".to_owned(), each(&|byte| format!("{byte:02X}"))),
        ("json".to_owned(), json[1..json.len() - 1].to_owned()),
        ("json, all".to_owned(), secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()),
        ("json, upper".to_owned(), secret.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()),
        ("json in json".to_owned(), json[1..json.len() - 1].replace('\\', "\\\\").replace('"', "\\\"")),
        ("debug".to_owned(), format!("{secret:?}").trim_matches('"').to_owned()),
        (
            "html, named".to_owned(),
            secret.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;"),
        ),
        ("html, decimal".to_owned(), secret.chars().map(|c| format!("&#{};", c as u32)).collect()),
        ("html, hex".to_owned(), secret.chars().map(|c| format!("&#x{:X};", c as u32)).collect()),
    ];
    for offset in 0..3 {
        let text = format!("{}{secret}tail", &"xyz"[..offset]);
        found.push((format!("base64 at {offset}"), STANDARD.encode(&text)));
        found.push((format!("base64url at {offset}"), URL_SAFE_NO_PAD.encode(&text)));
    }
    let mut found: Vec<_> = found.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    found.push(("utf-16".to_owned(), secret.encode_utf16().flat_map(u16::to_le_bytes).collect()));
    found
}

#[test]
fn a_known_secret_is_found_in_every_encoding() {
    let redactor = redactor();
    for secret in SECRETS {
        for (name, form) in encodings(secret) {
            let before: &[u8] = if name.starts_with("utf") { b"says " } else { b"says: \xea\xb0\x80" };
            let text = [before, &form, b" end"].concat();
            let found = redactor.bytes(&text);
            let shown = String::from_utf8_lossy(&found);
            assert!(
                found.starts_with(before) && found.ends_with(b" end") && shown.contains(MARK),
                "{secret}, {name}: {shown}"
            );
            // Around base64 stand the bytes before and behind.
            let kept = found.len() - before.len() - 4 - MARK.len();
            assert!(kept == 0 || name.starts_with("base64") && kept <= 10, "{secret}, {name}: {shown}");
            assert_eq!(Redactor::default().bytes(&text).as_ref(), text, "not by a built-in rule: {name}");
        }
    }
}

#[test]
fn a_known_secret_goes_whole_where_other_rules_would_leave_a_part() {
    let redactor = redactor();
    assert_eq!(redactor.text("password=correct horse battery x"), "password=[redacted] x");
    assert_eq!(redactor.text("password=\"x correct horse\" battery"), "password=\"[redacted]\" battery");
    assert_eq!(redactor.json_text(r#"{"a":"correct hor\u0073e battery"}"#), r#"{"a":"[redacted]"}"#);
}

#[test]
fn what_is_too_short_to_be_told_from_a_word_is_ignored() {
    let redactor = Redactor::builder().secret(&Secret::from("short")).build();
    assert_eq!(redactor.text("a short word"), "a short word");
}
