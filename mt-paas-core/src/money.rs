//! Money: US dollars in whole nano-dollars, because a token can cost less than a micro-dollar.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of US dollars, kept as integer nano-dollars.
///
/// On the wire it is a JSON number of dollars with at most six decimals, rounded half up; totals are summed first
/// and rounded last. Sums saturate: nine thousand million dollars is no longer a bill but a fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NanoUsd(i64);

impl NanoUsd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount in nano-dollars.
    pub const fn new(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The amount in nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The price of `tokens` at `self` per million tokens, in millionths of a nano-dollar, not rounded yet.
    pub(crate) fn times_tokens(self, tokens: u64) -> i128 {
        i128::from(self.0) * i128::from(tokens)
    }

    /// Rounds millionths of a nano-dollar half up.
    pub(crate) fn from_millionths(millionths: i128) -> Self {
        let nanos = (millionths + 500_000).div_euclid(1_000_000);
        Self(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    fn micros_half_up(self) -> i64 {
        self.0.saturating_add(500).div_euclid(1000)
    }
}

impl Add for NanoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for NanoUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The quotient of two exact integers below 2^53 is the nearest double, which prints with at most six decimals.
        serializer.serialize_f64(self.micros_half_up() as f64 / 1e6)
    }
}

impl<'de> Deserialize<'de> for NanoUsd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Ok(Self(((dollars * 1e6).round() as i64).saturating_mul(1000)))
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for NanoUsd {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Number)
            .description(Some("US dollars, at most six decimals"))
            .minimum(Some(0))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for NanoUsd {
    fn name() -> std::borrow::Cow<'static, str> {
        "UsDollars".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_of_dollars_with_six_decimals_rounded_half_up() {
        let wire = |nanos| serde_json::to_string(&NanoUsd::new(nanos)).unwrap();
        assert_eq!(wire(125_500_000_000), "125.5");
        assert_eq!(wire(1_499), "1e-6");
        assert_eq!(wire(1_500), "2e-6");
        assert_eq!(wire(123_456_789_012_345_678), "123456789.012346");
        assert_eq!(serde_json::from_str::<NanoUsd>("4.5").unwrap(), NanoUsd::new(4_500_000_000));
    }

    #[test]
    fn a_price_is_rounded_half_up_once() {
        assert_eq!(NanoUsd::from_millionths(1_499_999), NanoUsd::new(1));
        assert_eq!(NanoUsd::from_millionths(1_500_000), NanoUsd::new(2));
    }
}
