//! Secrets of known shapes, in every encoding.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::redact::{MARK, Redactor};
use crate::secret::Secret;

const SECRETS: [&str; 6] = [
    "sk-proj-Abc123def456ghi789jkl",
    "mtp_live_0123456789abcdefghijABCDEFGHIJ01abcdef",
    "Bearer AbCdEf123456~x",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "{\"password\":\"hunter2\"}",
    "https://kim:hunter2@a.kr",
];

fn encodings(secret: &str) -> [(&'static str, String); 10] {
    let bytes = |text: &[u8], form: &dyn Fn(u8) -> String| text.iter().map(|byte| form(*byte)).collect::<String>();
    let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [
        ("percent", bytes(secret.as_bytes(), &|byte| format!("%{byte:02x}"))),
        ("percent, twice", bytes(secret.as_bytes(), &|byte| format!("%25{byte:02X}"))),
        ("base64", STANDARD.encode(secret)),
        ("base64url", URL_SAFE_NO_PAD.encode(secret)),
        ("hex", hex::encode(secret)),
        ("hex, upper", hex::encode_upper(secret)),
        ("json", secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()),
        ("html", secret.chars().map(|c| format!("&#{};", c as u32)).collect()),
        ("utf-16", bytes(&utf16, &|byte| format!("%{byte:02X}"))),
        ("utf-16, base64", STANDARD.encode(&utf16)),
    ]
}

#[test]
fn a_short_text_of_somebody_else_is_seen_through() {
    let redactor = Redactor::default();
    for secret in SECRETS {
        for (name, form) in encodings(secret) {
            for text in [form.clone(), format!("{form}\\"), format!("x:{form},")] {
                assert!(redactor.holds_secret(&text), "{secret}, {name}: {text}");
            }
            for (url, shown) in [
                (format!("/mt/tenant/{form}/stats"), format!("/mt/tenant/{MARK}/stats")),
                (format!("/x?page=2&q={form}"), format!("/x?page=2&q={MARK}")),
                (format!("/x?{form}"), format!("/x?{MARK}")),
            ] {
                // In a query these end a pair.
                if !form.contains(['&', '#']) {
                    assert_eq!(redactor.url(&url), shown, "{secret}, {name}");
                }
            }
        }
    }
}

#[test]
fn a_secret_with_slashes_is_found_across_segments() {
    let redactor = Redactor::default();
    let slashes = STANDARD.encode("password=???>>>???>>>hunter2");
    assert!(slashes.contains('/'));
    assert_eq!(redactor.url(&format!("/a/{slashes}/b")), format!("/a/{MARK}/b"));
    assert_eq!(redactor.url("/a/h%00t%00t%00p%00:%00/%00/%00k%00:%00p%00@%00h%00/b"), MARK);
    assert_eq!(redactor.url("/a/http:%2F/k:p@h"), MARK);
}

#[test]
fn a_known_secret_is_found_below_two_encodings() {
    let redactor = Redactor::builder().secret(&Secret::from("열려라참깨-123")).build();
    let text = hex::encode(STANDARD.encode("x 열려라참깨-123"));
    assert!(redactor.holds_secret(&hex::encode(&text)) && !Redactor::default().holds_secret(&text));
}

#[test]
fn ids_hashes_and_words_stay() {
    let redactor = Redactor::default();
    for id in [
        "",
        "=",
        "%",
        "%zz",
        "hallym_univ",
        "018f3c5a-7b1e-7c43-9b2a-3f1d2e4c5b6a",
        "018f3c5a7b1e7c439b2a3f1d2e4c5b6a",
        "f4909a9d1c2b3a4f5e6d7c8b9a0f1e2d3c4b5a69",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "%ED%95%9C%EB%A6%BC%EB%8C%80%ED%95%99%EA%B5%90",
        "aGVsbG8gd29ybGQsIHRoaXMgaXMgYSBub3RlLg==",
        "2026-11-21T09:41:52.123456Z",
        "kim@hallym.ac.kr",
        "conversation_history_export",
        "max_tokens=100",
    ] {
        assert!(!redactor.holds_secret(id), "{id}");
        assert_eq!(redactor.url(&format!("/mt/tenant/{id}/users")), format!("/mt/tenant/{id}/users"));
    }
    for path in ["/", "//", "/mt/tenant/a/users/b/files/c/d/e/f/g/h/i/j/k/l/m", "http://a.kr/b?c=%41&d#e"] {
        assert_eq!(redactor.url(path), path);
    }
}
