//! How long two kinds of calls take, side by side.

use std::time::Instant;

use futures_util::future::BoxFuture;

use crate::client::Answer;
use crate::outcome::Stop;

/// Sends `rounds` calls of each of two kinds in turn and states both median times and how far they are apart.
pub(crate) async fn median_times(
    rounds: usize,
    call: impl Fn(usize) -> BoxFuture<'static, Result<Answer, Stop>>,
) -> Result<Stop, Stop> {
    let mut times = [Vec::with_capacity(rounds), Vec::with_capacity(rounds)];
    for round in 0..2 * rounds {
        let call = call(round % 2);
        let started = Instant::now();
        call.await?;
        times[round % 2].push(started.elapsed());
    }
    let [first, second] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e6
    });
    let apart = (first - second).abs() / first.max(second) * 100.0;
    Ok(Stop::Figure(format!("median {first:.0} µs and {second:.0} µs, {apart:.1} % apart")))
}
