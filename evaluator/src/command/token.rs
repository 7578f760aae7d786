//! `evaluator token`: a new token for somebody.

use anyhow::{Context, Result, ensure};
use evaluator::server::tokens::Tokens;

/// Prints a token, which is nowhere kept, and the line that makes a service accept it.
///
/// # Errors
/// The name isn't one word, or there is no randomness.
pub fn run(name: &str) -> Result<()> {
    let is_word = !name.is_empty() && !name.starts_with('#') && !name.contains(char::is_whitespace);
    ensure!(
        is_word,
        "{name:?} is no name: it has to be one word that doesn't begin with #"
    );
    let new = Tokens::make(name).context("the operating system gives no random numbers")?;
    println!("# for {name}, who gets it and keeps it: it is stored nowhere else");
    println!("{}", new.token);
    println!("# for the file of --tokens");
    println!("{}", new.line);
    Ok(())
}
