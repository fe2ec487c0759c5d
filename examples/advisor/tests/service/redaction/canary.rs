//! Secrets that are easy to find again.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Every secret begins and ends with these.
const MARKS: [&str; 2] = ["Kq7Canry", "Zw4Yrnac"];
/// How many sorts of texts there are.
pub(super) const SORTS: usize = 8;

/// A secret, and a text by which it can be known as one.
#[derive(Clone)]
pub(super) struct Canary {
    pub(super) secret: String,
    pub(super) text: String,
}

/// Something that should not be there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) place: &'static str,
    pub(super) encoding: &'static str,
    pub(super) around: String,
}

/// A way to write bytes.
pub(super) type Encode = fn(&[u8]) -> Vec<u8>;

/// The nine of X13.
pub(super) const ENCODINGS: [(&str, Encode); 9] = [
    ("raw", <[u8]>::to_vec),
    ("percent", |text| each(text, |byte| format!("%{byte:02X}"))),
    ("base64", |text| STANDARD.encode(text).into_bytes()),
    ("base64url", |text| URL_SAFE_NO_PAD.encode(text).into_bytes()),
    ("hex, lower", |text| each(text, |byte| format!("{byte:02x}"))),
    ("hex, upper", |text| each(text, |byte| format!("{byte:02X}"))),
    ("JSON", |text| each(text, |byte| format!("\\u00{byte:02x}"))),
    ("HTML", |text| each(text, |byte| format!("&#{byte};"))),
    ("UTF-16", |text| text.iter().flat_map(|byte| [*byte, 0]).collect()),
];

fn each(text: &[u8], form: fn(u8) -> String) -> Vec<u8> {
    text.iter().flat_map(|byte| form(*byte).into_bytes()).collect()
}

/// So many different ones, of all sorts in turn; the same ones for the same `first` number.
pub(super) fn canaries(count: usize, first: usize) -> Vec<Canary> {
    (first..first + count).map(canary).collect()
}

fn canary(number: usize) -> Canary {
    // Digits that look like chance.
    let mixed = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let secret = format!("{}{mixed:016x}{number:06}{}", MARKS[0], MARKS[1]);
    let text = match number % SORTS {
        0 => format!("sk-proj-{secret}"),
        1 => format!("mtp_live_{secret}"),
        2 => format!("AIza{secret}"),
        3 => format!("ghp_{secret}"),
        4 => format!("eyJhbGciOiJIUzI1NiJ9.{secret}.c2lnbmF0dXJl"),
        5 => format!("Bearer {secret}"),
        6 => format!("https://kim:{secret}@db.example"),
        _ => format!("{{\"password\":\"{secret}\"}}"),
    };
    Canary { secret, text }
}

/// The marks in `bytes`, in any encoding, also where those were escaped by a client, a log or a table.
pub(super) fn found(place: &'static str, bytes: &[u8]) -> Vec<Seen> {
    let without = ["\0", "\\0", "\\u{0}", "\\u0000", "\\x00", "%00"];
    let text = String::from_utf8_lossy(bytes);
    let plain = without.iter().fold(text.clone().into_owned(), |text, escape| text.replace(escape, ""));
    let utf16 = if plain == text { None } else { Some(plain) };
    let once = needles().into_iter().flat_map(|(encoding, needle)| seen(place, encoding, &text, &needle));
    let raw = MARKS.iter().map(|mark| (*mark).to_owned());
    let all =
        once.chain(raw.flat_map(|mark| {
            utf16.iter().flat_map(move |text| seen(place, "UTF-16", text, &mark)).collect::<Vec<_>>()
        }));
    all.take(10_000).collect()
}

/// All that may stand for a mark.
fn needles() -> Vec<(&'static str, String)> {
    let mut needles = Vec::new();
    for mark in MARKS {
        for (encoding, encode) in &ENCODINGS[..8] {
            let form = |text: &str| String::from_utf8_lossy(&encode(text.as_bytes())).into_owned();
            match *encoding {
                // What stands before decides how three bytes become four.
                "base64" => needles.extend((0..3).map(|offset| {
                    let (skipped, whole) = ((offset * 8_usize).div_ceil(6), (offset + mark.len()) * 8 / 6);
                    (*encoding, form(&format!("{}{mark}", &"xy"[..offset]))[skipped..whole].to_owned())
                })),
                "base64url" => {}
                "percent" => needles.extend([(*encoding, form(mark)), (*encoding, form(mark).to_lowercase())]),
                "JSON" => needles.extend([(*encoding, form(mark)), (*encoding, form(mark).replace("\\u00", "\\x"))]),
                _ => needles.push((*encoding, form(mark))),
            }
        }
    }
    needles
}

fn seen(place: &'static str, encoding: &'static str, text: &str, needle: &str) -> Vec<Seen> {
    let around = |at: usize| {
        let from = text.floor_char_boundary(at.saturating_sub(80));
        text[from..text.ceil_char_boundary((at + 160).min(text.len()))].to_owned()
    };
    text.match_indices(needle).map(|(at, _)| Seen { place, encoding, around: around(at) }).collect()
}
