#![doc = include_str!("../README.md")]

mod accounts;
mod agent;
mod form;
mod layout;
mod list;
mod moment;
mod next;
mod reader;
mod service;
mod site;
mod style;
mod text;
mod texts;

pub use accounts::{account_pages, pages};
pub use agent::short_agent;
pub use form::{Choice, Field, button, choices, danger, error_summary, select};
pub use layout::{Page, Tone, View, notice};
pub use list::{Table, empty, pager};
pub use moment::moment;
pub use next::{InvalidPath, OwnPath};
pub use reader::Reader;
pub use service::service_accounts;
pub use site::Site;
pub use style::{style_address, style_routes};
pub use text::Text;
