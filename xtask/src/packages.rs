//! Programs on this machine, and the package managers that bring missing ones.
//!
//! **Invariant:** a manager is asked for nothing but what a task names, and with `sudo` only where
//! that needs no password.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::workspace::{output, show, succeed};

/// Where programs for administrators lie, which isn't on everybody's path.
const FOR_ADMINISTRATORS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Runs a package manager's commands, as root where it has to be.
pub fn install(needs_root: bool, commands: &[&[&str]]) -> Result<()> {
    let with_sudo = needs_root && output("id", &["-u"]).as_deref() != Some("0");
    for words in commands {
        let words: Vec<&str> = match with_sudo {
            true => ["sudo", "-n"]
                .into_iter()
                .chain(words.iter().copied())
                .collect(),
            false => words.to_vec(),
        };
        let [program, args @ ..] = words.as_slice() else {
            continue;
        };
        let mut command = Command::new(program);
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
        println!("+ {}", show(&command));
        succeed(&mut command)?;
    }
    Ok(())
}

/// The file a name stands for; absolute names stand for themselves.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::iter::once(PathBuf::new())
        .filter(|_| Path::new(name).is_absolute())
        .chain(std::env::split_paths(&path))
        .chain(FOR_ADMINISTRATORS.map(PathBuf::from))
        .map(|directory| directory.join(&file))
        .find(|candidate| candidate.is_file())
}
