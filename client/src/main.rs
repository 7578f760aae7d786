//! `inkveil`: drawings are classified on a server that can't see them, from the command line.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
