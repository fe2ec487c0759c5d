//! What tokens cost.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::money::NanoUsd;

/// Prices by model, each from a day on. An operator can replace the built-in list by a file of the same form.
///
/// An event is priced by the entry that is in force on its day (UTC). A model without an entry, or used before its
/// first one, is *unpriced*: never free, never guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceList(BTreeMap<String, Vec<ModelPrice>>);

/// The price of a model from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelPrice {
    /// The first day of this price, UTC.
    pub from: NaiveDate,
    /// A million tokens sent.
    pub input: NanoUsd,
    /// A million tokens that came back.
    pub output: NanoUsd,
}

/// The price list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPrices {
    /// It is not the JSON that was expected.
    #[error("the price list cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A price is negative, or no amount of dollars.
    #[error("the price list has no usable price for {model} from {from}")]
    Price {
        /// The model.
        model: String,
        /// The day of the entry.
        from: NaiveDate,
    },
    /// A model has two prices from the same day.
    #[error("the price list has two prices for {model} from {from}")]
    Twice {
        /// The model.
        model: String,
        /// The day of the entries.
        from: NaiveDate,
    },
}

/// A line of the file: US dollars for a million tokens.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    model: String,
    from: NaiveDate,
    input_usd: serde_json::Number,
    output_usd: serde_json::Number,
}

impl PriceList {
    /// Reads a price list: a JSON list of `{"model", "from": "YYYY-MM-DD", "input_usd", "output_usd"}`, dollars for a
    /// million tokens.
    ///
    /// # Errors
    ///
    /// [`InvalidPrices`] names what cannot be read.
    pub fn from_json(json: &str) -> Result<Self, InvalidPrices> {
        let mut prices: BTreeMap<String, Vec<ModelPrice>> = BTreeMap::new();
        for Line { model, from, input_usd, output_usd } in serde_json::from_str::<Vec<Line>>(json)? {
            let (Some(input), Some(output)) = (dollars(&input_usd), dollars(&output_usd)) else {
                return Err(InvalidPrices::Price { model, from });
            };
            let entries = prices.entry(model.clone()).or_default();
            if entries.iter().any(|entry| entry.from == from) {
                return Err(InvalidPrices::Twice { model, from });
            }
            entries.push(ModelPrice { from, input, output });
            entries.sort_by_key(|entry| entry.from);
        }
        Ok(Self(prices))
    }

    /// The price of `model` on `day`.
    pub fn price(&self, model: &str, day: NaiveDate) -> Option<ModelPrice> {
        self.0.get(model)?.iter().rev().find(|entry| entry.from <= day).copied()
    }

    /// What so many tokens of `model` cost on `day`, rounded half up once.
    pub fn cost(&self, model: &str, day: NaiveDate, input_tokens: u64, output_tokens: u64) -> Option<NanoUsd> {
        let price = self.price(model, day)?;
        Some(NanoUsd::from_millionths(
            price.input.times_tokens(input_tokens) + price.output.times_tokens(output_tokens),
        ))
    }
}

impl Default for PriceList {
    /// The built-in list: published list prices of a few well-known models.
    fn default() -> Self {
        Self::from_json(include_str!("prices.json")).expect("the built-in price list is tested")
    }
}

/// Whole nano-dollars; a double holds prices of this size exactly enough to be rounded to them.
fn dollars(number: &serde_json::Number) -> Option<NanoUsd> {
    let nanos = number.as_f64()? * 1e9;
    (0.0..1e15).contains(&nanos).then(|| NanoUsd::new(nanos.round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn an_event_is_priced_by_the_entry_in_force_on_its_day() {
        let list = PriceList::from_json(
            r#"[{"model": "m", "from": "2026-02-01", "input_usd": 2, "output_usd": 4.5},
                {"model": "m", "from": "2026-01-01", "input_usd": 0.0000015, "output_usd": 0}]"#,
        )
        .unwrap();
        assert_eq!(list.cost("m", day("2025-12-31"), 1, 1), None);
        assert_eq!(list.cost("n", day("2026-03-01"), 1, 1), None);
        assert_eq!(list.cost("m", day("2026-01-31"), 1_000_000, 5), Some(NanoUsd::new(1500)));
        assert_eq!(list.cost("m", day("2026-02-01"), 1_000_000, 1_000_000), Some(NanoUsd::new(6_500_000_000)));
    }

    #[test]
    fn a_list_that_cannot_be_used_says_why() {
        for (bad, says) in [
            ("{}", "cannot be read"),
            (r#"[{"model": "m", "from": "2026-01-01", "input_usd": -1, "output_usd": 1}]"#, "no usable price for m"),
            (r#"[{"model": "m", "from": "2026-01-01", "input_usd": 1e30, "output_usd": 1}]"#, "no usable price for m"),
            (
                r#"[{"model": "m", "from": "2026-01-01", "input_usd": 1, "output_usd": 1},
                    {"model": "m", "from": "2026-01-01", "input_usd": 2, "output_usd": 2}]"#,
                "two prices for m",
            ),
        ] {
            let said = PriceList::from_json(bad).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn the_built_in_list_is_usable() {
        assert!(PriceList::default().price("gpt-4o-mini", day("2026-11-21")).is_some());
    }
}
