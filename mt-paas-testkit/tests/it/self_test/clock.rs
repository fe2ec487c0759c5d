//! Instants, days and months, in the tenant's own zone.

use chrono::{DateTime, Datelike, Days, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;

/// RFC 3339 in UTC, as fine as the instant is.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The form that HTTP headers use.
pub(super) fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The calendar day on which an instant falls in a zone.
pub(super) fn day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// Year and month of an instant in a zone.
pub(super) fn month(at: DateTime<Utc>, zone: Tz) -> (i32, u32) {
    let day = day(at, zone);
    (day.year(), day.month())
}

/// The days of a window: `length` of them, the last one is today.
#[derive(Clone, Copy)]
pub(super) struct Window {
    first: NaiveDate,
    last: NaiveDate,
    zone: Tz,
}

impl Window {
    pub(super) fn ending_today(length: u64, now: DateTime<Utc>, zone: Tz) -> Self {
        let last = day(now, zone);
        let first =
            last.checked_sub_days(Days::new(length.saturating_sub(1))).expect("a window is at most a few years");
        Self { first, last, zone }
    }

    pub(super) fn contains(&self, at: DateTime<Utc>) -> bool {
        (self.first..=self.last).contains(&day(at, self.zone))
    }
}

/// `Nd` with N from 1 to 366, without a sign or leading zeros.
pub(super) fn days_of(period: &str) -> Option<u64> {
    let digits = period.strip_suffix('d')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    let days = plain.then(|| digits.parse().ok())??;
    (1..=366).contains(&days).then_some(days)
}

/// Strictly `YYYY-MM`.
pub(super) fn month_of(text: &str) -> Option<(i32, u32)> {
    let (year, month) = text.split_once('-')?;
    let digits = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(year, 4) || !digits(month, 2) {
        return None;
    }
    let month = month.parse().ok()?;
    (1..=12).contains(&month).then_some((year.parse().ok()?, month))
}
