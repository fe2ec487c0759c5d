//! Secrets that are known beforehand, found however they were written.

use super::filter::WIDTH;
use super::hit::Hit;
use super::rest::Rest;
use super::window::{NeedMore, Window};

mod escape;
mod forms;

pub(super) use escape::unescaped;
use forms::forms;

/// Shorter secrets would hide ordinary words.
pub(super) const SHORTEST: usize = 6;

/// The known secrets, each in several forms: as it is, in base64 and base64url at every alignment, in hexadecimal digits,
/// in UTF-16. Each form is also found if any of its characters is escaped for a URL, JSON, HTML or a log.
#[derive(Clone)]
pub(super) struct Known {
    forms: Vec<Form>,
    /// Which forms begin with a byte.
    begin: Vec<Vec<u32>>,
}

/// One way to write a secret.
#[derive(Clone, PartialEq, Eq)]
struct Form {
    bytes: Vec<u8>,
    any_case: bool,
    /// Whether the characters before and behind hold some bits of it.
    before: bool,
    behind: bool,
}

impl Known {
    /// Adds a secret, unless it is shorter than [`SHORTEST`] bytes.
    pub(super) fn add(&mut self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        for form in forms(secret) {
            if self.forms.contains(&form) {
                continue;
            }
            let (first, index) = (form.bytes[0], self.forms.len() as u32);
            self.begin[usize::from(first)].push(index);
            if form.any_case && first.is_ascii_lowercase() {
                self.begin[usize::from(first.to_ascii_uppercase())].push(index);
            }
            self.forms.push(form);
        }
    }

    /// What every form of every secret may begin with.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = [u8; WIDTH]> {
        self.forms.iter().flat_map(|form| escape::beginnings(&form.bytes))
    }

    /// The longest known secret that begins at `at`.
    pub(super) fn secret(&self, text: Window<'_>, at: usize) -> Result<Option<Hit>, NeedMore> {
        let escaped = |again| Ok(escape::decoded(text, at, again)?.map(|(decoded, _)| decoded.as_bytes()[0]));
        let (written, once, all) = (text.byte(at)?, escaped(false)?, escaped(true)?);
        let firsts = written.into_iter().chain(once.filter(|_| once != written));
        let firsts = firsts.chain(all.filter(|_| all != written && all != once));
        let mut longest: Option<Hit> = None;
        for index in firsts.flat_map(|first| &self.begin[usize::from(first)]) {
            let form = &self.forms[*index as usize];
            let Some(end) = form.end(text, at)? else { continue };
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
            let start = at - usize::from(form.before && text.before(at).last().is_some_and(|byte| is_base64(*byte)));
            let resume = if form.behind { text.run(end, 1, is_base64)? } else { end };
            if longest.is_none_or(|found| found.resume < resume) {
                longest = Some(Hit { start, resume, rest: Rest::Ended });
            }
        }
        Ok(longest)
    }
}

impl Default for Known {
    fn default() -> Self {
        Self { forms: Vec::new(), begin: vec![Vec::new(); 256] }
    }
}

impl Form {
    /// Where it ends if it begins at `at`.
    fn end(&self, text: Window<'_>, mut at: usize) -> Result<Option<usize>, NeedMore> {
        let mut wanted = self.bytes.as_slice();
        while let Some(&first) = wanted.first() {
            let Some((length, end)) = self.step(text, at, first, wanted)? else { return Ok(None) };
            (wanted, at) = (&wanted[length..], end);
        }
        Ok(Some(at))
    }

    /// How many of the `wanted` bytes stand at `at`, written in some way, and where they end.
    fn step(&self, text: Window<'_>, at: usize, first: u8, wanted: &[u8]) -> Result<Option<(usize, usize)>, NeedMore> {
        let same = |byte: u8| byte == first || self.any_case && byte.eq_ignore_ascii_case(&first);
        for again in [true, false] {
            if let Some((decoded, end)) = escape::decoded(text, at, again)? {
                let bytes = decoded.as_bytes();
                if wanted.starts_with(bytes) || bytes.len() == 1 && same(bytes[0]) {
                    return Ok(Some((bytes.len(), end)));
                }
            }
        }
        if first == b'\\' {
            // Each escaping doubles them.
            let end = text.run(at, escape::DEEPEST, |byte| byte == b'\\')?;
            let several = wanted.iter().take_while(|byte| **byte == b'\\').count();
            return Ok((end - at >= several).then_some((several, end)));
        }
        Ok(text.byte(at)?.filter(|byte| same(*byte)).map(|_| (1, at + 1)))
    }
}
