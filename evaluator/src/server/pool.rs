//! Where the arithmetic runs: rayon threads of its own, away from the threads that answer HTTP.
//!
//! Knows jobs; doesn't know what they compute.
//!
//! **Invariant:** at most [`Queue::places`] jobs are running or waiting; one more is turned away at
//! once instead of queued, and one that waited for [`Queue::wait`] doesn't start. A thread that waits
//! for another one's part of a job works on others meanwhile. A job that panics fails alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// Threads for arithmetic, with a bounded number of jobs.
pub struct Pool {
    threads: ThreadPool,
    free: Arc<Semaphore>,
    queue: Queue,
    watch: Box<dyn Fn(Duration) + Send + Sync>,
}

/// How many jobs a pool takes on, and how long they may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Jobs running or waiting, at least one.
    pub places: usize,
    /// How long a job may wait for its turn.
    pub wait: Duration,
}

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PoolError {
    /// All places were taken.
    #[error("all {places} places are taken")]
    Full {
        /// How many there are.
        places: usize,
    },
    /// Its turn didn't come in time.
    #[error("its turn did not come within {limit:?}")]
    Waited {
        /// How long it might have waited.
        limit: Duration,
    },
    /// The job panicked: a mistake in it.
    #[error("the job panicked")]
    Panicked,
}

impl Pool {
    /// A pool of `threads` threads, at least one; `watch` is told how long each job waited.
    ///
    /// # Errors
    /// The threads can't be started.
    pub fn new(
        threads: usize,
        queue: Queue,
        watch: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Result<Self, ThreadPoolBuildError> {
        let threads = ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|number| format!("arithmetic-{number}"))
            .build()?;
        let places = queue.places.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self {
            threads,
            free: Arc::new(Semaphore::new(places)),
            queue: Queue { places, ..queue },
            watch: Box::new(watch),
        })
    }

    /// Runs `job` on the pool. A job whose caller went away before it started doesn't run.
    ///
    /// # Errors
    /// [`PoolError::Full`] at once, or [`PoolError::Waited`] or [`PoolError::Panicked`] afterwards.
    pub async fn run<T, F>(&self, job: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let job = self.spawn(self.place()?, job);
        self.turn(job.started, Instant::now()).await?;
        job.result.await.map_err(|_| PoolError::Panicked)
    }

    /// Runs `job` on every item, on as many threads as are free, and returns the results in the
    /// items' order. All of it takes one place. After a failure, or when the caller goes away,
    /// what has not started doesn't run.
    ///
    /// # Errors
    /// The failure of the first item in order that fails; [`PoolError`] as for [`Pool::run`].
    pub async fn run_each<I, T, E, F>(
        &self,
        items: impl IntoIterator<Item = I>,
        job: F,
    ) -> Result<Vec<T>, E>
    where
        I: Send + 'static,
        T: Send + 'static,
        E: From<PoolError> + Send + 'static,
        F: Fn(I) -> Result<T, E> + Send + Sync + 'static,
    {
        let (place, job) = (Arc::new(self.place()?), Arc::new(job));
        let spawn = |item| {
            let job = Arc::clone(&job);
            self.spawn(Arc::clone(&place), move || job(item))
        };
        let parts: Vec<_> = items.into_iter().map(spawn).collect();
        drop((place, job));
        let asked = Instant::now();
        let mut results = Vec::with_capacity(parts.len());
        for part in parts {
            // Behind the first, the parts wait for each other, and the whole has had its turn.
            if results.is_empty() {
                self.turn(part.started, asked).await?;
            }
            results.push(part.result.await.map_err(|_| PoolError::Panicked)??);
        }
        Ok(results)
    }

    /// Waits until a job starts.
    async fn turn(&self, started: oneshot::Receiver<()>, asked: Instant) -> Result<(), PoolError> {
        let limit = self.queue.wait;
        let turn = timeout(limit, started).await;
        (self.watch)(asked.elapsed());
        // Without a sender, the job has ended already.
        turn.map(drop).map_err(|_| PoolError::Waited { limit })
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, PoolError> {
        let places = self.queue.places;
        let free = Arc::clone(&self.free);
        free.try_acquire_owned()
            .map_err(|_| PoolError::Full { places })
    }

    /// Starts a job that holds a place. It doesn't run if nobody waits for its result when its turn
    /// comes, and gives none if it panics.
    fn spawn<T: Send + 'static>(
        &self,
        place: impl Send + 'static,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Started<T> {
        let (start, started) = oneshot::channel();
        let (sender, result) = oneshot::channel();
        self.threads.spawn(move || {
            if sender.is_closed() {
                return;
            }
            // Fails only if nobody waits for its turn.
            let _ = start.send(());
            // The job owns what it works on; nothing half-done outlives a panic.
            let result = catch_unwind(AssertUnwindSafe(job));
            drop(place);
            if let Ok(value) = result {
                // Fails only if the caller went away meanwhile.
                let _ = sender.send(value);
            }
        });
        Started { started, result }
    }

    /// Jobs running or waiting.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.queue.places - self.free.available_permits()
    }
}

/// A job that was handed to the threads.
struct Started<T> {
    /// Says that its turn has come.
    started: oneshot::Receiver<()>,
    result: oneshot::Receiver<T>,
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    fn pool(threads: usize, places: usize) -> Pool {
        let wait = Duration::from_secs(60);
        Pool::new(threads, Queue { places, wait }, |_| {}).expect("threads")
    }

    #[actix_web::test]
    async fn a_job_whose_turn_does_not_come_is_not_run() {
        let waited = Arc::new(Mutex::new(Vec::new()));
        let sees = Arc::clone(&waited);
        let watch = move |time| sees.lock().expect("no panic").push(time);
        let limit = Duration::from_millis(500);
        let queue = Queue {
            places: 9,
            wait: limit,
        };
        let pool = Arc::new(Pool::new(1, queue, watch).expect("threads"));
        let (release, wait) = mpsc::channel::<()>();
        let busy = Arc::clone(&pool);
        let first =
            actix_web::rt::spawn(async move { busy.run(move || wait.recv().is_ok()).await });
        while waited.lock().expect("no panic").is_empty() {
            actix_web::rt::task::yield_now().await;
        }
        let (ran, runs) = mpsc::channel();
        let late = pool.run(move || ran.send(())).await;
        assert!(matches!(late, Err(PoolError::Waited { .. })));
        release.send(()).expect("the first job waits");
        assert_eq!(
            first.await.expect("task"),
            Ok(true),
            "it may run for longer than others may wait"
        );
        assert_eq!(pool.run(|| 4).await, Ok(4));
        assert!(runs.recv().is_err(), "the late job ran");
        let waited = waited.lock().expect("no panic");
        assert!(waited.len() == 3 && waited[1] >= limit, "{waited:?}");
    }

    #[actix_web::test]
    async fn one_job_too_many_is_turned_away_at_once() {
        let pool = Arc::new(pool(1, 2));
        let (release, wait) = mpsc::channel::<()>();
        let busy = Arc::clone(&pool);
        let first =
            actix_web::rt::spawn(async move { busy.run(move || wait.recv().is_ok()).await });
        let busy = Arc::clone(&pool);
        let second = actix_web::rt::spawn(async move { busy.run(|| 2).await });
        while pool.in_flight() < 2 {
            actix_web::rt::task::yield_now().await;
        }
        assert_eq!(pool.run(|| 3).await, Err(PoolError::Full { places: 2 }));
        release.send(()).expect("the first job waits");
        assert_eq!(first.await.expect("task"), Ok(true));
        assert_eq!(second.await.expect("task"), Ok(2));
        assert_eq!(pool.run(|| 4).await, Ok(4));
        assert_eq!(pool.in_flight(), 0);
    }

    #[actix_web::test]
    async fn a_panic_fails_its_own_job_only() {
        let pool = pool(1, 1);
        let failed: Result<(), _> = pool
            .run(|| std::panic::resume_unwind(Box::new("test")))
            .await;
        assert_eq!(failed, Err(PoolError::Panicked));
        assert_eq!(pool.run(|| 1).await, Ok(1));
    }
    /// A job that fails for `bad` items, with the items it has seen.
    async fn run_each(
        pool: &Pool,
        bad: &'static [usize],
    ) -> (Result<Vec<usize>, Failure>, Vec<usize>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sees = Arc::clone(&seen);
        let result = pool.run_each(0..9, move |item| {
            sees.lock().expect("no panic").push(item);
            if bad.contains(&item) {
                return Err(Failure::Item(item));
            }
            Ok(10 * item)
        });
        let result = result.await;
        let mut seen = seen.lock().expect("no panic").clone();
        seen.sort_unstable();
        (result, seen)
    }

    #[derive(Debug, PartialEq)]
    enum Failure {
        Item(usize),
        Pool(PoolError),
    }

    impl From<PoolError> for Failure {
        fn from(error: PoolError) -> Self {
            Self::Pool(error)
        }
    }

    #[actix_web::test]
    async fn parts_keep_their_order() {
        let pool = pool(4, 1);
        let (result, seen) = run_each(&pool, &[]).await;
        assert_eq!(result, Ok((0..9).map(|item| 10 * item).collect()));
        assert_eq!(seen, (0..9).collect::<Vec<_>>());
        assert_eq!(pool.in_flight(), 0);
        let (result, _) = run_each(&pool, &[7, 3, 5]).await;
        assert_eq!(result, Err(Failure::Item(3)), "the first in order");
    }

    #[actix_web::test]
    async fn all_parts_have_one_place() {
        let pool = Arc::new(pool(2, 1));
        let (release, wait) = mpsc::channel::<()>();
        let (busy, wait) = (Arc::clone(&pool), Mutex::new(wait));
        let parts = actix_web::rt::spawn(async move {
            let job = move |_| match wait.lock() {
                Ok(wait) => Ok(wait.recv().is_ok()),
                Err(_) => Err(PoolError::Panicked),
            };
            busy.run_each(0..3, job).await
        });
        while pool.in_flight() == 0 {
            actix_web::rt::task::yield_now().await;
        }
        let full = Err(Failure::Pool(PoolError::Full { places: 1 }));
        assert_eq!(run_each(&pool, &[]).await, (full, vec![]));
        drop(release);
        assert_eq!(parts.await.expect("task"), Ok(vec![false; 3]));
        assert_eq!(pool.in_flight(), 0);
    }
}
