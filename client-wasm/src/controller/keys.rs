//! Keys for a model: made by the worker, uploaded to the evaluator.
//!
//! **Invariant:** keys go up as they are made the first time, and in one request later.

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::StreamExt;
use futures_util::future::join;
use shared::api::{ModelInfo, SessionInfo};

use super::Teller;
use crate::evaluator::{self, Uploaded};
use crate::failure::Failure;
use crate::http::now;
use crate::link::Link;
use crate::protocol::{FromWorker, KeysId, Task, ToWorker};
use crate::state::{Measure, News};

/// A session on the evaluator.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The evaluator's words about it.
    pub info: SessionInfo,
    /// What the upload took.
    pub measure: Measure,
}

/// Makes keys and uploads them meanwhile. There is no session if the evaluator lost the upload.
pub async fn make_and_upload(
    link: &mut Link,
    id: KeysId,
    model: &ModelInfo,
    tell: &Teller,
) -> (Result<Made, Failure>, Result<Option<Session>, Failure>) {
    let (sender, pieces) = unbounded();
    let made = make_keys(link, id, model, tell, sender);
    let sent = upload_pieces(pieces, tell);
    let (made, sent) = join(made, sent).await;
    let lost = |failure: &Failure| evaluator::is_upload_gone(failure);
    let sent = match sent {
        Err(failure) if lost(&failure) => Ok(None),
        sent => sent,
    };
    (made, sent)
}

/// A piece of the evaluation keys on its way up.
struct Piece {
    bytes: Vec<u8>,
    /// Bytes of all pieces.
    total: u64,
}

/// Keys that were made.
pub struct Made {
    /// The upload.
    pub keys: Vec<u8>,
    /// What it took.
    pub measure: Measure,
}

/// Has the worker make keys. What it still says of others is let pass.
async fn make_keys(
    link: &mut Link,
    id: KeysId,
    model: &ModelInfo,
    tell: &Teller,
    made_pieces: UnboundedSender<Piece>,
) -> Result<Made, Failure> {
    let model = serde_json::to_string(model).map_err(|error| Failure::Crypto(error.to_string()))?;
    link.listening().await?;
    tell.tell(News::KeysProgress { made: 0, pieces: 0 });
    link.tell(&ToWorker::MakeKeys { keys: id, model })?;
    let mut upload = Vec::new();
    loop {
        match link.next().await? {
            FromWorker::KeyPiece {
                keys,
                made,
                pieces,
                total,
                bytes,
            } if keys == id => {
                upload.extend_from_slice(&bytes);
                tell.tell(News::KeysProgress { made, pieces });
                // Nobody takes it once the upload has failed.
                let _not_sent = made_pieces.unbounded_send(Piece { bytes, total });
            }
            FromWorker::KeysMade { keys, ms } if keys == id => {
                let measure = Measure::new(ms, upload.len());
                tell.tell(News::KeysMade(measure));
                let keys = upload;
                return Ok(Made { keys, measure });
            }
            FromWorker::Failed { task, reason } if task.is_none_or(|of| of == Task::Keys(id)) => {
                return Err(Failure::Crypto(reason));
            }
            _ => {} // The end of something earlier.
        }
    }
}

/// Uploads keys as they are made: while some are on their way, the next ones gather. Ends without
/// a session if the pieces end too early.
async fn upload_pieces(
    mut pieces: UnboundedReceiver<Piece>,
    tell: &Teller,
) -> Result<Option<Session>, Failure> {
    let start = now();
    let Some(Piece {
        bytes: header,
        total,
    }) = pieces.next().await
    else {
        return Ok(None);
    };
    let upload = evaluator::begin_upload(&header, tell.on_busy()).await?;
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
                tell.tell(News::UploadProgress { sent, total });
            }
        };
        let done = evaluator::upload_keys(&upload.id, &part, on_progress, tell.on_busy()).await?;
        sent += part.len() as u64;
        if let Uploaded::All(info) = done {
            let measure = Measure::new(now() - start, sent as usize);
            return Ok(Some(Session { info, measure }));
        }
    }
    Ok(None)
}

/// Uploads keys that were made earlier, all at once.
pub async fn upload(keys: &[u8], tell: &Teller) -> Result<Session, Failure> {
    let start = now();
    let total = keys.len() as u64;
    let on_progress = {
        let tell = tell.clone();
        move |sent| tell.tell(News::UploadProgress { sent, total })
    };
    on_progress(0);
    let info = evaluator::open_session(keys, on_progress, tell.on_busy()).await?;
    let measure = Measure::new(now() - start, keys.len());
    Ok(Session { info, measure })
}
