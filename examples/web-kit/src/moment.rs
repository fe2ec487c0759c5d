//! Moments as people read them.

use chrono::{DateTime, Offset, Timelike, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use mt_paas_axum::language::Language;

use crate::View;

/// A moment in the reader's wording, with its distance from UTC: `21 Nov 2026, 15:05 (UTC+9)`,
/// `2026. 11. 21. 오후 3:05 (UTC+9)`.
pub fn moment(view: &View, at: DateTime<Utc>) -> Markup {
    html! { time datetime=(at.format("%Y-%m-%dT%H:%M:%SZ")) { (words(view.reader.language, view.zone(), at)) } }
}

fn words(language: Language, zone: Tz, at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&zone);
    let offset = offset(local.offset().fix().local_minus_utc());
    match language {
        Language::English => format!("{} ({offset})", local.format("%-d %b %Y, %H:%M")),
        Language::Korean => {
            let (afternoon, hour) = local.hour12();
            let half = if afternoon { "오후" } else { "오전" };
            format!("{} {half} {hour}:{} ({offset})", local.format("%Y. %-m. %-d."), local.format("%M"))
        }
    }
}

fn offset(seconds: i32) -> String {
    let (sign, minutes) = (if seconds < 0 { '−' } else { '+' }, seconds.abs() / 60);
    match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_its_reader_would() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (zone, time, english, korean) in [
            (Tz::Asia__Seoul, "2026-11-21T06:05:09Z", "21 Nov 2026, 15:05 (UTC+9)", "2026. 11. 21. 오후 3:05 (UTC+9)"),
            (Tz::Asia__Seoul, "2026-01-01T15:00:00Z", "2 Jan 2026, 00:00 (UTC+9)", "2026. 1. 2. 오전 12:00 (UTC+9)"),
            (Tz::UTC, "2026-11-21T12:30:00Z", "21 Nov 2026, 12:30 (UTC)", "2026. 11. 21. 오후 12:30 (UTC)"),
            (
                Tz::America__St_Johns,
                "2026-01-01T00:00:00Z",
                "31 Dec 2025, 20:30 (UTC−3:30)",
                "2025. 12. 31. 오후 8:30 (UTC−3:30)",
            ),
        ] {
            assert_eq!(words(Language::English, zone, at(time)), english);
            assert_eq!(words(Language::Korean, zone, at(time)), korean);
        }
    }
}
