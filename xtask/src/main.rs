//! Set-up and tasks, started with `cargo xtask`.
//!
//! One file a task. Knows which programs to start and which tools they need; knows no ciphertext,
//! no model and no page.
//!
//! **Invariant:** a task does all of its own set-up, or fails naming what is missing: nothing is
//! left out silently, and nothing outside the repository is changed except the tool cache, the
//! build directory, an installed Chromium (for the browser tests) and, on a machine for checks, the
//! services that the hosting tests start.

mod accuracy;
mod axe;
mod bench;
mod chromium;
mod deny;
mod fuzz;
mod load;
mod mutants;
mod npm;
mod openapi;
mod packages;
mod page;
mod params;
mod peer;
mod python;
mod screenshots;
mod serve;
mod services;
mod test;
mod tools;
mod train;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::Workspace;

/// Inkveil's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Serve(serve::Args),
    Test(test::Args),
    Accuracy(accuracy::Args),
    Deny(deny::Args),
    Mutants(mutants::Args),
    Bench(bench::Args),
    Fuzz(fuzz::Args),
    Params(params::Args),
    Train(train::Args),
    Load(load::LoadArgs),
    Soak(load::SoakArgs),
    Screenshots(screenshots::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well; what failed has been told already.
fn run(task: Task) -> Result<bool> {
    let workspace = Workspace::find()?;
    match task {
        Task::Test(args) => return test::run(&workspace, &args),
        Task::Deny(args) => return deny::run(&workspace, &args),
        Task::Mutants(args) => return mutants::run(&workspace, &args),
        Task::Serve(args) => serve::run(&workspace, &args)?,
        Task::Accuracy(args) => accuracy::run(&workspace, &args)?,
        Task::Bench(args) => bench::run(&workspace, &args)?,
        Task::Fuzz(args) => fuzz::run(&workspace, &args)?,
        Task::Params(args) => params::run(&workspace, &args)?,
        Task::Train(args) => train::run(&workspace, &args)?,
        Task::Load(args) => load::load(&workspace, &args)?,
        Task::Soak(args) => load::soak(&workspace, &args)?,
        Task::Screenshots(args) => screenshots::run(&workspace, &args)?,
    }
    Ok(true)
}
