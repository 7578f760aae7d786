//! `evaluator config`: the settings in force.

use clap::{ArgMatches, Command};
use evaluator::settings::{FileSettings, in_force};

/// Prints them as a file that would set them, each with where it came from.
pub fn run(command: &Command, matches: &ArgMatches, file: &FileSettings) {
    print!("{}", in_force(command, matches, file));
}
