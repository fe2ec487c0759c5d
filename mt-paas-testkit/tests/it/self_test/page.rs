//! Limits, offsets and search, the same for every list.

use unicode_normalization::UnicodeNormalization;

use super::call::Call;
use super::faults::{Fault, Faults};
use super::fields::clean;
use super::reply::Refusal;

/// Which part of a list is wanted.
pub(super) struct Page {
    pub(super) limit: u64,
    pub(super) offset: u64,
}

impl Page {
    /// `limit` 1 to 100, `offset` 0 or more; anything else is refused, not bent.
    pub(super) fn of(call: &Call, faults: &Faults) -> Result<Self, Refusal> {
        let default = if faults.has(Fault::DefaultLimitTen) { 10 } else { 20 };
        let limit = match number(call, "limit", default, 1, 100) {
            Err(_) if faults.has(Fault::LimitClamped) => 100,
            Err(_) if faults.has(Fault::TextLimitAccepted) && call.asked("limit") == Some("abc") => default,
            Err(_) if faults.has(Fault::AliasLimitUnchecked) && call.path.starts_with("/api/") => 100,
            Err(_) if faults.has(Fault::M35) => u64::MAX,
            limit => limit?,
        };
        let offset = match number(call, "offset", 0, 0, u64::MAX) {
            Err(_) if faults.has(Fault::NegativeOffsetAccepted) && call.asked("offset") == Some("-1") => 0,
            Err(_) if faults.has(Fault::OffsetReadInPart) && call.asked("offset") == Some("1e3") => 1,
            Err(_) if faults.has(Fault::HugeOffsetCrashes) => return Err(Refusal::crash()),
            Ok(offset) if offset > 1 << 31 && faults.has(Fault::HugeOffsetCrashes) => return Err(Refusal::crash()),
            offset => offset?,
        };
        Ok(Self { limit, offset })
    }

    /// The rows of this page.
    pub(super) fn cut<T: Clone>(&self, rows: &[T], faults: &Faults) -> Vec<T> {
        let shift = usize::from(faults.has(Fault::M34) && self.offset > 0);
        let start = usize::try_from(self.offset).unwrap_or(usize::MAX).saturating_add(shift).min(rows.len());
        let start = if faults.has(Fault::OffsetPastEndWraps) && start == rows.len() { 0 } else { start };
        let limit = match () {
            () if faults.has(Fault::M35) => usize::MAX,
            () if faults.has(Fault::PagesHoldFifty) => 50.min(self.limit as usize),
            () => usize::try_from(self.limit).unwrap_or(usize::MAX),
        };
        rows[start..].iter().take(limit).cloned().collect()
    }
}

/// A number from the query.
pub(super) fn number(call: &Call, name: &str, default: u64, least: u64, most: u64) -> Result<u64, Refusal> {
    let Some(text) = call.asked(name) else { return Ok(default) };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| Refusal::field(&["query", name], &format!("must be a whole number from {least} to {most}")))
}

/// One of a few words from the query.
pub(super) fn word<'a>(call: &'a Call, name: &str, words: &[&str]) -> Result<Option<&'a str>, Refusal> {
    match call.asked(name) {
        Some(word) if !words.contains(&word) => {
            Err(Refusal::field(&["query", name], &format!("must be one of {}", words.join(", "))))
        }
        word => Ok(word),
    }
}

/// What is searched for; texts match if they hold it, in any letter case and either Unicode form.
pub(super) struct Needle {
    text: String,
    exact_case: bool,
    /// Characters that stand for anything.
    pattern: &'static str,
    form: bool,
}

impl Needle {
    pub(super) fn of(call: &Call, faults: &Faults) -> Result<Option<Self>, Refusal> {
        let Some(text) = call.asked("search") else { return Ok(None) };
        let courses = call.path.ends_with("/resources") && faults.has(Fault::ResourceSearchIgnored);
        if faults.has(Fault::QuoteCrashes) && text.contains('\'') {
            return Err(Refusal::crash());
        }
        if faults.has(Fault::SearchIgnored) || courses {
            return Ok(None);
        }
        if !clean(text) {
            return Err(Refusal::field(&["query", "search"], "holds a control character"));
        }
        let needle = Self {
            text: text.to_owned(),
            exact_case: faults.has(Fault::SearchMindsCase),
            pattern: match () {
                () if faults.has(Fault::M45) => "%_",
                () if faults.has(Fault::UnderscoreIsAny) => "_",
                () => "",
            },
            form: faults.has(Fault::SearchMindsForm),
        };
        Ok(Some(needle))
    }

    pub(super) fn is_in(&self, text: &str) -> bool {
        match () {
            () if self.text.chars().any(|c| self.pattern.contains(c)) => true,
            () if self.exact_case => text.contains(&self.text),
            () if self.form => text.to_lowercase().contains(&self.text.to_lowercase()),
            () => plain(text).contains(&plain(&self.text)),
        }
    }
}

fn plain(text: &str) -> String {
    // Folding may take a text out of its form: "İ" becomes two marks.
    text.nfc().collect::<String>().to_lowercase().nfc().collect()
}
