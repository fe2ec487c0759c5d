//! Many workers, many keys, no limit ever broken.
//!
//! A pool lends keys of providers to callers. Each key allows so many calls at once, so many requests a minute and a day;
//! each user, and all together, may run so many jobs. Who cannot be served now waits, in the order of arrival among those
//! whom a key could serve. [`KeyPool`] is where callers come, [`Lease`] what they get.
//!
//! The rules are one deterministic state machine. In memory it runs behind a lock. Processes that share a pool keep the
//! list of its changes in a [`KeyPoolStore`] and add them up alike: whoever has its turn reads what others did, decides,
//! and appends.

mod change;
mod claim;
mod clerk;
mod desk;
mod edit;
mod engine;
mod entry;
mod error;
mod estimate;
mod event;
mod health;
mod hold;
mod keeper;
mod key;
mod lease;
mod moment;
mod new_key;
mod op;
mod options;
mod pool;
mod queue;
mod reseal;
mod rising;
mod roster;
#[cfg(test)]
mod schedules;
mod seal;
mod seed;
mod select;
mod state;
mod stock;
mod store;
mod sync;
mod view;
mod waiting;
mod window;

pub use crate::seal::SealError;
pub use change::{Batch, Change};
pub use claim::{Charge, Claim, Generation, Loan, MemberId, Ticket, WaitReason, Waiter};
pub use edit::KeyRefused;
pub use engine::PoolLimits;
pub use error::PoolError;
pub use event::{Happened, PoolEvent};
pub use health::{Complaint, Health, Verdict};
pub use key::{InvalidKey, InvalidProvider, Key, KeyId, KeySpec, MAX_CONCURRENCY, MAX_REQUESTS, Provider, TenantScope};
pub use lease::Lease;
pub use moment::Moment;
pub use new_key::{KeyChange, NewKey};
pub use options::AcquireOptions;
pub use pool::KeyPool;
pub use seal::{ClearText, PayloadSeal, SealContext};
pub use seed::{KeySeed, SeedError};
pub use select::{Choice, Decision, KeyUse, Rank, select};
pub use store::{Appended, Entry, KeyPoolStore, Turn};
pub use view::{KeyView, LeaseView, PoolView, Standing, WaiterView};
pub use window::Window;
