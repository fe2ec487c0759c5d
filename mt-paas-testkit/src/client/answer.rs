//! An answer, and the demands that can be made of it.

use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::exchange::Exchange;
use crate::outcome::{NOT_OFFERED, Stop, Verdict, skip};
use crate::target::Target;

/// An answer of the service under test.
pub(crate) struct Answer {
    pub(crate) exchange: Arc<Exchange>,
    /// The body as JSON; `null` when it is none.
    pub(crate) json: Value,
    pub(crate) body: Bytes,
    /// 501 `NOT_SUPPORTED` to an operation that the catalogue does not list.
    pub(crate) not_offered: bool,
    pub(crate) target: Target,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.exchange.status
    }

    /// The value at a JSON pointer; `null` if there is none.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.json.pointer(pointer).unwrap_or(&Value::Null)
    }

    pub(crate) fn code(&self) -> &str {
        self.json["error"].as_str().unwrap_or_default()
    }

    pub(crate) fn is(&self, status: u16) -> Result<&Self, Stop> {
        self.demand(self.status() == status, status, self.exchange.shown())
    }

    pub(crate) fn is_one_of(&self, statuses: &[u16]) -> Result<&Self, Stop> {
        let expected: Vec<_> = statuses.iter().map(u16::to_string).collect();
        self.demand(statuses.contains(&self.status()), expected.join(" or "), self.exchange.shown())
    }

    /// Any 4xx.
    pub(crate) fn is_refused(&self) -> Result<&Self, Stop> {
        self.demand((400..500).contains(&self.status()), "a 4xx", self.exchange.shown())
    }

    /// That status with that code in the envelope.
    pub(crate) fn refuses(&self, status: u16, code: &str) -> Result<&Self, Stop> {
        let both = self.status() == status && self.code() == code;
        self.demand(both, format!("{status} {code}"), self.exchange.shown())
    }

    /// The member equals the value.
    pub(crate) fn has(&self, pointer: &str, value: impl Into<Value>) -> Result<&Self, Stop> {
        let value = value.into();
        let got = self.at(pointer);
        self.demand(*got == value, format!("{pointer} = {value}"), format!("{pointer} = {got}"))
    }

    pub(crate) fn text_at(&self, pointer: &str) -> Result<&str, Stop> {
        self.at(pointer).as_str().ok_or_else(|| self.wrong(pointer, "a string"))
    }

    /// A count: a non-negative integer.
    pub(crate) fn count_at(&self, pointer: &str) -> Result<u64, Stop> {
        self.at(pointer).as_u64().ok_or_else(|| self.wrong(pointer, "a non-negative integer"))
    }

    pub(crate) fn number_at(&self, pointer: &str) -> Result<f64, Stop> {
        self.at(pointer).as_f64().ok_or_else(|| self.wrong(pointer, "a number"))
    }

    pub(crate) fn rows_at(&self, pointer: &str) -> Result<&[Value], Stop> {
        Ok(self.at(pointer).as_array().ok_or_else(|| self.wrong(pointer, "an array"))?)
    }

    /// A timestamp: RFC 3339 in UTC with `Z`.
    pub(crate) fn moment_at(&self, pointer: &str) -> Result<DateTime<Utc>, Stop> {
        moment(self.at(pointer)).ok_or_else(|| self.wrong(pointer, "an RFC 3339 timestamp in UTC with Z"))
    }

    /// A demand of any other kind.
    pub(crate) fn demand(&self, met: bool, expected: impl Display, got: impl Display) -> Result<&Self, Stop> {
        if met { Ok(self) } else { Err(self.miss(expected, got)) }
    }

    /// The same, for a probe's last line.
    pub(crate) fn verdict(&self, met: bool, expected: impl Display, got: impl Display) -> Verdict {
        self.demand(met, expected, got).map(drop)
    }

    pub(crate) fn miss(&self, expected: impl Display, got: impl Display) -> Stop {
        if self.not_offered {
            return skip(NOT_OFFERED);
        }
        self.exchange.failure(&self.target, &expected.to_string(), &got.to_string())
    }

    fn wrong(&self, pointer: &str, expected: &str) -> Stop {
        match self.at(pointer) {
            Value::Null => self.miss(format!("{pointer} to be {expected}"), self.exchange.shown()),
            other => self.miss(format!("{pointer} to be {expected}"), format!("{pointer} = {other}")),
        }
    }
}

/// Reads a timestamp as the contract writes it.
pub(crate) fn moment(value: &Value) -> Option<DateTime<Utc>> {
    let text = value.as_str().filter(|text| text.ends_with('Z'))?;
    Some(DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc))
}
