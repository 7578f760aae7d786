//! `cargo xtask screenshots`: the page as the README shows it.

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
}

/// Builds the page and takes the pictures.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let chromium = Chromium::ensure()?;
    page::build(workspace, &Tools::for_page(workspace)?)?;
    let args = ["--digit".to_owned(), args.digit.to_string()];
    let mut command = workspace.run_binary("tests", "screenshots", &args);
    chromium.apply(&mut command);
    succeed(&mut command)
}
