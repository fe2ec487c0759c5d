//! Old routes on their way out: the headers that announce it, and the calendar of the marketplace's aliases.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::error::Problem;

pub(crate) const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
pub(crate) const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// How long after the start of the change an alias is deprecated.
const DEPRECATED_AFTER: TimeDelta = TimeDelta::weeks(2);

/// How long after the start of the change an alias is removed.
const REMOVED_AFTER: TimeDelta = TimeDelta::weeks(4);

/// What is said about a route that will go away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecation {
    /// Why, for the log and for the message of a 410; never in a header.
    pub reason: String,
    /// When the route became, or becomes, deprecated (RFC 9745).
    pub since: DateTime<Utc>,
    /// When it stops answering (RFC 8594).
    pub sunset: DateTime<Utc>,
    /// The URL, or path, that replaces it.
    pub successor: String,
}

impl Deprecation {
    /// Writes `Deprecation`, `Sunset` and `Link: <…>; rel="successor-version"`. Links that are there already stay.
    pub fn apply(&self, headers: &mut HeaderMap) {
        self.notice().apply(headers);
    }

    /// The answer of the route once it is removed: 410 `GONE` with the reason and the same three headers.
    pub fn gone(&self) -> Response {
        let mut response = Problem::gone(&self.reason).into_response();
        self.apply(response.headers_mut());
        response
    }

    fn notice(&self) -> Notice {
        let since = self.since.timestamp();
        let sunset = self.sunset.format("%a, %d %b %Y %H:%M:%S GMT");
        // Inside the angle brackets these three would end the link or the header.
        let target = self.successor.replace(' ', "%20").replace('<', "%3C").replace('>', "%3E");
        Notice {
            since: HeaderValue::try_from(format!("@{since}")).ok(),
            sunset: HeaderValue::try_from(sunset.to_string()).ok(),
            link: HeaderValue::try_from(format!("<{target}>; rel=\"successor-version\"")).ok(),
        }
    }
}

/// A layer that announces the end of whatever is under it: every answer, errors included, carries the three headers of
/// a [`Deprecation`]. Calls are written to the log with the reason, once a minute at most.
///
/// For a service's own old routes; the aliases of the contract have an [`AliasSchedule`].
pub fn deprecated(
    reason: impl Into<String>,
    since: DateTime<Utc>,
    sunset: DateTime<Utc>,
    successor: impl Into<String>,
) -> DeprecatedLayer {
    let deprecation = Deprecation { reason: reason.into(), since, sunset, successor: successor.into() };
    let notice = deprecation.notice();
    DeprecatedLayer(Arc::new(Announcement { deprecation, notice, began: Instant::now(), next: AtomicU64::new(0) }))
}

/// The layer that [`deprecated`] makes.
#[derive(Debug, Clone)]
pub struct DeprecatedLayer(Arc<Announcement>);

/// The service of [`DeprecatedLayer`].
#[derive(Debug, Clone)]
pub struct Deprecated<S> {
    inner: S,
    announcement: Arc<Announcement>,
}

impl<S> Layer<S> for DeprecatedLayer {
    type Service = Deprecated<S>;

    fn layer(&self, inner: S) -> Deprecated<S> {
        Deprecated { inner, announcement: self.0.clone() }
    }
}

impl<S, R, B> Service<R> for Deprecated<S>
where
    S: Service<R, Response = http::Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Announced<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        self.announcement.log();
        Announced { inner: self.inner.call(request), announcement: self.announcement.clone() }
    }
}

pin_project! {
    /// The future of [`Deprecated`].
    #[derive(Debug)]
    pub struct Announced<F> {
        #[pin]
        inner: F,
        announcement: Arc<Announcement>,
    }
}

impl<F, B, E> Future for Announced<F>
where
    F: Future<Output = Result<http::Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx));
        if let Ok(response) = &mut answer {
            this.announcement.notice.apply(response.headers_mut());
        }
        Poll::Ready(answer)
    }
}

/// Where an alias stands on its way out (section 3 of the contract).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AliasPhase {
    /// Old and new side by side; nothing is said.
    Parallel,
    /// The alias answers, and announces its end.
    Deprecated,
    /// The alias answers 410 and names its successor.
    Removed,
}

/// When the aliases go. From the start of the change they are parallel for two weeks, then deprecated for two, then
/// removed. The default names no date: parallel for as long as it stays so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AliasSchedule {
    /// The start of the change.
    pub since: Option<DateTime<Utc>>,
    /// The phase, whatever the date.
    pub phase: Option<AliasPhase>,
    /// The day of removal, instead of four weeks after the start. Without a start the other dates count back from it.
    pub sunset: Option<DateTime<Utc>>,
}

impl AliasSchedule {
    /// The phase at `now`.
    pub fn phase(&self, now: DateTime<Utc>) -> AliasPhase {
        match (self.phase, self.start()) {
            (Some(phase), _) => phase,
            (None, None) => AliasPhase::Parallel,
            (None, Some(start)) if now >= self.sunset.unwrap_or(start + REMOVED_AFTER) => AliasPhase::Removed,
            (None, Some(start)) if now >= start + DEPRECATED_AFTER => AliasPhase::Deprecated,
            (None, Some(_)) => AliasPhase::Parallel,
        }
    }

    /// What an alias says of itself in the phases after the first. A phase that was set without any date speaks of
    /// today: deprecated now, gone in two weeks at the earliest.
    pub fn deprecation(&self, successor: &str) -> Deprecation {
        let start = self.start().unwrap_or_else(|| Utc::now() - DEPRECATED_AFTER);
        Deprecation {
            reason: format!("this path gives way to {successor}"),
            since: start + DEPRECATED_AFTER,
            sunset: self.sunset.unwrap_or(start + REMOVED_AFTER),
            successor: successor.to_owned(),
        }
    }

    fn start(&self) -> Option<DateTime<Utc>> {
        self.since.or(self.sunset.map(|sunset| sunset - REMOVED_AFTER))
    }
}

/// The three headers, ready to send. One that cannot stand in a header is left out.
#[derive(Debug)]
struct Notice {
    since: Option<HeaderValue>,
    sunset: Option<HeaderValue>,
    link: Option<HeaderValue>,
}

impl Notice {
    fn apply(&self, headers: &mut HeaderMap) {
        if let Some(since) = &self.since {
            headers.insert(DEPRECATION, since.clone());
        }
        if let Some(sunset) = &self.sunset {
            headers.insert(SUNSET, sunset.clone());
        }
        if let Some(link) = &self.link {
            headers.append(LINK, link.clone());
        }
    }
}

/// What the clones of one layer share.
#[derive(Debug)]
struct Announcement {
    deprecation: Deprecation,
    notice: Notice,
    began: Instant,
    /// The second, counted from `began`, before which nothing more is logged.
    next: AtomicU64,
}

impl Announcement {
    fn log(&self) {
        let (now, next) = (self.began.elapsed().as_secs(), self.next.load(Ordering::Relaxed));
        let mine = || self.next.compare_exchange(next, now + 60, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if now >= next && mine() {
            let Deprecation { reason, successor, sunset, .. } = &self.deprecation;
            tracing::warn!(%reason, %successor, %sunset, "a deprecated route was called");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_alias_is_parallel_for_two_weeks_deprecated_for_two_and_then_gone() {
        let schedule = AliasSchedule { since: Some(day("2026-11-01T00:00:00Z")), ..Default::default() };
        for (now, phase) in [
            ("2026-10-01T00:00:00Z", AliasPhase::Parallel),
            ("2026-11-14T23:59:59Z", AliasPhase::Parallel),
            ("2026-11-15T00:00:00Z", AliasPhase::Deprecated),
            ("2026-11-28T23:59:59Z", AliasPhase::Deprecated),
            ("2026-11-29T00:00:00Z", AliasPhase::Removed),
        ] {
            assert_eq!(schedule.phase(day(now)), phase, "{now}");
        }
        assert_eq!(AliasSchedule::default().phase(day("2036-01-01T00:00:00Z")), AliasPhase::Parallel);
    }

    #[test]
    fn a_phase_or_a_sunset_that_is_named_wins_over_the_calendar() {
        let (start, later) = (day("2026-11-01T00:00:00Z"), day("2027-02-01T00:00:00Z"));
        let postponed = AliasSchedule { since: Some(start), sunset: Some(later), phase: None };
        assert_eq!(postponed.phase(day("2027-01-31T23:59:59Z")), AliasPhase::Deprecated);
        assert_eq!(postponed.phase(later), AliasPhase::Removed);
        assert_eq!(postponed.deprecation("/x").sunset, later);

        let only_sunset = AliasSchedule { sunset: Some(later), ..Default::default() };
        assert_eq!(only_sunset.phase(later - TimeDelta::weeks(3)), AliasPhase::Parallel);
        assert_eq!(only_sunset.phase(later - TimeDelta::weeks(1)), AliasPhase::Deprecated);
        assert_eq!(only_sunset.deprecation("/x").since, later - TimeDelta::weeks(2));

        let held = AliasSchedule { phase: Some(AliasPhase::Deprecated), ..postponed };
        assert_eq!(held.phase(day("2036-01-01T00:00:00Z")), AliasPhase::Deprecated);
    }

    #[test]
    fn a_successor_cannot_break_out_of_its_link() {
        let odd = Deprecation {
            reason: String::new(),
            since: day("2026-11-15T00:00:00Z"),
            sunset: day("2026-11-29T00:00:00Z"),
            successor: "/a>; rel=next, <b".into(),
        };
        let mut headers = HeaderMap::new();
        odd.apply(&mut headers);
        assert_eq!(headers[LINK], "</a%3E;%20rel=next,%20%3Cb>; rel=\"successor-version\"");
        headers.clear();
        Deprecation { successor: "/a\r\nx: y".into(), ..odd }.apply(&mut headers);
        assert_eq!(headers.get(LINK), None);
        assert_eq!(headers[SUNSET], "Sun, 29 Nov 2026 00:00:00 GMT");
        assert_eq!(headers[DEPRECATION], "@1794700800");
    }
}
