//! How an entry gets into the list on a PostgreSQL server.
//!
//! The entry, its notification and the end of the transaction are one message, because each message is a way to the
//! server and back. The driver leaves Nagle's algorithm on and sends a message of more than one TLS record in pieces, of
//! which the second waits for 40 ms; so long entries are cut into parts.

use crate::key_pool::{Entry, Moment};

/// A TLS record holds 16,384 bytes, of which the text around a part takes some.
const MESSAGE: usize = 15_600;

/// The statements that append an entry and end the transaction, to be run one after the other. The first returns no row
/// if the number of the entry is not the next: then nothing was changed, and the rest must not be run.
pub(super) fn statements(entry: &Entry, now: Moment, call: Option<&(String, String)>) -> Vec<String> {
    let notify =
        call.map_or_else(|| "1".to_owned(), |(channel, payload)| format!("pg_notify('{channel}', '{payload}')::text"));
    let (first, mut rest) = part(&entry.data, MESSAGE.saturating_sub(notify.len()));
    let (version, whole, at) = (entry.version, u8::from(entry.whole), now.micros());
    let mut statements = vec![format!(
        "WITH entry AS ( \
            INSERT INTO mt_key_pool (version, part, whole, at, data) SELECT {version}, 0, {whole}, {at}, {first} \
            WHERE {version} = (SELECT coalesce(max(version), 0) + 1 FROM mt_key_pool) RETURNING version \
        ), gone AS ( \
            DELETE FROM mt_key_pool WHERE {whole} = 1 AND version < (SELECT version FROM entry) \
        ) SELECT {notify} FROM entry"
    )];
    while !rest.is_empty() {
        let (next, later) = part(rest, MESSAGE);
        let number = statements.len();
        statements.push(format!(
            "INSERT INTO mt_key_pool (version, part, whole, at, data) \
            VALUES ({version}, {number}, {whole}, {at}, {next}) RETURNING part"
        ));
        rest = later;
    }
    if let Some(last) = statements.last_mut() {
        last.push_str("; COMMIT");
    }
    statements
}

/// Takes as much text as fits, quoted.
fn part(data: &str, room: usize) -> (String, &str) {
    let mut quoted = String::with_capacity(room.min(data.len()) + 8);
    quoted.push('\'');
    for (at, letter) in data.char_indices() {
        if quoted.len() + letter.len_utf8() > room {
            quoted.push('\'');
            return (quoted, &data[at..]);
        }
        if letter == '\'' {
            quoted.push('\'');
        }
        quoted.push(letter);
    }
    quoted.push('\'');
    (quoted, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(data: String) -> Entry {
        Entry { version: 7, whole: false, data }
    }

    #[test]
    fn a_message_fits_a_record_whatever_it_says() {
        let call = ("mt_key_pool_0123456789abcdef".to_owned(), "9".repeat(7_920));
        for text in ["x", "'", "한", "''한"] {
            for call in [None, Some(&call)] {
                let statements = statements(&entry(text.repeat(40_000)), Moment::from_micros(i64::MAX), call);
                assert!(statements.len() > 2);
                assert!(statements.iter().all(|statement| statement.len() < 16_300), "{text}");
                assert_eq!(statements.iter().filter(|statement| statement.ends_with("; COMMIT")).count(), 1);
            }
        }
    }

    #[test]
    fn what_is_short_is_one_message_and_quotes_stay_inside() {
        let statements = statements(&entry(r"it's; DROP TABLE x --\'".to_owned()), Moment::default(), None);
        assert_eq!(statements.len(), 1);
        assert!(statements[0].contains(r"'it''s; DROP TABLE x --\'''"), "{statements:?}");
    }
}
