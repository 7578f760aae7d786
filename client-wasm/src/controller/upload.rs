//! Evaluation keys: made by the worker and uploaded to the evaluator meanwhile.
//!
//! **Invariant:** there is one way up. An upload that breaks off begins again from the first key, a few
//! times, and making the keys again gives the same bytes.

use std::rc::Rc;
use std::time::Duration;

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use futures_util::future::try_join;
use gloo_timers::future::sleep;
use shared::api::SessionInfo;

use super::Teller;
use super::ask::answer;
use super::keys::Secret;
use crate::connection::is_online;
use crate::evaluator::{self, Uploaded};
use crate::failure::Failure;
use crate::http::now;
use crate::link::Link;
use crate::protocol::{FromWorker, KeysId, Task, ToWorker};
use crate::state::{Measure, News};

/// How often an upload begins again.
const MOST_AGAIN: u32 = 3;

/// The pause before it begins again for the first time; doubled with each further time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// A session on the evaluator.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The evaluator's words about it.
    pub info: SessionInfo,
    /// What the upload took; nothing for one that was there already.
    pub measure: Option<Measure>,
}

/// Makes evaluation keys and uploads them meanwhile; returns what making them took, too.
pub async fn open_session(
    link: &mut Link,
    secret: &Secret,
    tell: &Teller,
) -> Result<(Measure, Session), Failure> {
    let mut broken_off = 0;
    loop {
        let (sender, pieces) = unbounded();
        let done = try_join(make(link, secret, tell, sender), send(pieces, tell)).await;
        let failure = match done {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        broken_off += 1;
        // Without a network, the page goes on when it is back.
        let pause = pause_after(&failure, broken_off).filter(|_| is_online());
        let Some(pause) = pause else {
            return Err(failure);
        };
        tell.tell(News::UploadAgain);
        sleep(pause).await;
    }
}

/// The pause before an upload begins again that has broken off so many times; nothing if that would
/// be of no use.
fn pause_after(failure: &Failure, broken_off: u32) -> Option<Duration> {
    let broke_off = matches!(failure, Failure::Unreachable | Failure::TimedOut { .. })
        || evaluator::is_upload_gone(failure);
    let again = broke_off && broken_off <= MOST_AGAIN;
    again.then(|| FIRST_PAUSE * 2_u32.saturating_pow(broken_off.saturating_sub(1)))
}

/// A piece of the evaluation keys on its way up.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    bytes: Vec<u8>,
    /// Bytes of all pieces.
    total: u64,
}

/// Has the worker make the keys.
async fn make(
    link: &mut Link,
    secret: &Secret,
    tell: &Teller,
    sender: UnboundedSender<Piece>,
) -> Result<Measure, Failure> {
    let keys = secret.id;
    tell.tell(News::KeysProgress { made: 0, pieces: 0 });
    link.tell(&ToWorker::MakeEvaluationKeys { keys })?;
    let mut pieces = Pieces::new(keys);
    let made = answer(link, Task::Keys(keys), |message| {
        let step = pieces.hear(message)?;
        match step {
            Step::Piece {
                piece,
                made,
                pieces,
            } => {
                tell.tell(News::KeysProgress { made, pieces });
                // Nobody takes it once the upload has failed.
                let _not_sent = sender.unbounded_send(piece);
                None
            }
            Step::End(measure) => Some(measure),
        }
    });
    let made = made.await?;
    let measure = Measure {
        ms: secret.ms + made.ms,
        ..made
    };
    tell.tell(News::KeysMade(measure));
    Ok(measure)
}

/// Puts the pieces of one run in order. The end of an earlier run for the same key, whose upload broke
/// off, may come first.
struct Pieces {
    keys: KeysId,
    last: u32,
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Piece {
        piece: Piece,
        made: u32,
        pieces: u32,
    },
    End(Measure),
}

impl Pieces {
    fn new(keys: KeysId) -> Self {
        Self {
            keys,
            last: 0,
            bytes: 0,
        }
    }

    /// What a message of the worker adds, if anything.
    fn hear(&mut self, message: FromWorker) -> Option<Step> {
        match message {
            FromWorker::KeyPiece {
                keys,
                made,
                pieces,
                total,
                bytes,
            } if keys == self.keys && made == self.last + 1 => {
                self.last = made;
                self.bytes += bytes.len();
                Some(Step::Piece {
                    piece: Piece { bytes, total },
                    made,
                    pieces,
                })
            }
            FromWorker::EvaluationKeysMade { keys, ms } if keys == self.keys && self.last > 0 => {
                Some(Step::End(Measure::new(ms, self.bytes)))
            }
            _ => None,
        }
    }
}

/// Uploads keys as they are made: while some are on their way, the next ones gather.
async fn send(mut pieces: UnboundedReceiver<Piece>, tell: &Teller) -> Result<Session, Failure> {
    const REQUEST: &str = "the upload of keys";
    let ended = || Failure::Unreadable {
        request: REQUEST,
        reason: "it asks for more keys than there are".to_owned(),
    };
    let start = now();
    let Piece { bytes, total } = pieces.next().await.ok_or_else(ended)?;
    let upload = evaluator::begin_upload(&bytes, &tell.on_busy()).await?;
    let mut sent = bytes.len() as u64;
    loop {
        let Piece {
            bytes: mut part, ..
        } = pieces.next().await.ok_or_else(ended)?;
        while let Ok(Piece { mut bytes, .. }) = pieces.try_recv() {
            part.append(&mut bytes);
        }
        let on_progress = {
            let tell = tell.clone();
            Rc::new(move |more| {
                let sent = sent + more;
                tell.tell(News::UploadProgress { sent, total });
            })
        };
        let busy = tell.on_busy();
        let done = evaluator::upload_keys(&upload.id, &part, on_progress, &busy).await?;
        sent += part.len() as u64;
        if let Uploaded::All(info) = done {
            let measure = Some(Measure::new(now() - start, sent as usize));
            return Ok(Session { info, measure });
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::api::{PROBLEM_UPLOAD_GONE, Problem};

    use super::*;

    #[track_caller]
    fn check_pauses(failure: &Failure, seconds: &[u64]) {
        let pauses: Vec<u64> = (1..)
            .map_while(|broken_off| pause_after(failure, broken_off))
            .map(|pause| pause.as_secs())
            .collect();
        assert_eq!(pauses, seconds, "{failure:?}");
    }

    fn refused(kind: &str, status: u16) -> Failure {
        Failure::Refused(Problem {
            kind: kind.into(),
            title: String::new(),
            status,
            detail: String::new(),
        })
    }

    #[test]
    fn an_upload_that_breaks_off_begins_again_a_few_times() {
        check_pauses(&Failure::Unreachable, &[1, 2, 4]);
        check_pauses(&Failure::TimedOut { seconds: 300 }, &[1, 2, 4]);
        check_pauses(&refused(PROBLEM_UPLOAD_GONE, 410), &[1, 2, 4]);
    }

    #[test]
    fn what_the_server_refuses_is_not_sent_again() {
        check_pauses(&refused("/problems/wrong-parameter-set", 400), &[]);
        let busy = Failure::Busy {
            status: 503,
            problem: None,
            attempts: 5,
            wait: None,
        };
        check_pauses(&busy, &[]);
        check_pauses(&Failure::Private { refused: true }, &[]);
        check_pauses(&Failure::Crypto("no such keys".into()), &[]);
    }

    fn piece(keys: KeysId, made: u32) -> FromWorker {
        FromWorker::KeyPiece {
            keys,
            made,
            pieces: 3,
            total: 6,
            bytes: vec![made as u8; made as usize],
        }
    }

    /// Whose number the pieces that are taken have, and the bytes at the end.
    fn taken(messages: impl IntoIterator<Item = FromWorker>) -> (Vec<u32>, Option<u64>) {
        let mut pieces = Pieces::new(KeysId::default());
        let (mut taken, mut end) = (Vec::new(), None);
        for message in messages {
            match pieces.hear(message) {
                Some(Step::Piece { made, .. }) => taken.push(made),
                Some(Step::End(measure)) => end = measure.bytes,
                None => {}
            }
        }
        (taken, end)
    }

    #[test]
    fn pieces_of_a_run_that_broke_off_are_let_pass() {
        let (ours, others) = (KeysId::default(), KeysId::default().next());
        let end = |keys| FromWorker::EvaluationKeysMade { keys, ms: 1.0 };
        let run = || (1..=3).map(|made| piece(ours, made)).chain([end(ours)]);
        assert_eq!(taken(run()), (vec![1, 2, 3], Some(6)));
        let late = run().skip(1).chain(run());
        assert_eq!(taken(late), (vec![1, 2, 3], Some(6)));
        let foreign = [piece(others, 1), end(others)].into_iter().chain(run());
        assert_eq!(taken(foreign), (vec![1, 2, 3], Some(6)));
        assert_eq!(taken([end(ours)]), (vec![], None), "an earlier run's end");
    }
}
