//! The payloads of a pool, to be sealed under another key while they are lent.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;

use super::edit::{KeyEdit, KeyRefused, ResealedKey};
use super::error::PoolError;
use super::key::{KeyId, KeySpec, Provider};
use super::op::Op;
use super::pool::KeyPool;
use super::seal::{SealContext, clear};
use super::select::KeyUse;
use super::state::State;
use crate::seal::{Replaced, Resealed, RowPage, SealKeyId, SealedRow, SealedRows, sealed_under};
use crate::secret::Secret;
use crate::store::StoreError;

/// Whoever holds a lease keeps the payload as it was lent, which opens for as long as its key is on the ring.
#[async_trait]
impl SealedRows for KeyPool {
    async fn count(&self) -> Result<BTreeMap<Option<SealKeyId>, u64>, StoreError> {
        let (mut counts, mut after) = (BTreeMap::new(), None);
        loop {
            self.look().await?;
            let (found, next) =
                self.part(after.as_ref(), usize::MAX, |used| Some(sealed_under(&used.key.spec.sealed_payload)));
            for key in found {
                *counts.entry(key).or_default() += 1;
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(counts),
            }
        }
    }

    async fn page(&self, key: SealKeyId, after: Option<&str>, limit: usize) -> Result<RowPage, StoreError> {
        self.look().await?;
        let after = after.map(place).transpose()?;
        let is_due = |spec: &KeySpec| sealed_under(&spec.sealed_payload) != Some(key);
        let (rows, next) =
            self.part(after.as_ref(), limit, |used| is_due(&used.key.spec).then(|| row(used.key.id, &used.key.spec)));
        Ok(RowPage { rows, next: next.map(|(provider, key)| name(&provider, key)) })
    }

    async fn replace(&self, rows: Vec<Resealed>) -> Result<Replaced, StoreError> {
        let again = |Resealed { row, text }: Resealed| {
            let (provider, key) = place(&row.id)?;
            Ok(ResealedKey { provider, key, former: row.text.expose().clone(), sealed_payload: text })
        };
        let keys = rows.into_iter().map(again).collect::<Result<_, StoreError>>()?;
        match self.edit(KeyEdit::Reseal(keys)).await {
            Ok(()) => Ok(Replaced::Done),
            Err(PoolError::KeyRefused(KeyRefused::PayloadChanged(_))) => Ok(Replaced::Changed),
            Err(error) => Err(failed(error)),
        }
    }

    async fn forget_former(&self) -> Result<(), StoreError> {
        self.desk().call(Op::Compact).await.map(drop).map_err(failed)
    }
}

/// How many keys are looked at under the lock.
const PART: usize = 1024;

impl KeyPool {
    async fn look(&self) -> Result<(), StoreError> {
        self.desk().call(Op::Look).await.map(drop).map_err(failed)
    }

    /// What `take` finds among the keys after one, and the last of those that it was shown, if there are more.
    fn part<T>(
        &self,
        after: Option<&(Provider, KeyId)>,
        limit: usize,
        mut take: impl FnMut(&KeyUse) -> Option<T>,
    ) -> (Vec<T>, Option<(Provider, KeyId)>) {
        let inner = self.desk().inner();
        let mut found = Vec::new();
        for (seen, used) in keys_after(&inner.engine.state, after).enumerate() {
            found.extend(take(used));
            if found.len() == limit || seen + 1 == PART {
                return (found, Some((used.key.spec.provider.clone(), used.key.id)));
            }
        }
        (found, None)
    }
}

/// All keys, by provider and number, after one of them.
fn keys_after<'a>(state: &'a State, after: Option<&'a (Provider, KeyId)>) -> impl Iterator<Item = &'a KeyUse> {
    let from = after.map_or(Bound::Unbounded, |(provider, _)| Bound::Included(provider));
    state.providers.range::<Provider, _>((from, Bound::Unbounded)).flat_map(move |(provider, stock)| {
        let keys = stock.keys();
        let first = match after {
            Some((last, key)) if last == provider => keys.partition_point(|used| used.key.id <= *key),
            _ => 0,
        };
        &keys[first..]
    })
}

fn row(key: KeyId, spec: &KeySpec) -> SealedRow {
    SealedRow {
        id: name(&spec.provider, key),
        place: SealContext { provider: &spec.provider, name: &spec.name }.place(),
        text: Secret::new(spec.sealed_payload.clone()),
        clear: clear(&spec.sealed_payload),
    }
}

fn name(provider: &Provider, key: KeyId) -> String {
    format!("{provider}/{key}")
}

fn place(name: &str) -> Result<(Provider, KeyId), StoreError> {
    let parts = name.split_once('/').and_then(|(provider, key)| Some((provider.parse().ok()?, key.parse().ok()?)));
    let (provider, key) = parts.ok_or_else(|| StoreError::Corrupt { what: "name of a key", source: name.into() })?;
    Ok((provider, KeyId(key)))
}

fn failed(error: PoolError) -> StoreError {
    match error {
        PoolError::Store(source) => {
            Arc::try_unwrap(source).unwrap_or_else(|shared| StoreError::Unavailable(shared.into()))
        }
        other => StoreError::Unavailable(other.into()),
    }
}
