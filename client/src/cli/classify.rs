//! `inkveil classify`: everything from the image to the digit.

use std::io::{Write, stdout};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use client::{ClientKeys, Logits};
use shared::api::BulkSpec;
use shared::wire::MAX_BATCH;

use super::answer::Answer;
use super::pictures::{self, Picture};
use super::report::{self, Outcome};
use super::server::ServerError;
use super::session::Session;
use super::{model, progress, server};

/// Classifies images on a server that sees none of them.
///
/// Makes keys, uploads the evaluation keys, sends a ciphertext of each image, up to 64 in one
/// request (fewer if that is too long for the server), and decrypts the replies. Many images at once,
/// where the model has a way for that, go as one ciphertext for each pixel. The keys are forgotten on
/// both sides at the end.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: server::Access,
    /// The model's id, as `inkveil models` lists it; the server's fast one for digits if not given.
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// IDX file with the digit of each image, in the images' order; prints the accuracy.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Classifies only the first N images.
    #[arg(long, value_name = "N")]
    limit: Option<NonZero<usize>>,
    /// Prints one JSON document instead of lines.
    #[arg(long)]
    json: bool,
    /// PNG, JPEG or IDX files; IDX may be packed by gzip.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// If a file can't be used or the server doesn't answer; files are checked before the server is
/// asked anything.
pub fn run(args: &Args) -> Result<()> {
    let server = args.server.server()?;
    let pictures = pictures::load_all(&args.images, args.limit)?;
    let labels = args
        .labels
        .as_deref()
        .map(|path| load_labels(path, &pictures, args.limit));
    let labels = labels.transpose()?;
    let plan = model::plan(server.model(args.model.as_deref(), None)?)?;
    if let (Some(labels), Some(path)) = (&labels, &args.labels) {
        check_labels(labels, plan.info().output.classes.len(), path)?;
    }
    progress::say(&format!(
        "model {}: {}",
        plan.info().id,
        plan.info().description
    ));

    let client = ClientKeys::generate(Arc::clone(&plan))?;
    let mut session = Session::open(&server, &client)?;

    let width = pictures
        .iter()
        .map(|picture| picture.name.chars().count())
        .max()
        .unwrap_or(0);
    let total = pictures.len();
    let mut outcomes = Vec::with_capacity(total);
    let (mut rest, mut batch) = (pictures.as_slice(), MAX_BATCH);
    while !rest.is_empty() {
        let size = next_request(rest.len(), plan.info().bulk.as_ref(), batch);
        let (request, left) = rest.split_at(size);
        let answered = match classify(&client, &mut session, request) {
            Err(error) if (2..=MAX_BATCH).contains(&size) && is_too_large(&error) => {
                batch = size / 2;
                progress::say(&format!(
                    "the server takes fewer than {size} digits in a request; sending {batch}"
                ));
                continue;
            }
            answered => answered?,
        };
        rest = left;
        let first = outcomes.len();
        outcomes.extend(answered);
        for (index, outcome) in outcomes.iter_mut().enumerate().skip(first) {
            let labels = labels.as_ref();
            outcome.label = labels.and_then(|labels| labels.get(index)).copied();
            if !args.json {
                stdout().lock().write_all(outcome.line(width).as_bytes())?;
            }
        }
        progress::step_beside_results("classified", outcomes.len(), total);
    }

    let keys = session.figures();
    drop(session);
    let print = if args.json {
        report::document
    } else {
        report::summary
    };
    let text = print(&plan.info().id, &keys, &outcomes);
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

/// Labels beyond the limit are left.
fn load_labels(
    path: &Path,
    pictures: &[Picture],
    limit: Option<NonZero<usize>>,
) -> Result<Vec<usize>> {
    let labels = pictures::labels(path)?;
    let (found, expected) = (labels.len(), pictures.len());
    let fits = found == expected || limit.is_some() && found > expected;
    ensure!(
        fits,
        "{}: holds {found} labels for {expected} images",
        path.display()
    );
    Ok(labels)
}

fn check_labels(labels: &[usize], classes: usize, path: &Path) -> Result<()> {
    let stray = labels.iter().position(|&label| label >= classes);
    ensure!(
        stray.is_none(),
        "{}: a label is above {}, the model's last class",
        path.display(),
        classes.saturating_sub(1)
    );
    Ok(())
}

/// How many of `left` pictures the next request takes: as many as go into the slots while there are
/// more of them than the request has ciphertexts, so that it is the shorter one, too, and otherwise a
/// batch.
fn next_request(left: usize, bulk: Option<&BulkSpec>, batch: usize) -> usize {
    let bulk = bulk.filter(|bulk| left >= bulk.inputs.len().max(MAX_BATCH + 1));
    bulk.map_or(batch, |bulk| bulk.images).min(left)
}

fn is_too_large(error: &anyhow::Error) -> bool {
    let refusal = error.downcast_ref::<ServerError>();
    refusal.is_some_and(ServerError::is_too_large)
}

/// Has a batch classified; times and bytes are divided among its pictures.
fn classify(
    client: &ClientKeys,
    session: &mut Session<'_>,
    pictures: &[Picture],
) -> Result<Vec<Outcome>> {
    let model = client.plan().info();
    let names = names(pictures);
    let inputs: Vec<_> = pictures.iter().map(|one| one.digit.to_input()).collect();
    let bulk = inputs.len() > MAX_BATCH;
    let (body, encrypt) = timed(|| match inputs.as_slice() {
        inputs if bulk => client.encrypt_bulk(inputs),
        [input] => client.encrypt(input),
        inputs => client.encrypt_batch(inputs.iter().map(Vec::as_slice)),
    });
    let body = body.with_context(|| names.clone())?;
    let classified = if bulk {
        session.classify_bulk(model, &body)?
    } else {
        session.classify(model, &body)?
    };
    let (logits, decrypt) = timed(|| match inputs.as_slice() {
        inputs if bulk => client.decrypt_bulk(&classified.reply, inputs.len()),
        [_] => client.decrypt(&classified.reply).map(|logits| vec![logits]),
        _ => client.decrypt_batch(&classified.reply),
    });
    let answered = || format!("the server's answer to {names}");
    let logits = logits.with_context(answered)?;
    let (found, count) = (logits.len(), pictures.len());
    ensure!(
        found == count,
        "{}: {found} digits for {count} images",
        answered()
    );
    let each = |time: Duration| time / u32::try_from(count).unwrap_or(u32::MAX);
    let outcome = |(picture, logits): (&Picture, &Logits)| {
        let name = picture.name.clone();
        let answer = Answer::new(logits, model);
        Ok(Outcome {
            answer: answer.with_context(|| format!("the server's answer to {name}"))?,
            name,
            label: None,
            encrypt: each(encrypt),
            round_trip: each(classified.round_trip),
            evaluate: classified.evaluate.map(each),
            decrypt: each(decrypt),
            sent: body.len() / count,
            received: classified.reply.len() / count,
        })
    };
    pictures.iter().zip(&logits).map(outcome).collect()
}

/// The first and the last of a batch.
fn names(pictures: &[Picture]) -> String {
    match pictures {
        [] => String::new(),
        [one] => one.name.clone(),
        [first, .., last] => format!("{} to {}", first.name, last.name),
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

#[cfg(test)]
mod tests {
    use shared::ring::Level;

    use super::*;

    #[track_caller]
    fn check(pictures: usize, bulk: Option<&BulkSpec>, expected: &[usize]) {
        let mut left = pictures;
        let next = || {
            let size = next_request(left, bulk, MAX_BATCH);
            left -= size;
            (size > 0).then_some(size)
        };
        let sizes: Vec<usize> = std::iter::from_fn(next).collect();
        assert_eq!(sizes, expected);
    }

    #[test]
    fn many_pictures_share_a_request_where_that_is_shorter() {
        let bulk = BulkSpec {
            images: 200,
            inputs: (0..100).collect(),
            level: Level(1),
            scale: 1e4,
            reply_scale: 1e7,
            log_modulus: 30,
            bound: 20.0,
        };
        check(130, None, &[64, 64, 2]);
        check(99, Some(&bulk), &[64, 35]);
        check(100, Some(&bulk), &[100]);
        check(365, Some(&bulk), &[200, 165]);
        check(270, Some(&bulk), &[200, 64, 6]);
    }
}
