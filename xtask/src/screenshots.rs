//! `cargo xtask screenshots`: the page as the README shows it, or all its states.

use std::path::PathBuf;

use anyhow::Result;

use crate::chromium::Chromium;
use crate::page;
use crate::tools::Tools;
use crate::workspace::{Workspace, succeed};

/// Draws a digit on the real page, waits for the answer and writes pictures to `docs/images`.
#[derive(clap::Args)]
pub struct Args {
    /// The digit to draw.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(0..=9))]
    digit: u8,
    /// Writes every state of the page into this directory instead.
    #[arg(long, value_name = "DIR")]
    states: Option<PathBuf>,
}

/// Builds the page and takes the pictures.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let chromium = Chromium::ensure()?;
    page::build(workspace, &Tools::for_page(workspace)?)?;
    let mut arguments = vec!["--digit".to_owned(), args.digit.to_string()];
    if let Some(states) = &args.states {
        arguments.extend(["--states".to_owned(), states.display().to_string()]);
    }
    let mut command = workspace.run_binary("tests", "screenshots", &arguments);
    chromium.apply(&mut command);
    succeed(&mut command)
}
