//! Random schedules on several processes and on a pool in memory: both must do the same.

mod pair;
mod side;

use mt_paas_core::key_pool::{Moment, PoolLimits};

use super::ground::Ground;
use crate::stores::Violation;

use pair::Pair;

super::tests!("differential", true: several_processes_do_what_one_in_memory_does);

async fn several_processes_do_what_one_in_memory_does(ground: Ground) -> Result<(), Violation> {
    same_as_alone(ground, rand::random(), 200).await
}

/// Does `steps` random operations of a `seed` with three processes on empty ground, and with a pool in memory. Time stands
/// still.
///
/// # Errors
///
/// The first difference, with seed and step, so that it can be had again.
pub async fn same_as_alone(ground: Ground, seed: u64, steps: u32) -> Result<(), Violation> {
    ground.time().stop(Moment::from_micros(1_800_000_000_000_000));
    let limits = PoolLimits { per_user: 3, total: 9, ..PoolLimits::default() };
    let alone = ground.alone(limits);
    let shared =
        [ground.member(limits).await?.pool, ground.member(limits).await?.pool, ground.member(limits).await?.pool];
    let mut pair = Pair::new([alone.clone(), alone.clone(), alone], shared, seed);
    for step in 0..steps {
        pair.step().await.map_err(|violation| violation.after(format!("seed {seed}, step {step}")))?;
    }
    Ok(())
}
