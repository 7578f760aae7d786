//! `inkveil models`: what a server has to classify with.

use std::io::{Write, stdout};

use anyhow::{Result, ensure};
use client::models;
use serde_json::json;
use shared::api::ModelSummary;

use super::server;

/// Lists the models of a server.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: server::Access,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// If the server can't be reached or has none.
pub fn run(args: &Args) -> Result<()> {
    let list = args.server.server()?.models()?;
    ensure!(!list.is_empty(), "{} has no model", args.server.address());
    let text = if args.json {
        as_json(&list)
    } else {
        as_text(&list)
    };
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

/// The id of the model that other commands take if none is named.
fn default(list: &[ModelSummary]) -> Option<&str> {
    models::choose(list, None)
        .ok()
        .map(|model| model.id.as_str())
}

fn sizes(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join("×")
}

fn as_text(list: &[ModelSummary]) -> String {
    let sizes: Vec<String> = list.iter().map(|model| sizes(&model.input_shape)).collect();
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let ids = longest(&mut list.iter().map(|model| model.id.chars().count()));
    let shapes = longest(&mut sizes.iter().map(|sizes| sizes.chars().count()));
    let default = default(list);
    let line = |(model, sizes): (&ModelSummary, &String)| {
        let mark = if default == Some(&model.id) { '*' } else { ' ' };
        let line = format!(
            "{mark} {:ids$}  {sizes:shapes$}  {}",
            model.id, model.description
        );
        format!("{}\n", line.trim_end())
    };
    let lines: String = list.iter().zip(&sizes).map(line).collect();
    match default {
        Some(_) => lines + "\n* is taken where no model is named\n",
        None => lines,
    }
}

fn as_json(list: &[ModelSummary]) -> String {
    let default = default(list);
    let model = |model: &ModelSummary| {
        json!({
            "id": model.id,
            "description": model.description,
            "input_shape": model.input_shape,
            "default": default == Some(&model.id),
        })
    };
    let document = json!({ "models": list.iter().map(model).collect::<Vec<_>>() });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<ModelSummary> {
        let summary = |id: &str, description: &str, shape: &[usize]| ModelSummary {
            id: id.to_owned(),
            description: description.to_owned(),
            input_shape: shape.to_vec(),
        };
        vec![
            summary("mnist-fast", "Fast.", &[1, 28, 28]),
            summary("photo", "", &[3, 32, 32]),
            summary("v", "Small.", &[4]),
        ]
    }

    #[test]
    fn columns_line_up_and_the_default_is_marked() {
        let expected = "\
* mnist-fast  1×28×28  Fast.
  photo       3×32×32
  v           4        Small.

* is taken where no model is named
";
        assert_eq!(as_text(&list()), expected);
        assert_eq!(as_text(&list()[2..]), "  v  4  Small.\n");
    }

    #[test]
    fn the_document_says_the_same() {
        let document: serde_json::Value = serde_json::from_str(&as_json(&list())).unwrap();
        assert_eq!(document["models"][0]["default"], true);
        assert_eq!(document["models"][1]["default"], false);
        assert_eq!(document["models"][1]["input_shape"], json!([3, 32, 32]));
        assert_eq!(document["models"][2]["id"], "v");
    }
}
