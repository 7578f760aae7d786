//! `inkveil decrypt`: an evaluator's reply, read.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use client::Logits;
use serde_json::json;

use super::answer::Answer;
use super::{files, model, passphrase, values};

/// Decrypts a reply and prints what the model, or its first layers, make of the drawing.
#[derive(clap::Args)]
pub struct Args {
    /// The model's description, from `inkveil describe`.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The secret key that the drawing was encrypted with.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    #[command(flatten)]
    passphrase: passphrase::Source,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// The reply, from `evaluator evaluate`.
    reply: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// If a file can't be read or isn't what it should be.
pub fn run(args: &Args) -> Result<()> {
    let plan = model::load(&args.model)?;
    let classes = plan.info().output.classes.clone();
    let keys = model::load_secret(plan, &args.secret, &args.passphrase)?;
    let reply = files::read(&args.reply, files::MESSAGE_LIMIT)?;
    let logits = files::explain(&args.reply, keys.decrypt(&reply))?;
    let info = keys.plan().info();
    if info.layers.is_some() {
        let values = [(args.reply.display().to_string(), logits)];
        return values::print(info, &values, args.json);
    }
    let answer = Answer::new(&logits, info);
    let answer = answer.with_context(|| args.reply.display().to_string())?;
    let text = if args.json {
        as_json(&answer, &logits)
    } else {
        as_text(&answer, &logits, &classes)
    };
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

fn as_json(answer: &Answer, logits: &Logits) -> String {
    let document = json!({
        "class": answer.name,
        "index": answer.class,
        "probability": answer.probability,
        "logits": logits.values(),
        "probabilities": logits.probabilities(),
    });
    format!("{document:#}\n")
}

fn as_text(answer: &Answer, logits: &Logits, classes: &[String]) -> String {
    let mut text = format!("{:<8}{:>10}{:>14}\n", "class", "logit", "probability");
    let rows = classes
        .iter()
        .zip(logits.values())
        .zip(logits.probabilities());
    for ((class, logit), probability) in rows {
        text += &format!("{class:<8}{logit:>10.3}{:>12.2} %\n", 100.0 * probability);
    }
    text + &format!("\n{}  {:.2} %\n", answer.name, 100.0 * answer.probability)
}
