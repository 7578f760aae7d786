//! The evaluator's command line: serve models, look into one, or evaluate one ciphertext.

mod command;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use actix_web::rt;
use anyhow::Result;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use command::evaluate::Evaluate;
use command::{check, config, evaluate, inspect, serve, telemetry, token};
use evaluator::settings::{FileSettings, LogFormat, Replacing, Settings, with_file};

/// Runs networks on encrypted images.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves every model of a directory, and the page.
    Serve(Box<Settings>),
    /// Prints the settings that `serve` would use with the same flags, and where each came from.
    Config(Box<Settings>),
    /// Makes a token for somebody, and its line for the file of --tokens.
    Token {
        /// Whom it is for: a word, for whoever keeps the file.
        name: String,
    },
    /// Says how a model would be run, or why it can't be.
    Inspect {
        /// The ONNX file.
        model: PathBuf,
        /// Prints the description that clients get, as JSON; `inkveil` reads it.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        replacing: Replacing,
    },
    /// Evaluates one ciphertext from a file.
    Evaluate(Evaluate),
    /// Runs a model encrypted and plain side by side and writes a report.
    ///
    /// That takes a secret key, and nothing in this program decrypts: it starts `evaluator-check`,
    /// which lies beside it.
    #[command(disable_help_flag = true)]
    Check {
        /// As `evaluator-check` takes them; `--help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// The subcommands that take settings, also from a file.
const WITH_SETTINGS: [&str; 2] = ["serve", "config"];

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<OsString> = env::args_os().collect();
    let (command, file) = with_file(Cli::command(), &WITH_SETTINGS, &arguments)?;
    let matches = command.clone().get_matches_from(arguments);
    let cli = Cli::from_arg_matches(&matches)?;
    let _traces = match &cli.command {
        Command::Serve(settings) => {
            telemetry::start(&settings.log, settings.log_format, settings.otlp.as_deref())?
        }
        _ => telemetry::start("info", LogFormat::Text, None)?,
    };
    match cli.command {
        Command::Serve(settings) => rt::System::new().block_on(serve::run(*settings))?,
        Command::Config(_) => show_settings(&command, &matches, &file),
        Command::Token { name } => token::run(&name)?,
        Command::Inspect {
            model,
            json,
            replacing,
        } => inspect::run(&model, json, &replacing)?,
        Command::Evaluate(arguments) => evaluate::run(&arguments)?,
        Command::Check { arguments } => return check::run(&arguments),
    }
    Ok(ExitCode::SUCCESS)
}

fn show_settings(command: &clap::Command, matches: &ArgMatches, file: &FileSettings) {
    let subcommand = matches.subcommand();
    let own = subcommand.and_then(|(name, own)| Some((command.find_subcommand(name)?, own)));
    if let Some((command, matches)) = own {
        config::run(command, matches, file);
    }
}
