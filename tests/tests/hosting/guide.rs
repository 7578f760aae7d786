//! `docs/hosting.md`: the files and flags in its commands exist.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tests::root;
use tests::server::binary;

/// Commands of the guide, line by line, with continued lines joined.
fn commands() -> Result<Vec<String>> {
    let text = fs::read_to_string(root().join("docs/hosting.md"))?;
    let blocks = text.split("\n```sh\n").skip(1);
    let commands: Vec<String> = blocks
        .filter_map(|rest| rest.split("\n```").next())
        .flat_map(|block| {
            let joined = block.replace("\\\n", " ");
            joined.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    ensure!(commands.len() > 20, "{commands:?}");
    Ok(commands)
}

/// The words of a help text, without what may follow a flag.
fn names(help: &str) -> impl Iterator<Item = &str> {
    help.split(|c: char| c.is_whitespace() || "[,".contains(c))
}

#[test]
fn files_of_the_repository_are_there() -> Result<()> {
    let mut found = 0;
    for command in commands()? {
        let words = command.split(|c: char| c.is_whitespace() || "\"'=".contains(c));
        let ours = words.filter(|word| {
            let top = word.split('/').next().unwrap_or_default();
            ["deploy", "models", "docs"].contains(&top)
        });
        for file in ours {
            let name = file.trim_end_matches("/.");
            ensure!(root().join(name).exists(), "`{command}`: no {name}");
            found += 1;
        }
    }
    ensure!(found >= 4, "only {found} files are named");
    Ok(())
}

#[test]
fn flags_of_the_evaluator_are_there() -> Result<()> {
    let mut checked = BTreeSet::new();
    for command in commands()? {
        let words: Vec<&str> = command.split_whitespace().collect();
        let at = words
            .iter()
            .position(|word| *word == "evaluator" || word.ends_with("/evaluator"));
        let Some([_, subcommand, rest @ ..]) = at.map(|at| &words[at..]) else {
            continue;
        };
        if !["serve", "config", "token", "inspect"].contains(subcommand) {
            continue;
        }
        let output = Command::new(binary()?)
            .args([subcommand, "--help"])
            .output()?;
        ensure!(output.status.success(), "no `evaluator {subcommand}`");
        let help = String::from_utf8(output.stdout)?;
        for flag in rest.iter().filter(|word| word.starts_with("--")) {
            let name = flag.split('=').next().unwrap_or(flag);
            let is_there = names(&help).any(|word| word == name);
            ensure!(is_there, "`{command}`: no {name} in\n{help}");
        }
        checked.insert((*subcommand).to_owned());
    }
    ensure!(checked.len() >= 2, "{checked:?}");
    Ok(())
}

#[test]
fn settings_that_the_text_names_are_there() -> Result<()> {
    let output = Command::new(binary()?).args(["serve", "--help"]).output()?;
    let help = String::from_utf8(output.stdout)?;
    let text = fs::read_to_string(root().join("docs/hosting.md"))?;
    // Settings stand in backticks with the dashes of their flag.
    let quoted = text
        .split("\n```")
        .step_by(2)
        .flat_map(|prose| prose.split('`').skip(1).step_by(2));
    let flags: BTreeSet<&str> = quoted
        .filter(|word| word.starts_with("--"))
        .filter_map(|word| word.split([' ', '=']).next())
        .collect();
    ensure!(flags.len() > 10, "{flags:?}");
    for flag in flags {
        let is_there = names(&help).any(|word| word == flag);
        ensure!(is_there, "no {flag}");
    }
    Ok(())
}

#[test]
fn figures_that_the_text_names_are_on_the_dashboard() -> Result<()> {
    let dashboard = fs::read_to_string(root().join("deploy/grafana.json"))?;
    let text = fs::read_to_string(root().join("docs/hosting.md"))?;
    let named: BTreeSet<&str> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("inkveil_"))
        .collect();
    ensure!(!named.is_empty(), "no figure is named");
    for name in named {
        ensure!(dashboard.contains(name), "no {name}");
    }
    fs::metadata(root().join("deploy/alerts.yml")).context("no alerts")?;
    Ok(())
}
