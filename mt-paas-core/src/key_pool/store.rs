//! What a pool asks of the place that its processes share.

use async_trait::async_trait;

use super::claim::MemberId;
use super::moment::Moment;
use crate::store::StoreError;

/// An ordered list of entries that several processes append to, with a clock.
///
/// The rules of the pool are not the store's: it never looks into an entry.
///
/// # Who this binds
///
/// Implementors promise that turns exclude each other or, where they do not, that [`Turn::append`] is refused when
/// another entry came first; that an entry which was appended is there for every later turn; that an `Err` of `append`
/// is the only case in which the entry may be there or not; and that a turn whose process dies, or which is dropped, ends
/// within a second or two. The pool drops any step that takes 20 seconds and tells its callers that the store failed, so
/// limits of a store's own are below that.
#[async_trait]
pub trait KeyPoolStore: Send + Sync + 'static {
    /// Begins a turn and reads what was appended after `version`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the store cannot be reached or others keep their turn too long.
    async fn begin(&self, after: u64) -> Result<Box<dyn Turn>, StoreError>;

    /// Waits until an entry after `after` may be there that was appended with `member` to be woken. May be early.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the store cannot be reached.
    async fn changed(&self, member: MemberId, after: u64) -> Result<(), StoreError>;
}

/// The right to append one entry.
#[async_trait]
pub trait Turn: Send {
    /// The store's time when the turn began.
    fn now(&self) -> Moment;

    /// The version before the first entry, if the entry that was asked after is not, or not any more, in this list:
    /// nothing that was known counts, and the entries are all there is. Such a list never gives a number of the one before
    /// to another entry.
    fn anew(&self) -> Option<u64>;

    /// Takes the entries that were asked for, in their order. If some of them are gone, the first of what is left is a
    /// whole.
    fn entries(&mut self) -> Vec<Entry>;

    /// Appends an entry, wakes these members, and ends the turn. A whole makes earlier entries superfluous.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`]: nobody knows whether it was appended.
    async fn append(self: Box<Self>, entry: Entry, wake: &[MemberId]) -> Result<Appended, StoreError>;

    /// Ends the turn with nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn pass(self: Box<Self>) -> Result<(), StoreError>;
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number: one more than that of the entry before.
    pub version: u64,
    /// Whether it replaces all before it.
    pub whole: bool,
    /// What it says; no secret but sealed ones.
    pub data: String,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is there.
    Done,
    /// Another took its number. It is not there.
    Outrun,
}
