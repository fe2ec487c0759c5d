//! Whatever comes, in whatever pieces.

use std::io::Write;

use crate::redact::{MARK, Redactor};
use crate::secret::Secret;

const ROUNDS: usize = 300;

/// Small and repeatable; a failure names its round.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Pieces that rules react to, secrets and punctuation among them.
const PIECES: &[&str] = &[
    "password",
    "=",
    ":",
    ": ",
    "\"",
    "\\\"",
    "'",
    " ",
    "\n",
    ",",
    ";",
    "&",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "hunter2",
    "api_key",
    "토큰",
    "비밀번호",
    "sk-proj-Abc123def456ghi789jkl",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "Bearer ",
    "abcdef123",
    "https://",
    "u:p@h",
    "@a.kr",
    "/",
    "?token=",
    "#",
    "-----BEGIN PRIVATE KEY-----",
    "MIIE",
    "-----END PRIVATE KEY-----",
    "\\n",
    "\\u0061",
    "%41",
    "known secret",
    "a25vd24gc2VjcmV0",
    "&#107;",
    "\\",
    "\\\\",
    "true",
    "null",
    "12",
    "\u{1b}[3m",
    "Some(",
    "cookie",
    "Authorization",
    "x",
    "max_tokens",
    "name",
    "value",
    "[redacted]",
    "Basic dXNlcjpwYXNz",
    "\"password\":\"",
    "{\"a\":",
    "%",
    "AKIAIOSFODNN7EXAMPLE",
];

fn redactors() -> [Redactor; 2] {
    [Redactor::default(), Redactor::builder().emails().secret(&Secret::from("known secret")).name("hunter").build()]
}

fn random(dice: &mut Dice, pieces: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..dice.below(pieces) {
        match dice.below(20) {
            0 => text.push(dice.below(256) as u8),
            _ => text.extend_from_slice(PIECES[dice.below(PIECES.len())].as_bytes()),
        }
    }
    text
}

fn cut(dice: &mut Dice, text: &[u8], mut write: impl FnMut(&[u8])) {
    let mut rest = text;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(1 + dice.below(rest.len().min(12)));
        write(now);
        rest = later;
    }
}

#[test]
fn a_text_cut_anywhere_becomes_what_the_whole_becomes() {
    let mut dice = Dice(20_261_121);
    for round in 0..ROUNDS {
        let text = random(&mut dice, 40);
        for redactor in redactors() {
            let mut writer = redactor.text_writer(Vec::new());
            cut(&mut dice, &text, |piece| writer.write_all(piece).unwrap());
            let shown = String::from_utf8_lossy(&text).into_owned();
            assert_eq!(
                String::from_utf8_lossy(&writer.finish().unwrap()),
                String::from_utf8_lossy(&redactor.bytes(&text)),
                "round {round}: {shown}"
            );
            let mut writer = redactor.json_writer(Vec::new());
            cut(&mut dice, &text, |piece| writer.write_all(piece).unwrap());
            assert_eq!(
                String::from_utf8_lossy(&writer.finish().unwrap()),
                String::from_utf8_lossy(&redactor.json_bytes(&text)),
                "JSON, round {round}: {shown}"
            );
        }
    }
}

#[test]
fn redacting_again_changes_nothing() {
    let mut dice = Dice(42);
    for round in 0..ROUNDS {
        let text = random(&mut dice, 24);
        for redactor in [Redactor::default(), Redactor::builder().secret(&Secret::from("known secret")).build()] {
            let once = redactor.bytes(&text);
            let shown = (String::from_utf8_lossy(&text).into_owned(), String::from_utf8_lossy(&once).into_owned());
            assert_eq!(String::from_utf8_lossy(&redactor.bytes(&once)), shown.1, "round {round}: {}", shown.0);
        }
    }
}

#[test]
fn a_canary_never_survives() {
    let canary = "C4nary-7f3a9b1c5e";
    let key = "sk-C4nary7f3a9b1c5e00";
    let redactor = Redactor::builder().secret(&Secret::from(canary)).build();
    let mut dice = Dice(7);
    for round in 0..ROUNDS {
        let (mut before, after) = (random(&mut dice, 12), random(&mut dice, 12));
        if before.last().is_some_and(u8::is_ascii_alphanumeric) {
            before.push(b' ');
        }
        for secret in [canary, key] {
            let text = [before.as_slice(), secret.as_bytes(), &after].concat();
            for shown in [redactor.bytes(&text).into_owned(), redactor.json_bytes(&text)] {
                let shown = String::from_utf8_lossy(&shown);
                assert!(
                    !shown.contains(&secret[3..]),
                    "round {round}: {} became {shown}",
                    String::from_utf8_lossy(&text)
                );
            }
        }
    }
}

#[test]
fn json_of_any_kind_stays_json_and_equals_the_redacted_tree() {
    let redactor = Redactor::default();
    let mut dice = Dice(99);
    let mut changed = 0;
    for round in 0..ROUNDS {
        let mut value = tree(&mut dice, 4);
        let before = value.clone();
        let (plain, pretty) = (value.to_string(), serde_json::to_string_pretty(&value).unwrap());
        redactor.json(&mut value);
        changed += usize::from(value != before);
        for text in [plain, pretty] {
            let shown = redactor.json_text(&text);
            let read: serde_json::Value =
                serde_json::from_str(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
            assert_eq!(read, value, "round {round}: {text}");
        }
    }
    assert!(changed > ROUNDS / 10, "{changed}");
}

fn tree(dice: &mut Dice, depth: usize) -> serde_json::Value {
    let names = ["password", "n", "max_tokens", "api_keys", "비밀번호", "text", "list", "credentials", "id"];
    match dice.below(if depth == 0 { 4 } else { 7 }) {
        0 => serde_json::Value::Null,
        1 => serde_json::Value::from(dice.below(1000)),
        2 | 3 => serde_json::Value::from(String::from_utf8_lossy(&random(dice, 6)).into_owned()),
        4 => serde_json::Value::from(tree(dice, depth - 1).to_string()),
        5 => (0..dice.below(4)).map(|_| tree(dice, depth - 1)).collect(),
        _ => {
            let members =
                (0..dice.below(5)).map(|_| (names[dice.below(names.len())].to_owned(), tree(dice, depth - 1)));
            serde_json::Value::Object(members.collect())
        }
    }
}

#[test]
fn what_is_held_back_has_a_bound() {
    let redactor = Redactor::default();
    let mut held = Vec::new();
    for text in [
        "x".repeat(1 << 20),
        "eyJ".repeat(1 << 18),
        "password=".repeat(1 << 16),
        "https://".repeat(1 << 16),
        "\\".repeat(1 << 18),
    ] {
        let mut out = CountingWriter::default();
        let mut writer = redactor.text_writer(&mut out);
        writer.write_all(text.as_bytes()).unwrap();
        drop(writer);
        held.push((out.0, text.len()));
    }
    // A password goes on to the next blank, so nothing of it is ever written.
    for (index, (written, length)) in held.iter().enumerate().filter(|(index, _)| *index != 2) {
        assert!(length - written < 8 * 1024, "text {index}: {written} of {length}");
    }
}

#[derive(Default)]
struct CountingWriter(usize);

impl Write for &mut CountingWriter {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        self.0 += piece.len();
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn long_strings_of_json_are_cut_nowhere_that_is_seen() {
    let redactor = Redactor::default();
    let long = "abc ".repeat(600_000);
    for name in ["text", "password"] {
        let text =
            format!("{{\"a\":1,\"{name}\":\"{long}sk-proj-Abc123def456ghi789jkl \\\" x\",\"b\":\"Bearer abc123456\"}}");
        let whole = redactor.json_text(&text);
        let mut writer = redactor.json_writer(Vec::new());
        text.as_bytes().chunks(100_003).for_each(|piece| writer.write_all(piece).unwrap());
        assert!(writer.finish().unwrap() == whole.as_bytes(), "{name}");
        let shown = if name == "text" { format!("{long}{MARK} \\\" x") } else { MARK.to_owned() };
        assert!(whole == format!("{{\"a\":1,\"{name}\":\"{shown}\",\"b\":\"Bearer {MARK}\"}}"), "{name}");
    }
}
