//! Windows of time: the periods and months of the dashboard, and the calendar of a tenant.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A dashboard period `Nd`, N from 1 to 366: N days that end today, today included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(u16);

/// A calendar month, `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(NaiveDate);

/// An IANA time zone, in which a tenant's days begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Tz);

/// Days from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateRange {
    /// The first day.
    pub first: NaiveDate,
    /// The last day.
    pub last: NaiveDate,
}

/// The text is not such a window; the message says what one looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPeriod(&'static str);

impl Period {
    /// The number of days.
    pub const fn days(self) -> u16 {
        self.0
    }

    /// The window that ends on `today`.
    pub fn ending(self, today: NaiveDate) -> DateRange {
        let back = Days::new(u64::from(self.0) - 1);
        DateRange { first: today.checked_sub_days(back).unwrap_or(NaiveDate::MIN), last: today }
    }
}

impl Default for Period {
    fn default() -> Self {
        Self(30)
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let digits = text.strip_suffix('d').filter(|digits| (1..=3).contains(&digits.len()));
        digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|days| (1..=366).contains(days))
            .map(Self)
            .ok_or(InvalidPeriod("must be a number of days from 1d to 366d"))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

impl Month {
    /// The month that holds `day`.
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// The days of the month.
    pub fn days(self) -> DateRange {
        let next = self.0.checked_add_months(Months::new(1));
        DateRange { first: self.0, last: next.and_then(|day| day.pred_opt()).unwrap_or(NaiveDate::MAX) }
    }
}

impl FromStr for Month {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        let wrong = InvalidPeriod("must be a month as YYYY-MM");
        let (year, month) = text.split_once('-').ok_or(wrong)?;
        let digits = |part: &str, len| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(wrong);
        }
        let (year, month) = (year.parse().map_err(|_| wrong)?, month.parse().map_err(|_| wrong)?);
        NaiveDate::from_ymd_opt(year, month, 1).map(Self).ok_or(wrong)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// The day of the tenant's calendar at `at`.
    pub fn date(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    /// The hour of the tenant's day at `at`, 0 to 23.
    pub fn hour(self, at: DateTime<Utc>) -> u8 {
        // An hour of a day is below 24.
        u8::try_from(at.with_timezone(&self.0).hour()).unwrap_or_default()
    }

    /// A moment as people of the tenant read it, to the minute: `2026-11-25 00:00 KST`.
    pub fn minute(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.0).format("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// When `day` begins. Where clocks jump over midnight it begins with the first moment that exists.
    pub fn start_of(self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        let found = (0..=4).find_map(|half_hours| {
            self.0.from_local_datetime(&(midnight + TimeDelta::minutes(30 * half_hours))).earliest()
        });
        found.map_or_else(|| midnight.and_utc(), |at| at.to_utc())
    }

    /// The last second of `day`.
    pub fn last_second_of(self, day: NaiveDate) -> DateTime<Utc> {
        let next = day.succ_opt().map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |next| self.start_of(next));
        next - TimeDelta::seconds(1)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl FromStr for Zone {
    type Err = InvalidPeriod;

    fn from_str(name: &str) -> Result<Self, InvalidPeriod> {
        name.parse().map(Self).map_err(|_| InvalidPeriod("must be an IANA time zone such as Asia/Seoul"))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

macro_rules! from_text {
    ($name:ident, $pattern:literal, $example:literal) => {
        impl TryFrom<String> for $name {
            type Error = InvalidPeriod;

            fn try_from(text: String) -> Result<Self, InvalidPeriod> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some($pattern))
                    .examples([$example])
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

from_text!(Period, "^([1-9]|[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])d$", "30d");
from_text!(Month, "^[0-9]{4}-(0[1-9]|1[0-2])$", "2026-01");
from_text!(Zone, "^[A-Za-z0-9_+/-]+$", "Asia/Seoul");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_strict() {
        assert_eq!("30d".parse::<Period>().unwrap().to_string(), "30d");
        for bad in ["banana", "0d", "-1d", "30", "30D", "30d ", "+3d", "367d", "99999999d", "", "d"] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_window_of_n_days_ends_today() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let week = Period(7).ending(today);
        assert_eq!((week.first, week.last), (NaiveDate::from_ymd_opt(2026, 2, 23).unwrap(), today));
        assert_eq!(Period(1).ending(today).first, today);
    }

    #[test]
    fn a_month_is_strict_and_knows_its_last_day() {
        assert_eq!("2028-02".parse::<Month>().unwrap().days().last, NaiveDate::from_ymd_opt(2028, 2, 29).unwrap());
        for bad in ["2026-13", "2026-1", "26-01", "2026-01-01", "2026-00", "", "20２6-01", "+026-01"] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_begins_where_the_tenant_lives() {
        let seoul: Zone = "Asia/Seoul".parse().unwrap();
        let at = "2026-01-31T15:30:00Z".parse().unwrap();
        assert_eq!((seoul.date(at), seoul.hour(at)), (NaiveDate::from_ymd_opt(2026, 2, 1).unwrap(), 0));
        assert_eq!(seoul.start_of(seoul.date(at)), "2026-01-31T15:00:00Z".parse::<DateTime<Utc>>().unwrap());
        // Clocks in Beirut jump from midnight to one o'clock on this day.
        let beirut: Zone = "Asia/Beirut".parse().unwrap();
        let day = NaiveDate::from_ymd_opt(2025, 3, 30).unwrap();
        assert_eq!(beirut.start_of(day), "2025-03-29T22:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(beirut.date(beirut.start_of(day)), day);
    }
}
