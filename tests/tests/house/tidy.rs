//! How files look.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tests::root;

const LONGEST: usize = 600;

/// What no file may hold; each is written in two halves, so that this one doesn't either.
const FORBIDDEN: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("dbg", "!("),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
];

/// Directories that hold nothing written by hand.
const SKIPPED: [&str; 5] = [".git", "dist", "node_modules", "pkg", "target"];

/// Files of the repository that end in one of these.
fn files(endings: &[&str]) -> Result<Vec<(PathBuf, String)>> {
    let (mut found, mut directories) = (Vec::new(), vec![root()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
            let entry = entry?;
            let (path, name) = (
                entry.path(),
                entry.file_name().to_string_lossy().into_owned(),
            );
            if entry.file_type()?.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    directories.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                found.push((path.strip_prefix(root())?.to_owned(), text));
            }
        }
    }
    Ok(found)
}

/// Lists every file that breaks a rule.
#[track_caller]
fn check(endings: &[&str], rule: impl Fn(&Path, &str) -> Option<String>) {
    let files = files(endings).expect("the repository can be read");
    assert!(!files.is_empty(), "no {endings:?} in {}", root().display());
    let broken: Vec<String> = files
        .iter()
        .filter_map(|(path, text)| rule(path, text).map(|why| format!("{}: {why}", path.display())))
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

fn is_crate_root(path: &Path) -> bool {
    ["src/lib.rs", "src/main.rs"]
        .iter()
        .any(|root| path.ends_with(root))
}

#[test]
fn every_file_says_what_it_is_for() {
    check(&[".rs"], |_, text| {
        (!text.starts_with("//!")).then(|| "doesn't open with `//!`".to_owned())
    });
}

#[test]
fn every_crate_states_its_invariant() {
    check(&[".rs"], |path, text| {
        // A program over a library of its own states it there.
        let library = root().join(path).with_file_name("lib.rs");
        let exempt = path.ends_with("src/main.rs") && library.is_file();
        let opening = || text.lines().take_while(|line| line.starts_with("//!"));
        let stated = || opening().any(|line| line.contains("**Invariant:**"));
        (is_crate_root(path) && !exempt && !stated()).then(|| "states no **Invariant:**".to_owned())
    });
}

#[test]
fn nothing_is_left_for_later() {
    check(
        &[
            ".rs", ".toml", ".md", ".html", ".css", ".js", ".json", "run",
        ],
        |_, text| {
            let line = |word: &str| {
                text.lines()
                    .position(|line| line.contains(word))
                    .map(|at| at + 1)
            };
            let found = FORBIDDEN.iter().find_map(|word| Some((word, line(word)?)));
            found.map(|(word, line)| format!("holds `{word}` in line {line}"))
        },
    );
}

#[test]
fn no_file_is_endless() {
    check(&[".rs"], |_, text| {
        let lines = text.lines().count();
        (lines > LONGEST).then(|| format!("has {lines} lines, more than {LONGEST}; split it"))
    });
}

#[test]
fn every_crate_takes_the_common_lints() {
    check(&["Cargo.toml"], |_, text| {
        let is_crate = text.contains("[package]");
        let linted = text.contains("[lints]\nworkspace = true");
        (is_crate && !linted).then(|| "lacks `[lints] workspace = true`".to_owned())
    });
}

/// What a page of Markdown points to in this repository, without the place inside it.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let after = |opening: &'static str, end| {
        let pieces = text.split(opening).skip(1);
        pieces.filter_map(move |rest| rest.split([end, ' ', '\n']).next())
    };
    after("](", ')')
        .chain(after("src=\"", '"'))
        .filter(|target| !target.contains(':'))
        .filter_map(|target| target.split('#').next())
        .filter(|file| !file.is_empty())
}

#[test]
fn links_lead_somewhere() {
    check(&[".md"], |path, text| {
        let leads = |target: &&str| root().join(path).with_file_name(target).exists();
        let dead: Vec<&str> = targets(text).filter(|target| !leads(target)).collect();
        (!dead.is_empty()).then(|| format!("links to what isn't there: {dead:?}"))
    });
}

#[test]
fn every_figure_is_filled_in() {
    check(&["README.md"], |_, text| {
        let empty = text.lines().position(|line| line.contains("| … |"))?;
        Some(format!("has an empty cell in line {}", empty + 1))
    });
}
