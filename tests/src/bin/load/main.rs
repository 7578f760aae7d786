//! Measures what the service bears, on loopback, with clients that know the right answers:
//! a crowd within the limits, four times the limits, and a long run.
//!
//! **Invariant:** a run passes only if every gate held; which did not is said, with the figures.

mod crowd;
mod latency;
mod material;
mod memory;
mod overload;
mod service;
mod soak;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tests::machine;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Many sessions, mixed models, within the limits.
    Crowd(crowd::Args),
    /// The same service at its limits, and at four times as much.
    Overload(overload::Args),
    /// Many digits against one server; its memory has to stay.
    Soak(soak::Args),
}

fn main() -> Result<()> {
    println!("{}", machine::describe());
    if let Some(load) = machine::load() {
        println!("load average {load} at the start");
    }
    match Cli::parse().what {
        What::Crowd(args) => crowd::run(&args),
        What::Overload(args) => overload::run(&args),
        What::Soak(args) => soak::run(&args),
    }
}
