//! What runs in the server, each step at once.

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script};

use super::names::Names;
use crate::key_pool::{Entry, MemberId};

/// The steps of a turn. Everything that changes the list or the right to it happens in one of them.
#[derive(Debug)]
pub(super) struct Scripts {
    begin: Script,
    append: Script,
    pass: Script,
}

/// What came of trying to begin a turn.
pub(super) enum Begun {
    /// It is there.
    Turn(Began),
    /// Another has it, and counts as silent after so many microseconds.
    Held(u64),
}

/// A turn with what was asked for.
pub(super) struct Began {
    pub(super) token: u64,
    pub(super) now: i64,
    /// The version before the first entry.
    pub(super) start: u64,
    /// Whether the first entry is a whole.
    pub(super) whole: bool,
    pub(super) entries: Vec<String>,
}

/// A turn whose holder is silent for so long, in microseconds, is anybody's.
pub(super) const SILENCE: u64 = 1_000_000;

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            begin: Script::new(include_str!("begin.lua")),
            append: Script::new(include_str!("append.lua")),
            pass: Script::new(include_str!("pass.lua")),
        }
    }

    /// Tries to take the turn, with the token that was waited for, if any.
    pub(super) async fn begin(
        &self,
        server: &mut MultiplexedConnection,
        names: &Names,
        run: &str,
        after: u64,
        token: Option<u64>,
    ) -> RedisResult<Begun> {
        let token = token.map(|token| token.to_string()).unwrap_or_default();
        let mut call = self.begin.key(&names.turn);
        call.key(&names.list).key(&names.token).arg(run).arg(after).arg(token).arg(SILENCE);
        let (token, now, start, whole, entries): (u64, i64, u64, bool, Vec<String>) = call.invoke_async(server).await?;
        Ok(match token {
            0 => Begun::Held(now.unsigned_abs()),
            token => Begun::Turn(Began { token, now, start, whole, entries }),
        })
    }

    /// Appends and gives the turn back; `false` if it was another's, or the number was.
    pub(super) async fn append(
        &self,
        server: &mut MultiplexedConnection,
        names: &Names,
        token: u64,
        entry: &Entry,
        wake: &[MemberId],
    ) -> RedisResult<bool> {
        let mut call = self.append.key(&names.turn);
        call.key(&names.list).key(&names.token).arg(token).arg(entry.version).arg(entry.whole).arg(&entry.data);
        call.arg(&names.wake);
        for member in wake {
            call.arg(member.0);
        }
        call.invoke_async(server).await
    }

    /// Gives the turn back.
    pub(super) async fn pass(&self, server: &mut MultiplexedConnection, names: &Names, token: u64) -> RedisResult<()> {
        self.pass.key(&names.turn).key(&names.token).arg(token).invoke_async(server).await
    }
}
