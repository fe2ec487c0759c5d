//! Lines of a log.

use std::io::{self, Write};

use super::Redactor;

/// Everything that is written until this is dropped is one event, and becomes one harmless line of the log: without
/// secrets, and with control characters and those that change the direction of writing spelled out.
///
/// It is written with a single call, so that lines of several threads do not mix. A failure to write has nowhere to go and
/// is ignored.
pub struct LogLine<W: Write> {
    redactor: Redactor,
    event: Vec<u8>,
    inner: W,
}

impl<W: Write> LogLine<W> {
    pub(super) fn new(redactor: Redactor, inner: W) -> Self {
        Self { redactor, event: Vec::new(), inner }
    }
}

impl<W: Write> Write for LogLine<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.event.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Drop for LogLine<W> {
    fn drop(&mut self) {
        if self.event.is_empty() {
            return;
        }
        let event = self.event.strip_suffix(b"\n").unwrap_or(&self.event);
        let mut line = spelled_out(&self.redactor.bytes(event));
        line.push(b'\n');
        let _ = self.inner.write_all(&line).and_then(|()| self.inner.flush());
    }
}

/// One line that a terminal shows as it is.
fn spelled_out(text: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(text.len() + 1);
    // These bytes alone can belong to one of the characters.
    let harmless = |byte: u8| (byte >= b' ' || byte == b'\t') && !matches!(byte, 0x7f | 0xc2 | 0xd8 | 0xe2 | 0xef);
    if text.iter().all(|byte| harmless(*byte)) {
        line.extend_from_slice(text);
        return line;
    }
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\t' => line.push(b'\t'),
                c if c.is_control() || misleads(c) => line.extend(c.escape_default().collect::<String>().bytes()),
                c => line.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        line.extend(chunk.invalid().iter().flat_map(|byte| format!("\\x{byte:02x}").into_bytes()));
    }
    line
}

/// Whether a character changes the direction of writing, ends a line, or is not seen.
fn misleads(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pieces: &[&str]) -> String {
        let mut out = Vec::new();
        let mut line = Redactor::default().log_line(&mut out);
        pieces.iter().for_each(|piece| line.write_all(piece.as_bytes()).unwrap());
        drop(line);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_is_one_line_without_secrets() {
        assert_eq!(line(&["INFO user=kim ", "pass", "word=hunter2 김\n"]), "INFO user=kim password=[redacted] 김\n");
        assert_eq!(line(&[]), "");
    }

    #[test]
    fn nothing_that_a_caller_sends_makes_a_second_line_or_hides_one() {
        assert_eq!(
            line(&["path=/a\r\n2026-11-21 INFO forged \u{1b}[2K\u{202e}gpj\u{2028}\u{85}\u{0}\u{feff}\tend\n"]),
            "path=/a\\r\\n2026-11-21 INFO forged \\u{1b}[2K\\u{202e}gpj\\u{2028}\\u{85}\\u{0}\\u{feff}\tend\n"
        );
    }

    #[test]
    fn a_key_over_several_lines_goes_as_a_whole() {
        let said = line(&["read -----BEGIN RSA PRIVATE KEY-----\nMIIabc\ndef==\n-----END RSA PRIVATE KEY----- done\n"]);
        assert_eq!(said, "read [redacted] done\n");
    }
}
