//! Waiting for the worker's answer.
//!
//! **Invariant:** what the worker says of something earlier is let pass.

use crate::failure::Failure;
use crate::link::Link;
use crate::protocol::{FromWorker, Task};

/// Waits for the answer about `task` that `pick` takes.
///
/// # Errors
/// [`Failure::Crypto`] if the worker can't do it, or [`Failure::Link`].
pub async fn answer<T>(
    link: &mut Link,
    task: Task,
    mut pick: impl FnMut(FromWorker) -> Option<T>,
) -> Result<T, Failure> {
    loop {
        match link.next().await? {
            FromWorker::Failed { task: of, reason } if of.is_none_or(|of| of == task) => {
                return Err(Failure::Crypto(reason));
            }
            message => {
                if let Some(answer) = pick(message) {
                    return Ok(answer);
                }
            }
        }
    }
}
