//! Writers that take secrets out of what passes.

use std::io::{self, Write};

use super::Redactor;
use super::json::JsonStream;
use super::text::TextStream;

/// Takes secrets out of free text on its way to another writer. Where the text is cut makes no difference.
///
/// A few kilobytes at most are held back until more comes or [`finish`](Self::finish) is called. What is held back when the
/// writer is dropped is never written: it might be half a secret.
pub struct TextWriter<W> {
    redactor: Redactor,
    stream: TextStream,
    out: Vec<u8>,
    inner: W,
}

/// Takes secrets out of JSON text on its way to another writer, without building a tree. Where the text is cut makes no
/// difference. Several texts may follow one another.
///
/// Held back is what stands behind the last comma or bracket, up to some megabytes where a string is that long. What is held
/// back when the writer is dropped is never written: it might be half a secret.
pub struct JsonWriter<W> {
    redactor: Redactor,
    stream: JsonStream,
    out: Vec<u8>,
    inner: W,
}

impl<W: Write> TextWriter<W> {
    pub(super) fn new(redactor: Redactor, inner: W) -> Self {
        Self { redactor, stream: TextStream::new(), out: Vec::new(), inner }
    }

    /// Writes the rest and gives the other writer back.
    ///
    /// # Errors
    ///
    /// Those of the other writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.stream.finish(&self.redactor.rules, &mut self.out);
        self.inner.write_all(&self.out)?;
        Ok(self.inner)
    }
}

impl<W: Write> JsonWriter<W> {
    pub(super) fn new(redactor: Redactor, inner: W) -> Self {
        Self { redactor, stream: JsonStream::new(0), out: Vec::new(), inner }
    }

    /// Writes the rest and gives the other writer back.
    ///
    /// # Errors
    ///
    /// Those of the other writer.
    pub fn finish(mut self) -> io::Result<W> {
        self.stream.finish(&self.redactor.rules, &mut self.out);
        self.inner.write_all(&self.out)?;
        Ok(self.inner)
    }
}

/// A writer takes all it is given; an error of the other one comes with the piece after.
macro_rules! passing {
    ($($writer:ident),*) => {$(
        impl<W: Write> Write for $writer<W> {
            fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
                // Larger pieces would need as much memory again.
                let piece = &piece[..piece.len().min(PIECE)];
                self.stream.feed(&self.redactor.rules, piece, &mut self.out);
                self.inner.write_all(&self.out)?;
                self.out.clear();
                Ok(piece.len())
            }

            /// Flushes the other writer. What is held back stays.
            fn flush(&mut self) -> io::Result<()> {
                self.inner.flush()
            }
        }
    )*};
}

const PIECE: usize = 256 * 1024;

passing!(TextWriter, JsonWriter);
