//! How long a waiter waits for its lease after another was given back, beside bare hand-overs of the same kind.
//!
//! `cargo bench -p mt-paas-core --features sea-orm,redis --bench key_pool_handover -- [places]`; places are `memory`,
//! `sqlite`, `postgres`, `redis` and addresses of servers. A key for one call at once goes to and fro between two callers,
//! of one pool and of two with connections of their own. The controls are a `Notify`, looks at a file with the pool's own
//! pauses, `NOTIFY` and `PUBLISH`: bare, and with as many messages to the store as a pool needs. All take turns; each
//! figure is the median of the rounds.

#[path = "key_pool/bare.rs"]
mod bare;
#[path = "key_pool/hand_over.rs"]
mod hand_over;
#[path = "key_pool/place.rs"]
mod place;

use std::time::Duration;

use mt_paas_core::key_pool::PoolLimits;

use self::hand_over::{Caller, Ends, hand_overs};
use self::place::{Failure, Place, named, stock};

const ROUNDS: usize = 5;

/// One of those who take turns.
struct Contender {
    name: &'static str,
    ends: Option<Ends>,
    /// The 50th and the 99th part of a hundred of each round.
    p50: Vec<Duration>,
    p99: Vec<Duration>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    println!("from the release to the waiter having its lease:");
    for name in named(&["memory", "sqlite", "postgres", "redis"]) {
        match Place::new(&name).await {
            Ok(place) => {
                measure(&place).await?;
                place.remove().await?;
            }
            Err(fault) => println!("{name}: not measured, {fault}"),
        }
    }
    Ok(())
}

async fn measure(place: &Place) -> Result<(), Failure> {
    let (count, rest) = match place {
        // Longer than the longest pause between two looks.
        Place::Sqlite(_) => (150, Duration::from_millis(20)),
        _ => (500, Duration::from_millis(1)),
    };
    // A place for each of the two, so that they do not meet.
    let alone = beside(place).await?;
    let limits = PoolLimits::default();
    let (one, two) = (alone.pool(limits).await?, [place.pool(limits).await?, place.pool(limits).await?]);
    stock(&one, 1, 1).await?;
    stock(&two[0], 1, 1).await?;
    let mut contenders = vec![Contender::new("bare", bare::two(place, false).await?)];
    if !matches!(place, Place::Memory(_)) {
        contenders.push(Contender::new("with turns", bare::two(place, true).await?));
    }
    let control = contenders.len() - 1;
    contenders.push(Contender::new("one pool", Caller::two([&one, &one]).await?));
    contenders.push(Contender::new("two pools", Caller::two([&two[0], &two[1]]).await?));
    for round in 0..=ROUNDS {
        for contender in &mut contenders {
            // The first round is for connections and plans.
            contender.run(if round == 0 { count / 10 } else { count }, rest, round > 0).await?;
        }
    }
    println!("{}", place.name());
    let limit = contenders[control].p99() * 2 + Duration::from_millis(1);
    for (number, contender) in contenders.iter().enumerate() {
        let verdict = if number > control { format!(", wanted {:.0} µs", micros(limit)) } else { String::new() };
        let (p50, p99) = (micros(contender.p50()), micros(contender.p99()));
        println!("  {:<12} p50 {p50:>6.0} µs, p99 {p99:>6.0} µs{verdict}", contender.name);
    }
    drop((contenders, one, two));
    alone.remove().await
}

/// Another place of the kind; a pool alone in its process shares nothing.
async fn beside(place: &Place) -> Result<Place, Failure> {
    match place {
        Place::Process | Place::Memory(_) => Place::new("process").await,
        Place::Sqlite(_) => Place::new("sqlite").await,
        Place::Postgres { server, .. } | Place::Redis { server, .. } => Place::new(server).await,
    }
}

impl Contender {
    fn new(name: &'static str, ends: Ends) -> Self {
        Self { name, ends: Some(ends), p50: Vec::new(), p99: Vec::new() }
    }

    async fn run(&mut self, count: u32, rest: Duration, counts: bool) -> Result<(), Failure> {
        let ends = self.ends.take().ok_or("an earlier round failed")?;
        let (mut took, ends) = hand_overs(ends, count, rest).await?;
        self.ends = Some(ends);
        if counts {
            took.sort();
            self.p50.push(took[took.len() / 2]);
            self.p99.push(took[took.len() * 99 / 100]);
        }
        Ok(())
    }

    fn p50(&self) -> Duration {
        median(&self.p50)
    }

    fn p99(&self) -> Duration {
        median(&self.p99)
    }
}

fn median(rounds: &[Duration]) -> Duration {
    let mut rounds = rounds.to_vec();
    rounds.sort();
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
