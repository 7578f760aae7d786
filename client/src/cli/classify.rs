//! `inkveil classify`: everything from the image to the digit.

use std::io::{Write, stdout};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use client::ClientKeys;

use super::answer::Answer;
use super::pictures::{self, Picture};
use super::report::{self, Keys, Outcome};
use super::server::Server;
use super::session::Session;
use super::{model, progress};

/// Classifies images on a server that sees none of them.
///
/// Makes keys, uploads the evaluation keys, and for each image sends a ciphertext and decrypts the
/// reply. The keys are forgotten on both sides at the end.
#[derive(clap::Args)]
pub struct Args {
    /// Address of the evaluator, such as `http://127.0.0.1:8080`.
    #[arg(long, value_name = "URL", env = "INKVEIL_SERVER")]
    server: String,
    /// The model's id; the server's fast one for digits if not given.
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
    let server = Server::new(&args.server)?;
    let pictures = load(&args.images, args.limit)?;
    let labels = args
        .labels
        .as_deref()
        .map(|path| load_labels(path, &pictures, args.limit));
    let labels = labels.transpose()?;
    let plan = model::plan(server.model(args.model.as_deref())?)?;
    if let (Some(labels), Some(path)) = (&labels, &args.labels) {
        check_labels(labels, plan.info().output.classes.len(), path)?;
    }
    progress::say(&format!(
        "model {}: {}",
        plan.info().id,
        plan.info().description
    ));

    let start = Instant::now();
    let client = ClientKeys::generate(Arc::clone(&plan))?;
    let (upload, count) = evaluation_keys(&client)?;
    let make = start.elapsed();
    let mut session = Session::open(&server, upload)?;

    let width = pictures
        .iter()
        .map(|picture| picture.name.chars().count())
        .max()
        .unwrap_or(0);
    let total = pictures.len();
    let mut outcomes = Vec::with_capacity(total);
    for (index, picture) in pictures.into_iter().enumerate() {
        let label = labels
            .as_ref()
            .and_then(|labels| labels.get(index))
            .copied();
        let outcome = classify(&client, &mut session, picture, label)?;
        if !args.json {
            stdout().lock().write_all(outcome.line(width).as_bytes())?;
        }
        outcomes.push(outcome);
        progress::step_beside_results("classified", index + 1, total);
    }

    let keys = Keys {
        count,
        bytes: session.key_bytes(),
        make,
        upload: session.upload(),
    };
    drop(session);
    let print = if args.json {
        report::document
    } else {
        report::summary
    };
    let text = print(&plan.info().id, &keys, &outcomes);
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

fn load(paths: &[PathBuf], limit: Option<NonZero<usize>>) -> Result<Vec<Picture>> {
    let limit = limit.map_or(usize::MAX, NonZero::get);
    let mut found = Vec::new();
    for path in paths {
        found.append(&mut pictures::load(path, limit - found.len())?);
    }
    ensure!(!found.is_empty(), "the files hold no image");
    Ok(found)
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

/// The upload, and the number of keys in it.
fn evaluation_keys(client: &ClientKeys) -> Result<(Vec<u8>, usize)> {
    let (mut upload, pieces) = (Vec::new(), client.evaluation_keys());
    let count = pieces.len() - 1;
    for (made, piece) in pieces.enumerate() {
        upload.append(&mut piece?);
        progress::step("keys made", made, count);
    }
    Ok((upload, count))
}

fn classify(
    client: &ClientKeys,
    session: &mut Session<'_>,
    picture: Picture,
    label: Option<usize>,
) -> Result<Outcome> {
    let model = client.plan().info();
    let (ciphertext, encrypt) = timed(|| client.encrypt(&picture.digit.to_input()));
    let ciphertext = ciphertext.with_context(|| picture.name.clone())?;
    let classified = session.classify(&model.id, &ciphertext)?;
    let (logits, decrypt) = timed(|| client.decrypt(&classified.reply));
    let logits = logits.with_context(|| format!("the server's answer to {}", picture.name))?;
    let answer = Answer::new(&logits, model);
    let answer = answer.with_context(|| format!("the server's answer to {}", picture.name))?;
    Ok(Outcome {
        name: picture.name,
        answer,
        label,
        encrypt,
        round_trip: classified.round_trip,
        evaluate: classified.evaluate,
        decrypt,
        sent: ciphertext.len(),
        received: classified.reply.len(),
    })
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
