//! A run, from the first process to the judgement.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::court::{Court, News};
use super::crew::Crew;
use super::error::{BenchError, told};
use super::judgement::Judgement;
use super::options::KeyPoolBench;
use super::wire::Order;

/// No step but the calling takes longer, unless something is wrong.
const STEP: Duration = Duration::from_secs(60);

impl KeyPoolBench {
    /// Runs the bench, in at most its duration, its time to live and a few minutes, or until `stop` completes.
    ///
    /// # Errors
    ///
    /// Any [`BenchError`]; faults of the pool are part of the judgement.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<Judgement, BenchError> {
        self.check()?;
        let court = Court::open(self).await?;
        let crew = Crew::new(self.clone(), court.address, court.token.clone());
        let mut run =
            Run { bench: self, court, crew, ready: BTreeSet::new(), owns: false, kills: 0, began: None, called: None };
        let counted = tokio::select! {
            counted = run.steps() => counted.map(Some),
            () = stop => Ok(None),
        };
        let cleared = run.clear().await;
        let judgement = run.judgement(counted?);
        cleared.map(|()| judgement)
    }
}

struct Run<'a> {
    bench: &'a KeyPoolBench,
    court: Court,
    crew: Crew,
    /// Workers that have the pool.
    ready: BTreeSet<u32>,
    /// The pool is this run's: nobody else had keys or leases in it.
    owns: bool,
    kills: u64,
    began: Option<Instant>,
    /// How long the callers called.
    called: Option<Duration>,
}

/// What was there to take in the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) free: u32,
    pub(super) beyond: bool,
}

impl Run<'_> {
    async fn steps(&mut self) -> Result<Counted, BenchError> {
        let first = self.crew.hire(0).await?;
        self.all_done([first].into(), "reach the store").await?;
        self.court.order(first, Order::Prepare);
        self.all_done([first].into(), "put keys into the pool").await?;
        self.owns = true;
        let mut others = BTreeSet::new();
        for slot in 1..self.bench.processes {
            others.insert(self.crew.hire(slot).await?);
        }
        self.all_done(others, "reach the store").await?;
        self.call().await?;
        self.rest().await?;
        // By now everything has ended that nobody renews.
        tokio::time::sleep(self.bench.ttl + Duration::from_secs(1)).await;
        self.count(first).await
    }

    /// Leaves nothing of the run where others are.
    async fn clear(&mut self) -> Result<(), BenchError> {
        self.crew.dismiss().await?;
        if self.owns {
            self.bench.clear().await.map_err(|error| BenchError::Worker(told(&*error)))?;
        }
        Ok(())
    }

    /// Lets the callers call, and kills.
    async fn call(&mut self) -> Result<(), BenchError> {
        self.ready.iter().for_each(|worker| self.court.order(*worker, Order::Call));
        let began = Instant::now();
        self.began = Some(began);
        let end = tokio::time::sleep(self.bench.duration);
        tokio::pin!(end);
        let pause = || Duration::from_millis(rand::random_range(500..=900));
        let mut next_kill = tokio::time::Instant::now() + pause();
        loop {
            tokio::select! {
                () = &mut end => break,
                news = self.court.news.recv() => {
                    if let Some(worker) = self.done(news)? {
                        self.court.order(worker, Order::Call);
                    }
                }
                () = tokio::time::sleep_until(next_kill), if self.bench.kill => {
                    self.kill_one().await?;
                    // From the last one on, so that a slow start of another process makes none of them late.
                    next_kill += pause();
                }
            }
        }
        self.called = Some(began.elapsed());
        Ok(())
    }

    async fn kill_one(&mut self) -> Result<(), BenchError> {
        // Whoever is about to start holds nothing, and is the victim only if there is nobody else.
        let crew: Vec<u32> =
            if self.ready.is_empty() { self.crew.members().collect() } else { self.ready.iter().copied().collect() };
        let victim = crew[rand::random_range(0..crew.len())];
        if let Some(slot) = self.crew.kill(victim).await? {
            self.ready.remove(&victim);
            self.kills += 1;
            self.crew.hire(slot).await?;
        }
        Ok(())
    }

    async fn rest(&mut self) -> Result<(), BenchError> {
        let starting: Vec<u32> = self.crew.members().filter(|worker| !self.ready.contains(worker)).collect();
        for worker in starting {
            self.crew.kill(worker).await?;
        }
        self.ready.iter().for_each(|worker| self.court.order(*worker, Order::Rest));
        self.all_done(self.ready.clone(), "come to rest").await
    }

    /// Has somebody who was not there before take everything at once.
    async fn count(&mut self, first: u32) -> Result<Counted, BenchError> {
        let mut counts = first;
        if self.bench.is_shared() {
            counts = self.crew.hire(0).await?;
            self.all_done([counts].into(), "reach the store").await?;
        }
        self.court.order(counts, Order::Count);
        let counted = timeout(STEP, async {
            loop {
                match self.court.news.recv().await {
                    Some(News::Counted { free, beyond }) => return Ok::<_, BenchError>(Counted { free, beyond }),
                    news => drop(self.done(news)?),
                }
            }
        });
        let counted = counted.await.map_err(|_| BenchError::Late("count what is free"))??;
        self.court.order(counts, Order::Rest);
        self.all_done([counts].into(), "give everything back").await?;
        Ok(counted)
    }

    /// Waits until all these have done what they were told.
    async fn all_done(&mut self, mut workers: BTreeSet<u32>, what: &'static str) -> Result<(), BenchError> {
        let all = async {
            while !workers.is_empty() {
                let news = self.court.news.recv().await;
                if let Some(worker) = self.done(news)? {
                    workers.remove(&worker);
                }
            }
            Ok(())
        };
        timeout(STEP, all).await.map_err(|_| BenchError::Late(what))?
    }

    /// The worker that has done something, if that is the news.
    fn done(&mut self, news: Option<News>) -> Result<Option<u32>, BenchError> {
        match news {
            Some(News::Done(worker)) if self.crew.has(worker) => {
                self.ready.insert(worker);
                Ok(Some(worker))
            }
            Some(News::Left(worker)) if self.crew.has(worker) => Err(BenchError::WorkerEnded),
            Some(News::Broken(why)) => Err(BenchError::Worker(why)),
            _ => Ok(None),
        }
    }

    fn judgement(&self, counted: Option<Counted>) -> Judgement {
        let called = self.called.or_else(|| Some(self.began?.elapsed())).unwrap_or_default();
        Judgement::of(self.bench, &self.court.truth(), counted, self.kills, called)
    }
}
