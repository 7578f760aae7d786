//! `cargo xtask bench`: every figure of the documents, measured on this machine.

use anyhow::Result;

use crate::chromium::Chromium;
use crate::page;
use crate::peer;
use crate::tools::Tools;
use crate::workspace::{Workspace, succeed};

/// Measures everything and writes docs/benchmarks.md and docs/benchmarks.json.
///
/// What can't be measured here, for want of a browser or of Python, is named with the reason.
#[derive(clap::Args)]
pub struct Args {
    /// Fewer samples: minutes instead of a quarter of an hour.
    #[arg(long)]
    quick: bool,
    /// Only run the stages of the public FHE benchmark's MNIST workload and print them.
    #[arg(long)]
    stages: bool,
    /// Leave the page in Chromium out.
    #[arg(long)]
    no_browser: bool,
    /// Leave TenSEAL out.
    #[arg(long)]
    no_peer: bool,
}

/// Sets up what is measured and measures it.
pub fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let quick = args.quick.then(|| "--quick".to_owned());
    if args.stages {
        let args: Vec<_> = std::iter::once("stages".to_owned()).chain(quick).collect();
        return succeed(&mut workspace.run_binary("tests", "figures", &args));
    }
    let mut figures: Vec<_> = std::iter::once("all".to_owned()).chain(quick).collect();

    let chromium = unless(args.no_browser, "--no-browser", Chromium::ensure);
    if let Err(why) = &chromium {
        println!("The page is not measured in a browser: {why}");
        figures.extend(["--without-browser".to_owned(), why.clone()]);
    }
    match unless(args.no_peer, "--no-peer", || peer::python(workspace)) {
        Ok(python) => figures.extend(["--python".to_owned(), python]),
        Err(why) => {
            println!("TenSEAL is not measured: {why}");
            figures.extend(["--without-peer".to_owned(), why]);
        }
    }
    page::build(workspace, &Tools::for_page(workspace)?)?;
    let mut command = workspace.run_binary("tests", "figures", &figures);
    if let Ok(chromium) = chromium {
        chromium.apply(&mut command);
    }
    succeed(&mut command)
}

/// What `make` makes, or in one line why there is nothing.
fn unless<T>(left_out: bool, option: &str, make: impl FnOnce() -> Result<T>) -> Result<T, String> {
    if left_out {
        return Err(format!("left out by {option}"));
    }
    make().map_err(|error| format!("{error:#}").replace('\n', " "))
}
