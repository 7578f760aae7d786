//! The command line over the library: one command a file.
//!
//! Knows files, the terminal and HTTP; leaves every secret to the library.
//!
//! **Invariant:** results go to standard output and everything else to standard error; whatever
//! goes wrong ends in one message that names the file or the server, and in exit code 1.

mod classify;
mod decrypt;
mod describe;
mod encrypt;
mod keygen;
mod models;
mod values;

mod answer;
mod files;
mod model;
mod passphrase;
mod pictures;
mod progress;
mod report;
mod server;
mod session;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Classifies drawings on a server that can't see them.
///
/// `models` lists what a server has, `classify` does everything, and `values` shows what the first
/// layers compute. The other commands are steps, with files between them, so that a drawing can be
/// encrypted on one machine and evaluated on another:
///
///   inkveil describe --server URL --model ID --out model.json
///   inkveil keygen --model model.json --secret secret.key --out evaluation.keys
///   inkveil encrypt --model model.json --secret secret.key --out digit.ct drawing.png
///   evaluator evaluate --model ID.onnx --keys evaluation.keys --in digit.ct --out reply.ct
///   inkveil decrypt --model model.json --secret secret.key reply.ct
#[derive(Parser)]
#[command(name = "inkveil", version, verbatim_doc_comment)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Classify(classify::Args),
    Models(models::Args),
    Values(values::Args),
    Describe(describe::Args),
    Keygen(keygen::Args),
    Encrypt(encrypt::Args),
    Decrypt(decrypt::Args),
}

/// Runs the command that the program was started with.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Classify(args) => classify::run(&args),
        Command::Models(args) => models::run(&args),
        Command::Values(args) => values::run(&args),
        Command::Describe(args) => describe::run(&args),
        Command::Keygen(args) => keygen::run(&args),
        Command::Encrypt(args) => encrypt::run(&args),
        Command::Decrypt(args) => decrypt::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if nobody_reads(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere left to say that standard error is closed.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the reader of standard output has seen enough, as `head` does.
fn nobody_reads(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
