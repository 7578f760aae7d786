//! One drawing's way through the worker: to a ciphertext, and from the reply to an answer.
//!
//! **Invariant:** a drawing that is encrypted once more is sent nowhere.

use std::rc::Rc;

use super::Teller;
use super::ask::answer;
use crate::evaluator;
use crate::failure::Failure;
use crate::link::Link;
use crate::protocol::{FromWorker, JobId, KeysId, Task, ToWorker};
use crate::state::{Answer, DigitAnswer, Measure, News};

/// A drawing that waits to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Its job.
    pub job: JobId,
    /// For each digit 28×28 numbers in `[0, 1]`.
    pub inputs: Rc<[Vec<f64>]>,
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

/// An encrypted drawing.
struct Query {
    encode: Measure,
    encrypt: Measure,
    ciphertext: Vec<u8>,
}

impl Reader<'_> {
    /// Has a drawing read, and tells the answer.
    pub async fn read(mut self, drawing: &Drawing) -> Result<(), Failure> {
        let job = drawing.job;
        self.tell.tell(News::Encrypting(job));
        let Query {
            encode,
            encrypt,
            ciphertext,
        } = self.encrypt(job, &drawing.inputs).await?;
        let sent = ciphertext.len();
        self.tell.tell(News::Encrypted {
            job,
            encode,
            encrypt,
            ciphertext: ciphertext.as_slice().into(),
        });

        let busy = self.tell.on_busy();
        self.tell.wait_for_server().await;
        let reply = evaluator::classify(self.session, self.model, &ciphertext, &busy).await?;
        self.tell.tell(News::Evaluated {
            job,
            upload: Measure::new(reply.upload_ms, sent),
            evaluate: Measure::time(reply.evaluate_ms),
            download: Measure::new(reply.download_ms, reply.reply.len()),
            reply: reply.reply.as_slice().into(),
        });

        let digits = u32::try_from(drawing.inputs.len()).unwrap_or(u32::MAX);
        let (measure, probabilities) = self.decrypt(job, digits, reply.reply).await?;
        let answer = Answer {
            model: self.model.to_owned(),
            digits: probabilities.into_iter().map(DigitAnswer::new).collect(),
        };
        self.tell.tell(News::Answered(job, measure, answer));
        Ok(())
    }

    /// Encrypts a drawing once more, and sends it nowhere. It needs no job of its own: nothing else
    /// is told of job 0.
    pub async fn encrypt_again(mut self, inputs: &[Vec<f64>]) -> Result<(), Failure> {
        let Query { ciphertext, .. } = self.encrypt(JobId::default(), inputs).await?;
        self.tell.tell(News::EncryptedAgain(ciphertext.into()));
        Ok(())
    }

    async fn encrypt(&mut self, job: JobId, inputs: &[Vec<f64>]) -> Result<Query, Failure> {
        self.link.tell(&ToWorker::Encrypt {
            keys: self.keys,
            job,
            inputs: inputs.to_vec(),
        })?;
        let query = answer(self.link, Task::Job(job), |message| match message {
            FromWorker::Query {
                job: of,
                encode_ms,
                encrypt_ms,
                ciphertext,
            } if of == job => Some(Query {
                encode: Measure::time(encode_ms),
                encrypt: Measure::new(encrypt_ms, ciphertext.len()),
                ciphertext,
            }),
            _ => None,
        });
        query.await
    }

    async fn decrypt(
        &mut self,
        job: JobId,
        digits: u32,
        reply: Vec<u8>,
    ) -> Result<(Measure, Vec<Vec<f64>>), Failure> {
        self.link.tell(&ToWorker::Decrypt {
            keys: self.keys,
            job,
            digits,
            reply,
        })?;
        let answer = answer(self.link, Task::Job(job), |message| match message {
            FromWorker::Answer {
                job: of,
                ms,
                probabilities,
            } if of == job => Some((Measure::time(ms), probabilities)),
            _ => None,
        });
        answer.await
    }
}
