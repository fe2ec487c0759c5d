//! Who may come in.

mod market_key;

pub use market_key::{InvalidMarketKeys, MarketKeyLayer, MarketKeyName, MarketKeyService, MarketKeys};
