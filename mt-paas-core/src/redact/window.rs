//! A piece of text that may go on.

/// What is there of a text so far.
#[derive(Clone, Copy)]
pub(super) struct Window<'t> {
    pub(super) bytes: &'t [u8],
    /// Nothing before this place is there any more: the end of the last secret.
    pub(super) begin: usize,
    /// Whether nothing follows.
    pub(super) complete: bool,
}

/// The answer depends on bytes that have not come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NeedMore;

impl<'t> Window<'t> {
    /// A text that is all there.
    pub(super) fn whole(bytes: &'t [u8]) -> Self {
        Self { bytes, begin: 0, complete: true }
    }

    /// The byte at `at`; `None` behind the end.
    pub(super) fn byte(self, at: usize) -> Result<Option<u8>, NeedMore> {
        match self.bytes.get(at) {
            Some(byte) => Ok(Some(*byte)),
            None if self.complete => Ok(None),
            None => Err(NeedMore),
        }
    }

    /// Where the bytes that begin at `from` and satisfy `wanted` end, looking at no more than `most` of them.
    pub(super) fn run(self, from: usize, most: usize, wanted: impl Fn(u8) -> bool) -> Result<usize, NeedMore> {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let seen = &rest[..rest.len().min(most)];
        match seen.iter().position(|&byte| !wanted(byte)) {
            Some(length) => Ok(from + length),
            None if self.complete || seen.len() == most => Ok(from + seen.len()),
            None => Err(NeedMore),
        }
    }

    /// Whether `literal`, in any letter case, begins at `at`.
    pub(super) fn says(self, at: usize, literal: &[u8]) -> Result<bool, NeedMore> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let seen = rest.len().min(literal.len());
        if !rest[..seen].eq_ignore_ascii_case(&literal[..seen]) {
            return Ok(false);
        }
        if seen == literal.len() || self.complete { Ok(seen == literal.len()) } else { Err(NeedMore) }
    }

    /// What stands before `at`.
    pub(super) fn before(self, at: usize) -> &'t [u8] {
        &self.bytes[self.begin.min(at)..at]
    }

    /// Whether a word may begin at `at`: the byte before is no letter or digit, or it ends an escape such as `\n`,
    /// `\u0020` or `%3D`, or a colour of a terminal.
    pub(super) fn word_begins(self, at: usize) -> bool {
        let before = self.before(at);
        let Some(&last) = before.last() else { return true };
        !last.is_ascii_alphanumeric() || ends_escape(before)
    }
}

fn ends_escape(before: &[u8]) -> bool {
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match before {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'0'] => true,
        _ => {
            let tail = |length: usize| before.len().checked_sub(length).map(|from| &before[from..]);
            matches!(tail(3), Some([b'%', digits @ ..]) if hex(digits))
                || matches!(tail(6), Some([b'\\', b'u', digits @ ..]) if hex(digits))
                || matches!(tail(4), Some([b'\\', b'x', digits @ ..]) if hex(digits))
                || colour_ends(before)
        }
    }
}

fn colour_ends(before: &[u8]) -> bool {
    let Some((b'm', rest)) = before.split_last() else { return false };
    let digits = rest.iter().rev().take(12).take_while(|b| b.is_ascii_digit() || **b == b';').count();
    rest[..rest.len() - digits].ends_with(b"\x1b[")
}
