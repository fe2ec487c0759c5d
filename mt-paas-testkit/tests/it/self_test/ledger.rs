//! Usage events, prices and money.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::clock::Window;
use super::world::Tenant;

/// A model and what a million tokens cost, in nano-dollars.
pub(super) struct Model {
    pub(super) name: &'static str,
    input_price: u64,
    output_price: u64,
}

/// The models that the demonstration users work with.
pub(super) const MODELS: &[Model] = &[
    Model { name: "quill-large", input_price: 2_500_000_000, output_price: 10_000_000_000 },
    Model { name: "quill-small", input_price: 150_000_000, output_price: 600_000_000 },
];

/// One session of one user with one model.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) user_id: String,
    pub(super) at: DateTime<Utc>,
    /// Place in [`MODELS`].
    pub(super) model: usize,
    pub(super) messages: u64,
    pub(super) input: u64,
    pub(super) output: u64,
}

impl Event {
    /// Nano-dollars, rounded half up once.
    pub(super) fn cost(&self) -> u64 {
        let model = &MODELS[self.model];
        (self.input * model.input_price + self.output * model.output_price + 500_000) / 1_000_000
    }
}

/// Sums over some events.
#[derive(Debug, Clone, Default)]
pub(super) struct Sum {
    pub(super) users: BTreeSet<String>,
    pub(super) sessions: u64,
    pub(super) messages: u64,
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) nano: u64,
    pub(super) last: Option<DateTime<Utc>>,
}

impl Sum {
    pub(super) fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut sum = Self::default();
        for event in events {
            sum.users.insert(event.user_id.clone());
            sum.sessions += 1;
            sum.messages += event.messages;
            sum.input += event.input;
            sum.output += event.output;
            sum.nano += event.cost();
            sum.last = sum.last.max(Some(event.at));
        }
        sum
    }

    pub(super) fn tokens(&self) -> u64 {
        self.input + self.output
    }
}

/// The events of a tenant that fall in a window.
pub(super) fn within(tenant: &Tenant, window: Window) -> Vec<Event> {
    tenant.events.iter().filter(|event| window.contains(event.at)).cloned().collect()
}

/// Nano-dollars as a JSON number of dollars with six decimals at most.
pub(super) fn dollars(nano: u64) -> Value {
    let micro = (nano + 500) / 1_000;
    // One division of two exact integers gives the double nearest to the six decimals, and it prints as them.
    #[allow(clippy::cast_precision_loss, reason = "sums here stay far below 2^53 micro-dollars")]
    let dollars = micro as f64 / 1_000_000.0;
    json!(dollars)
}
