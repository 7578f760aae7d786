//! Where the arithmetic runs: rayon threads of its own, away from the threads that answer HTTP.
//!
//! Knows jobs; doesn't know what they compute.
//!
//! **Invariant:** at most `places` jobs are running or waiting; one more is turned away at once
//! instead of queued. A thread that waits for another one's part of a job works on others meanwhile.
//! A job that panics fails alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Threads for arithmetic, with a bounded number of jobs.
pub struct Pool {
    threads: ThreadPool,
    free: Arc<Semaphore>,
    places: usize,
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
    /// The job panicked: a mistake in it.
    #[error("the job panicked")]
    Panicked,
}

impl Pool {
    /// A pool of `threads` threads that takes `places` jobs at a time, at least one of each.
    ///
    /// # Errors
    /// The threads can't be started.
    pub fn new(threads: usize, places: usize) -> Result<Self, ThreadPoolBuildError> {
        let threads = ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|number| format!("arithmetic-{number}"))
            .build()?;
        let places = places.clamp(1, Semaphore::MAX_PERMITS);
        Ok(Self {
            threads,
            free: Arc::new(Semaphore::new(places)),
            places,
        })
    }

    /// Runs `job` on the pool. A job whose caller went away before it started doesn't run.
    ///
    /// # Errors
    /// [`PoolError::Full`] at once, or [`PoolError::Panicked`] afterwards.
    pub async fn run<T, F>(&self, job: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let result = self.spawn(self.place()?, job);
        result.await.map_err(|_| PoolError::Panicked)
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
        let mut results = Vec::with_capacity(parts.len());
        for part in parts {
            results.push(part.await.map_err(|_| PoolError::Panicked)??);
        }
        Ok(results)
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, PoolError> {
        let places = self.places;
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
    ) -> oneshot::Receiver<T> {
        let (sender, receiver) = oneshot::channel();
        self.threads.spawn(move || {
            if sender.is_closed() {
                return;
            }
            // The job owns what it works on; nothing half-done outlives a panic.
            let result = catch_unwind(AssertUnwindSafe(job));
            drop(place);
            if let Ok(value) = result {
                // Fails only if the caller went away meanwhile.
                let _ = sender.send(value);
            }
        });
        receiver
    }

    /// Jobs running or waiting.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.places - self.free.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    #[actix_web::test]
    async fn one_job_too_many_is_turned_away_at_once() {
        let pool = Arc::new(Pool::new(1, 2).expect("threads"));
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
        let pool = Pool::new(1, 1).expect("threads");
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
        let pool = Pool::new(4, 1).expect("threads");
        let (result, seen) = run_each(&pool, &[]).await;
        assert_eq!(result, Ok((0..9).map(|item| 10 * item).collect()));
        assert_eq!(seen, (0..9).collect::<Vec<_>>());
        assert_eq!(pool.in_flight(), 0);
        let (result, _) = run_each(&pool, &[7, 3, 5]).await;
        assert_eq!(result, Err(Failure::Item(3)), "the first in order");
    }

    #[actix_web::test]
    async fn all_parts_have_one_place() {
        let pool = Arc::new(Pool::new(2, 1).expect("threads"));
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
