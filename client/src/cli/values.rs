//! `inkveil values`: what the first layers of a model compute.

use std::fmt::Write as _;
use std::io::{Write, stdout};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use client::{ClientKeys, Logits};
use serde_json::json;
use shared::api::{LayerRange, ModelInfo};
use shared::packing::OutputPacking;

use super::session::Session;
use super::{model, pictures, progress, server};

/// Prints what the first layers of a model compute of images that the server doesn't see.
///
/// For services that allow it. Each linear layer is a step and each activation is one: `0..1` is
/// the first layer, `0..2` its activation as well. A number for each value, in the network's order.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: server::Access,
    /// The model's id, as `inkveil models` lists it; the server's fast one for digits if not given.
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// The steps to evaluate, from 0 on, such as `0..3`.
    #[arg(long, value_name = "RANGE")]
    layers: LayerRange,
    /// Evaluates only the first N images.
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
/// If a file can't be used, or the server doesn't answer or doesn't allow it.
pub fn run(args: &Args) -> Result<()> {
    let server = args.server.server()?;
    let pictures = pictures::load_all(&args.images, args.limit)?;
    let info = server.model(args.model.as_deref(), Some(args.layers))?;
    let plan = model::plan(info)?;
    let client = ClientKeys::generate(Arc::clone(&plan))?;
    let mut session = Session::open(&server, &client)?;
    let mut found = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let ciphertext = client.encrypt(&picture.digit.to_input())?;
        let reply = session.classify(plan.info(), &ciphertext)?.reply;
        let values = client.decrypt(&reply);
        let values = values.with_context(|| format!("the server's answer to {}", picture.name))?;
        found.push((picture.name, values));
        progress::step_beside_results("evaluated", found.len(), found.capacity());
    }
    drop(session);
    print(plan.info(), &found, args.json)
}

/// Prints the values of each image.
///
/// # Errors
/// If a value is larger than the model's description allows, or standard output is closed.
pub fn print(info: &ModelInfo, found: &[(String, Logits)], json: bool) -> Result<()> {
    // In slots the bound is on the message's coefficients, and a slot is the sum of all of them.
    let bound = match info.output.packing {
        OutputPacking::Coefficients(_) => info.output.bound,
        OutputPacking::Slots(_) => f64::INFINITY,
    };
    for (name, values) in found {
        let mut values = values.values().iter();
        if let Some(value) = values.find(|value| !(-bound..=bound).contains(*value)) {
            bail!(
                "{name}: decrypts to noise: a value is {value:.1}, those of {} stay within \
                 ±{bound:.1}; this is not the secret key or not the model it was made with",
                info.id
            );
        }
    }
    let text = if json {
        as_json(info, found)
    } else {
        as_text(found)
    };
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

fn as_json(info: &ModelInfo, found: &[(String, Logits)]) -> String {
    let image =
        |(name, values): &(String, Logits)| json!({ "name": name, "values": values.values() });
    let document = json!({
        "model": info.id,
        "layers": info.layers,
        "images": found.iter().map(image).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn as_text(found: &[(String, Logits)]) -> String {
    let mut text = String::new();
    for (name, values) in found {
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "{name}");
        for (index, value) in values.values().iter().enumerate() {
            let _ = writeln!(text, "{index:>6} {value:>12.4}");
        }
    }
    text
}
