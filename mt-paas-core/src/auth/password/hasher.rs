//! The work of hashing, which must not keep everybody else waiting.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

use super::algorithm::{Broken, HashAlgorithm};
use super::hash::PasswordHash;
use crate::secret::Secret;

/// Makes hashes of passwords and checks passwords against them. Cloning is cheap; clones share their places.
///
/// # Work
///
/// A hash takes a core for tens of milliseconds. It runs on a blocking thread, on so many at once as
/// [`HasherOptions::at_once`] says; callers beyond these wait in the order they came in, and callers beyond
/// [`HasherOptions::waiting`] are turned away. Futures may be dropped at any time. Work that has begun then goes on to its
/// end, and only there gives its place back.
///
/// # Spelling
///
/// The same character can be written in several ways; a Korean syllable, for one, as one character or as its letters. New
/// hashes are made of the NFKC form of a password, as NIST SP 800-63B has it. Hashes of earlier services were made of what
/// was typed, so that is tried as well where it differs, and the hash replaced when it was right.
#[derive(Debug, Clone)]
pub struct PasswordHasher {
    algorithm: HashAlgorithm,
    /// What unknown users are checked against.
    decoy: Arc<PasswordHash>,
    /// A permit for everybody who waits or is served.
    line: Arc<Semaphore>,
    /// A permit for everybody who is served.
    places: Arc<Semaphore>,
}

/// How a [`PasswordHasher`] works.
#[derive(Debug, Clone, Copy)]
pub struct HasherOptions {
    /// What new hashes are made with.
    pub algorithm: HashAlgorithm,
    /// How many hashes are worked on at once; by default one less than there are cores, and at least one.
    pub at_once: NonZeroUsize,
    /// How many callers may wait; by default 256.
    pub waiting: usize,
}

impl Default for HasherOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let at_once = NonZeroUsize::new(cores - 1).unwrap_or(NonZeroUsize::MIN);
        Self { algorithm: HashAlgorithm::default(), at_once, waiting: 256 }
    }
}

/// What the check of a password found.
#[derive(Debug)]
pub enum Verified {
    /// Another password, or no such user.
    Wrong,
    /// The password is right.
    Right {
        /// A hash to store in place of the one that was checked, which is of an old form, weaker than new ones, or of
        /// another spelling.
        rehash: Option<PasswordHash>,
    },
}

/// A password was not hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashingError {
    /// Too many callers wait already.
    #[error("too many passwords are being checked; try again in a moment")]
    Overloaded,
    /// The work broke off, for want of memory for example.
    #[error("the password could not be hashed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl PasswordHasher {
    /// A hasher with places of its own. A process needs one.
    pub fn new(options: HasherOptions) -> Self {
        let HasherOptions { algorithm, at_once, waiting } = options;
        // Semaphores panic beyond their maximum.
        let line = at_once.get().saturating_add(waiting).min(Semaphore::MAX_PERMITS);
        Self {
            algorithm,
            decoy: Arc::new(algorithm.decoy()),
            line: Arc::new(Semaphore::new(line)),
            places: Arc::new(Semaphore::new(at_once.get().min(Semaphore::MAX_PERMITS))),
        }
    }

    /// A new hash of a password, all of it. Whether the password is good enough is for a
    /// [policy](crate::auth::PasswordPolicy) to say.
    ///
    /// # Errors
    ///
    /// [`HashingError::Overloaded`], [`HashingError::Failed`].
    pub async fn hash(&self, password: &Secret<String>) -> Result<PasswordHash, HashingError> {
        let (algorithm, password) = (self.algorithm, password.clone());
        self.work(move || algorithm.hash(normal(&password).as_bytes())).await
    }

    /// Checks a password against what is stored for a user, or against nothing if there is no such user.
    ///
    /// An unknown user takes as long as a known one with a hash of this hasher's algorithm or of a weaker PBKDF2.
    ///
    /// # Errors
    ///
    /// [`HashingError::Overloaded`], [`HashingError::Failed`].
    pub async fn verify(
        &self,
        password: &Secret<String>,
        stored: Option<&PasswordHash>,
    ) -> Result<Verified, HashingError> {
        let (algorithm, password) = (self.algorithm, password.clone());
        let known = stored.is_some();
        let against = stored.map_or_else(|| self.decoy.clone(), |hash| Arc::new(hash.clone()));
        self.work(move || check(algorithm, &password, &against, known)).await
    }

    /// Does slow work in a place of its own.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, HashingError> {
        let place = self.place().await?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        match done.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(HashingError::Failed(error)),
            Err(error) => Err(HashingError::Failed(error.into())),
        }
    }

    /// Waits for a place, in the order of arrival.
    async fn place(&self) -> Result<Place, HashingError> {
        let in_line = self.line.clone().try_acquire_owned().map_err(|_| HashingError::Overloaded)?;
        let served = self.places.clone().acquire_owned().await.map_err(|error| HashingError::Failed(error.into()))?;
        Ok(Place { _in_line: in_line, _served: served })
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self::new(HasherOptions::default())
    }
}

/// The right to work, until dropped.
struct Place {
    _in_line: OwnedSemaphorePermit,
    _served: OwnedSemaphorePermit,
}

/// Checks `password` against `stored`, which is a decoy unless `known`.
fn check(
    algorithm: HashAlgorithm,
    password: &Secret<String>,
    stored: &PasswordHash,
    known: bool,
) -> Result<Verified, Broken> {
    let normal = normal(password);
    // What was typed comes second, also for decoys: how long this takes says something of the guess and nothing of users.
    for spelling in spellings(&normal, password.expose()) {
        if stored.matches(spelling.as_bytes())? && known {
            let keep = spelling == normal && !algorithm.outdates(stored);
            let rehash = if keep { None } else { Some(algorithm.hash(normal.as_bytes())?) };
            return Ok(Verified::Right { rehash });
        }
        if let Some(rest) = algorithm.0.shortfall(stored.algorithm) {
            rest.digest(spelling.as_bytes(), &stored.salt, stored.digest.len())?;
        }
    }
    Ok(Verified::Wrong)
}

/// The ways in which a password may have been written when its hash was made.
fn spellings<'a>(normal: &'a str, typed: &'a str) -> impl Iterator<Item = &'a str> {
    [Some(normal), (typed != normal).then_some(typed)].into_iter().flatten()
}

fn normal(password: &Secret<String>) -> String {
    password.expose().nfkc().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn hasher(at_once: usize, waiting: usize) -> PasswordHasher {
        let at_once = NonZeroUsize::new(at_once).unwrap();
        PasswordHasher::new(HasherOptions { algorithm: HashAlgorithm::FOR_TESTS, at_once, waiting })
    }

    /// Work that goes on until it is told to end.
    fn gate() -> (mpsc::Sender<()>, impl FnOnce() -> Result<(), Broken> + Send + 'static) {
        let (open, closed) = mpsc::channel::<()>();
        (open, move || {
            let _ = closed.recv();
            Ok(())
        })
    }

    #[test]
    fn whatever_an_unknown_user_is_checked_against_does_not_let_them_in() {
        let password = Secret::from("correct horse");
        let stored = HashAlgorithm::FOR_TESTS.hash(b"correct horse").unwrap();
        let answer = |known| check(HashAlgorithm::FOR_TESTS, &password, &stored, known).unwrap();
        assert!(matches!(answer(true), Verified::Right { rehash: None }));
        assert!(matches!(answer(false), Verified::Wrong));
    }

    /// The most that were at work at once, of `callers`.
    async fn most_at_once(callers: usize, work: impl AsyncFn(Box<dyn FnOnce() + Send>) + Clone + 'static) -> usize {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks = tokio::task::LocalSet::new();
        for _ in 0..callers {
            let (now, most, work) = (now.clone(), most.clone(), work.clone());
            tasks.spawn_local(async move {
                work(Box::new(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    now.fetch_sub(1, Ordering::SeqCst);
                }))
                .await;
            });
        }
        tasks.await;
        most.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn no_more_hashes_than_places_are_worked_on() {
        for places in [1, 3] {
            let hasher = hasher(places, 64);
            let work = async move |work: Box<dyn FnOnce() + Send>| {
                let done = hasher.work(move || {
                    work();
                    Ok(())
                });
                done.await.unwrap();
            };
            let most = most_at_once(40, work).await;
            assert!((1..=places).contains(&most), "{most} at once in {places} places");
        }
        // The control: without places, more are at work.
        let free = async |work: Box<dyn FnOnce() + Send>| tokio::task::spawn_blocking(work).await.unwrap();
        assert!(most_at_once(40, free).await > 3);
    }

    #[tokio::test]
    async fn callers_are_served_in_the_order_they_came_in() {
        let hasher = hasher(1, 64);
        let (open, closed) = gate();
        let mut first = std::pin::pin!(hasher.work(closed));
        assert!(timeout(Duration::ZERO, &mut first).await.is_err());
        let served = Arc::new(Mutex::new(Vec::new()));
        let callers = (0..20).map(|number| {
            let served = served.clone();
            let mut caller = Box::pin(hasher.work(move || {
                served.lock().unwrap().push(number);
                Ok(())
            }));
            // Comes in now.
            let waker = std::task::Waker::noop();
            assert!(caller.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
            caller
        });
        let callers: Vec<_> = callers.collect();
        open.send(()).unwrap();
        first.await.unwrap();
        for caller in callers {
            caller.await.unwrap();
        }
        assert!(served.lock().unwrap().iter().copied().eq(0..20));
    }

    #[tokio::test]
    async fn a_caller_who_leaves_frees_a_place_when_the_work_is_over_and_not_before() {
        let hasher = hasher(1, 1);
        let (open, closed) = gate();
        assert!(timeout(Duration::from_millis(20), hasher.work(closed)).await.is_err(), "left while working");
        assert_eq!(hasher.places.available_permits(), 0);
        assert!(timeout(Duration::from_millis(20), hasher.work(|| Ok(()))).await.is_err(), "waits, and leaves");
        assert_eq!(hasher.line.available_permits(), 1, "who waited has left, who works has not");
        open.send(()).unwrap();
        timeout(Duration::from_secs(10), hasher.work(|| Ok(()))).await.unwrap().unwrap();
        assert_eq!((hasher.places.available_permits(), hasher.line.available_permits()), (1, 2));
    }

    #[tokio::test]
    async fn who_finds_the_line_full_is_turned_away_at_once() {
        let hasher = hasher(1, 2);
        let (open, closed) = gate();
        let mut callers: Vec<std::pin::Pin<Box<dyn Future<Output = _>>>> = vec![Box::pin(hasher.work(closed))];
        callers.extend((0..2).map(|_| Box::pin(hasher.work(|| Ok(()))) as _));
        for caller in &mut callers {
            assert!(timeout(Duration::ZERO, caller).await.is_err());
        }
        let password = Secret::from("one too many");
        assert!(matches!(hasher.hash(&password).await, Err(HashingError::Overloaded)));
        assert!(matches!(hasher.verify(&password, None).await, Err(HashingError::Overloaded)));
        open.send(()).unwrap();
        for caller in callers {
            caller.await.unwrap();
        }
        assert!(hasher.hash(&password).await.is_ok());
    }

    #[tokio::test]
    async fn work_that_breaks_off_gives_its_place_back() {
        let hasher = hasher(1, 0);
        let broken = hasher.work(|| -> Result<(), _> { std::panic::resume_unwind(Box::new("broken")) }).await;
        assert!(matches!(broken, Err(HashingError::Failed(_))));
        let refused = hasher.work(|| Err::<(), _>(argon2::Error::OutOfMemory.into())).await;
        assert!(matches!(refused, Err(HashingError::Failed(_))));
        assert!(hasher.work(|| Ok(())).await.is_ok());
    }
}
