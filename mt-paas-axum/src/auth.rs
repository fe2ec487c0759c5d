//! Who may come in.

mod client_key;
mod cookie;
mod csrf;
mod doorkeeper;
mod market_key;
mod require_role;
mod routes;
mod session;
mod visitor;

pub use client_key::ClientKey;
pub use cookie::{InsecureCookies, SessionCookie};
pub use csrf::{FORM_TOKEN, FORM_TOKEN_HEADER};
pub use doorkeeper::{Doorkeeper, Kept};
pub use market_key::{InvalidMarketKeys, MarketKeyLayer, MarketKeyName, MarketKeyService, MarketKeys};
pub use require_role::{RequireRole, WithRole};
pub use routes::accounts_routes;
pub use session::{AnySession, Session};
pub use visitor::FromWhere;
pub(crate) use visitor::peer;
