//! The work in the background, step by step: worker, keys, session, and one drawing after another.
//!
//! Knows the order of things and what is missing; has the worker do the secret part and
//! [`evaluator`] the public one, and tells the page about both.
//!
//! **Invariant:** of a drawing only its ciphertext is handed to [`evaluator`]. Keys are made once
//! for each worker and model, and uploaded once for each session: the first time while they are
//! made, later in one request. What the server refused is not
//! sent again: the next attempt starts from its list of models.

use std::pin::pin;

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use futures_util::future::{Either, join, select};
use shared::api::{ModelInfo, SessionInfo};
use yew::Callback;

use crate::evaluator::{self, Uploaded};
use crate::failure::Failure;
use crate::http::now;
use crate::link::Link;
use crate::protocol::{FromWorker, JobId, ToWorker};
use crate::state::{Answer, Measure, Model, News};

/// What the page wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Make ready what isn't: worker, keys, session.
    Open,
    /// Read a drawing, given as 28×28 numbers in `[0, 1]`.
    Read(JobId, Vec<f64>),
    /// Drop the drawing that is being read.
    Forget,
}

/// Follows the page's commands until it closes. A command that comes while a drawing is being
/// read ends that reading.
pub async fn run(tell: Callback<News>, mut commands: UnboundedReceiver<Command>) {
    let mut controller = Controller {
        tell,
        link: None,
        keys: None,
        model: None,
        session: None,
    };
    let mut interrupted_by = None;
    loop {
        let command = match interrupted_by.take() {
            Some(command) => Some(command),
            None => commands.next().await,
        };
        let done = match command {
            None => return,
            Some(Command::Forget) => Ok(None),
            Some(Command::Open) => controller.open().await.map(|()| None),
            Some(Command::Read(job, input)) => controller.read(job, &input, &mut commands).await,
        };
        match done {
            Ok(command) => interrupted_by = command,
            Err(failure) => controller.give_up(failure),
        }
    }
}

struct Controller {
    tell: Callback<News>,
    /// The worker; it holds the secret key.
    link: Option<Link>,
    /// The evaluation keys the worker has made for `model`.
    keys: Option<Vec<u8>>,
    model: Option<ModelInfo>,
    session: Option<SessionInfo>,
}

impl Controller {
    /// Makes ready what isn't.
    async fn open(&mut self) -> Result<(), Failure> {
        let busy = self.on_busy();
        // The worker loads while the server answers.
        let link = match &mut self.link {
            Some(link) => link,
            none => none.insert(Link::start()?),
        };
        let model = match &mut self.model {
            Some(model) => model,
            none => {
                let model = evaluator::model(busy.clone()).await?;
                self.tell.emit(News::ModelChosen(public_part(&model)));
                none.insert(model)
            }
        };
        let keys = match &mut self.keys {
            Some(keys) => keys,
            none => {
                let (sender, pieces) = unbounded();
                let made = make_keys(link, model, &self.tell, sender);
                let sent = upload_pieces(pieces, &self.tell, busy.clone());
                let (made, sent) = join(made, sent).await;
                let keys = none.insert(made?);
                // Later the keys are there to go up again, all at once.
                self.session = match sent {
                    Err(failure) if evaluator::is_upload_gone(&failure) => None,
                    sent => sent?,
                };
                keys
            }
        };
        if self.session.is_none() {
            self.session = Some(upload(keys, &self.tell, busy).await?);
        }
        self.tell.emit(News::Ready);
        Ok(())
    }

    /// Reads a drawing, or returns the command that interrupted it.
    async fn read(
        &mut self,
        job: JobId,
        input: &[f64],
        commands: &mut UnboundedReceiver<Command>,
    ) -> Result<Option<Command>, Failure> {
        self.open().await?;
        for keys_are_new in [false, true] {
            let failure = match select(pin!(self.try_read(job, input)), commands.next()).await {
                Either::Right((command, _)) => return Ok(command),
                Either::Left((Ok(()), _)) => return Ok(None),
                Either::Left((Err(failure), _)) => failure,
            };
            if !evaluator::is_session_gone(&failure) {
                return Err(failure);
            }
            self.session = None;
            if keys_are_new {
                break;
            }
            self.tell.emit(News::SessionGone);
            self.open().await?;
        }
        Err(Failure::SessionLost)
    }

    async fn try_read(&mut self, job: JobId, input: &[f64]) -> Result<(), Failure> {
        let busy = self.on_busy();
        let (Some(link), Some(model), Some(session)) = (&mut self.link, &self.model, &self.session)
        else {
            return Err(Failure::SessionLost);
        };

        self.tell.emit(News::Encrypting(job));
        link.tell(&ToWorker::Encrypt {
            job,
            input: input.to_vec(),
        })?;
        let (ms, ciphertext) = next_query(link, job).await?;
        let sent = ciphertext.len();
        self.tell.emit(News::Encrypted(job, Measure::new(ms, sent)));

        let reply = evaluator::classify(&session.id, &model.id, &ciphertext, busy).await?;
        self.tell.emit(News::Evaluated {
            job,
            upload: Measure::new(reply.upload_ms, sent),
            evaluate: Measure::time(reply.evaluate_ms),
            download: Measure::new(reply.download_ms, reply.reply.len()),
        });

        link.tell(&ToWorker::Decrypt {
            job,
            reply: reply.reply,
        })?;
        let (ms, answer) = next_answer(link, job).await?;
        self.tell
            .emit(News::Answered(job, Measure::time(ms), answer));
        Ok(())
    }

    /// Tells of a failure, and drops what can't be used again.
    fn give_up(&mut self, failure: Failure) {
        match failure {
            // The secret key went with the worker, so the evaluation keys are of no more use.
            Failure::Link(_) => {
                self.link = None;
                self.keys = None;
                self.session = None;
            }
            // The server may have another model by now, and that needs other keys.
            Failure::Refused(_) | Failure::Crypto(_) => {
                self.model = None;
                self.keys = None;
                self.session = None;
            }
            _ => {}
        }
        self.tell.emit(News::Failed(failure));
    }

    fn on_busy(&self) -> impl Fn(u32) + Clone + use<> {
        let tell = self.tell.clone();
        move |seconds| tell.emit(News::Busy(seconds))
    }
}

fn public_part(info: &ModelInfo) -> Model {
    Model {
        id: info.id.clone(),
        description: info.description.clone(),
        classes: info.output.classes.clone(),
    }
}

/// A piece of the evaluation keys on its way up.
struct Piece {
    bytes: Vec<u8>,
    /// Bytes of all pieces.
    total: u64,
}

async fn make_keys(
    link: &mut Link,
    model: &ModelInfo,
    tell: &Callback<News>,
    made_pieces: UnboundedSender<Piece>,
) -> Result<Vec<u8>, Failure> {
    let model = serde_json::to_string(model).map_err(|error| Failure::Crypto(error.to_string()))?;
    link.listening().await?;
    tell.emit(News::KeysProgress { made: 0, pieces: 0 });
    link.tell(&ToWorker::MakeKeys { model })?;
    let mut keys = Vec::new();
    loop {
        match link.next().await? {
            FromWorker::KeyPiece {
                made,
                pieces,
                total,
                bytes,
            } => {
                keys.extend_from_slice(&bytes);
                tell.emit(News::KeysProgress { made, pieces });
                // Nobody takes it once the upload has failed.
                let _not_sent = made_pieces.unbounded_send(Piece { bytes, total });
            }
            FromWorker::KeysMade { ms } => {
                tell.emit(News::KeysMade(Measure::new(ms, keys.len())));
                return Ok(keys);
            }
            FromWorker::Failed { job: None, reason } => return Err(Failure::Crypto(reason)),
            _ => {} // The end of an earlier job.
        }
    }
}

/// Uploads keys as they are made: while some are on their way, the next ones gather. Ends without
/// a session if the pieces end too early.
async fn upload_pieces(
    mut pieces: UnboundedReceiver<Piece>,
    tell: &Callback<News>,
    busy: impl Fn(u32) + Clone,
) -> Result<Option<SessionInfo>, Failure> {
    let start = now();
    let Some(Piece {
        bytes: header,
        total,
    }) = pieces.next().await
    else {
        return Ok(None);
    };
    let upload = evaluator::begin_upload(&header, busy.clone()).await?;
    let mut sent = header.len() as u64;
    while let Some(Piece {
        bytes: mut part, ..
    }) = pieces.next().await
    {
        while let Ok(Piece { mut bytes, .. }) = pieces.try_recv() {
            part.append(&mut bytes);
        }
        let on_progress = {
            let tell = tell.clone();
            move |more| {
                let sent = sent + more;
                tell.emit(News::UploadProgress { sent, total });
            }
        };
        let done = evaluator::upload_keys(&upload.id, &part, on_progress, busy.clone()).await?;
        sent += part.len() as u64;
        if let Uploaded::All(session) = done {
            let measure = Measure::new(now() - start, sent as usize);
            tell.emit(News::SessionOpened(session.clone(), measure));
            return Ok(Some(session));
        }
    }
    Ok(None)
}

async fn upload(
    keys: &[u8],
    tell: &Callback<News>,
    busy: impl Fn(u32),
) -> Result<SessionInfo, Failure> {
    let start = now();
    let total = keys.len() as u64;
    let on_progress = {
        let tell = tell.clone();
        move |sent| tell.emit(News::UploadProgress { sent, total })
    };
    on_progress(0);
    let session = evaluator::open_session(keys, on_progress, busy).await?;
    let measure = Measure::new(now() - start, keys.len());
    tell.emit(News::SessionOpened(session.clone(), measure));
    Ok(session)
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

async fn next_answer(link: &mut Link, job: JobId) -> Result<(f64, Answer), Failure> {
    loop {
        match link.next().await? {
            FromWorker::Answer {
                job: of,
                ms,
                class,
                probabilities,
            } if of == job => {
                return Ok((
                    ms,
                    Answer {
                        class: class as usize,
                        probabilities,
                    },
                ));
            }
            other => fail_if_meant(other, job)?,
        }
    }
}

/// Lets everything pass that belongs to an earlier job.
fn fail_if_meant(message: FromWorker, job: JobId) -> Result<(), Failure> {
    match message {
        FromWorker::Failed { job: of, reason } if of.is_none_or(|of| of == job) => {
            Err(Failure::Crypto(reason))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use shared::api::{API_VERSION, InputSpec, KeySpec, OutputSpec, Problem};
    use shared::packing::{InputPacking, OutputPacking};
    use shared::params::ParameterSpec;
    use shared::ring::Level;

    use super::*;
    use crate::link::LinkError;

    fn model() -> ModelInfo {
        ModelInfo {
            api_version: API_VERSION,
            id: "gone".into(),
            description: String::new(),
            parameters: ParameterSpec {
                name: String::new(),
                log_n: 0,
                levels: Vec::new(),
                special: Vec::new(),
            },
            input: InputSpec {
                shape: [28, 28],
                packing: InputPacking {
                    period: 1,
                    repeat: 1,
                    sources: vec![vec![0]],
                },
                scale: 1.0,
                level: Level(0),
            },
            output: OutputSpec {
                classes: Vec::new(),
                packing: OutputPacking {
                    classes: 1,
                    zeros: 0,
                    copies: 1,
                },
                scale: 1.0,
                log_modulus: 15,
                bound: 1.0,
            },
            bulk: None,
            keys: KeySpec::default(),
        }
    }

    /// Whether model, keys and session are still there after a failure.
    #[track_caller]
    fn check_kept(failure: &Failure, expected: [bool; 3]) {
        let mut controller = Controller {
            tell: Callback::noop(),
            link: None, // Needs a browser.
            keys: Some(vec![1]),
            model: Some(model()),
            session: Some(SessionInfo {
                id: "5e55".into(),
                expires_in_s: 600,
                key_bytes: 1,
            }),
        };
        controller.give_up(failure.clone());
        let kept = [
            controller.model.is_some(),
            controller.keys.is_some(),
            controller.session.is_some(),
        ];
        assert_eq!(kept, expected, "{failure:?}");
    }

    #[test]
    fn a_retry_starts_from_what_may_still_hold() {
        let refused = Problem {
            kind: "about:blank".into(),
            title: "No such model".into(),
            status: 404,
            detail: String::new(),
        };
        check_kept(&Failure::Refused(refused), [false, false, false]);
        check_kept(&Failure::Link(LinkError::NotStarted), [true, false, false]);
        check_kept(&Failure::Unreachable, [true, true, true]);
        check_kept(&Failure::TimedOut { seconds: 60 }, [true, true, true]);
    }
}
