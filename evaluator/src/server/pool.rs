//! Where the arithmetic runs: rayon threads of its own, away from the threads that answer HTTP.
//!
//! Knows jobs; doesn't know what they compute.
//!
//! **Invariant:** at most `places` jobs are running or waiting; one more is turned away at once
//! instead of queued. A job that panics fails alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use thiserror::Error;
use tokio::sync::{Semaphore, oneshot};

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
        let place = Arc::clone(&self.free)
            .try_acquire_owned()
            .map_err(|_| PoolError::Full {
                places: self.places,
            })?;
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
        receiver.await.map_err(|_| PoolError::Panicked)
    }

    /// Jobs running or waiting.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.places - self.free.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

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
}
