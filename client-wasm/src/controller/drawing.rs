//! One drawing's way through the worker: to a ciphertext, and from the reply to an answer.
//!
//! **Invariant:** what the worker says of an earlier job or of keys is let pass.

use std::rc::Rc;

use super::Teller;
use crate::evaluator;
use crate::failure::Failure;
use crate::link::Link;
use crate::protocol::{FromWorker, JobId, KeysId, Task, ToWorker};
use crate::state::{Answer, Measure, News};

/// A drawing that waits to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Its job.
    pub job: JobId,
    /// 28×28 numbers in `[0, 1]`.
    pub input: Rc<[f64]>,
}

/// What a drawing is read with.
pub struct Reader<'a> {
    /// The worker.
    pub link: &'a mut Link,
    /// The secret key's name there.
    pub keys: KeysId,
    /// Id of the session that holds the evaluation keys.
    pub session: &'a str,
    /// Id of the model.
    pub model: &'a str,
    /// Who hears how it goes.
    pub tell: &'a Teller,
}

impl Reader<'_> {
    /// Has a drawing read, and tells the answer.
    pub async fn read(self, drawing: &Drawing) -> Result<(), Failure> {
        let Self {
            link,
            keys,
            session,
            model,
            tell,
        } = self;
        let job = drawing.job;
        tell.tell(News::Encrypting(job));
        let input = drawing.input.to_vec();
        link.tell(&ToWorker::Encrypt { keys, job, input })?;
        let (ms, ciphertext) = next_query(link, job).await?;
        let sent = ciphertext.len();
        tell.tell(News::Encrypted(job, Measure::new(ms, sent)));

        let reply = evaluator::classify(session, model, &ciphertext, tell.on_busy()).await?;
        tell.tell(News::Evaluated {
            job,
            upload: Measure::new(reply.upload_ms, sent),
            evaluate: Measure::time(reply.evaluate_ms),
            download: Measure::new(reply.download_ms, reply.reply.len()),
        });

        let reply = reply.reply;
        link.tell(&ToWorker::Decrypt { keys, job, reply })?;
        let (ms, class, probabilities) = next_answer(link, job).await?;
        let answer = Answer {
            model: model.to_owned(),
            class,
            probabilities,
        };
        tell.tell(News::Answered(job, Measure::time(ms), answer));
        Ok(())
    }
}

async fn next_query(link: &mut Link, job: JobId) -> Result<(f64, Vec<u8>), Failure> {
    loop {
        match link.next().await? {
            FromWorker::Query {
                job: of,
                ms,
                ciphertext,
            } if of == job => {
                return Ok((ms, ciphertext));
            }
            other => fail_if_meant(other, job)?,
        }
    }
}

async fn next_answer(link: &mut Link, job: JobId) -> Result<(f64, usize, Vec<f64>), Failure> {
    loop {
        match link.next().await? {
            FromWorker::Answer {
                job: of,
                ms,
                class,
                probabilities,
            } if of == job => {
                return Ok((ms, class as usize, probabilities));
            }
            other => fail_if_meant(other, job)?,
        }
    }
}

/// Lets everything pass that belongs to something earlier.
fn fail_if_meant(message: FromWorker, job: JobId) -> Result<(), Failure> {
    match message {
        FromWorker::Failed { task, reason } if task.is_none_or(|of| of == Task::Job(job)) => {
            Err(Failure::Crypto(reason))
        }
        _ => Ok(()),
    }
}
