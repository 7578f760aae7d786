//! `evaluator check`: another program's work, which may decrypt.

use std::env::{self, consts};
use std::ffi::OsString;
use std::process::{self, ExitCode};

use anyhow::{Context, Result, bail};

/// Hands over to the program that may decrypt.
///
/// # Errors
/// It isn't there, or can't be started.
pub fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let name = format!("evaluator-check{}", consts::EXE_SUFFIX);
    let program = env::current_exe()?.with_file_name(name);
    if !program.is_file() {
        bail!(
            "{} is not there; `cargo build --release --package check` builds it beside a built \
             evaluator, `cargo install --path check` installs it",
            program.display()
        );
    }
    let status = process::Command::new(&program).args(arguments).status();
    let status = status.with_context(|| program.display().to_string())?;
    // Without a code it was ended by a signal.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
