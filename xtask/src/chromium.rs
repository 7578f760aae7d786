//! A Chromium to test in, with its driver.
//!
//! **Invariant:** an installed browser is never replaced; one is installed only where none is found.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::{output, show, succeed};

const DRIVERS: &[&str] = &[
    "chromedriver",
    "chromium.chromedriver",
    "/usr/lib/chromium/chromedriver",
    "/usr/lib/chromium-browser/chromedriver",
];

const BROWSERS: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Ways to install a browser with its driver: the program that has to exist, whether it needs
/// root, and the commands.
const INSTALLERS: &[(&str, bool, &[&[&str]])] = &[
    (
        "apt-get",
        true,
        &[
            &["apt-get", "update"],
            &[
                "apt-get",
                "install",
                "--yes",
                "--no-install-recommends",
                "chromium",
                "chromium-driver",
            ],
        ],
    ),
    (
        "dnf",
        true,
        &[&["dnf", "install", "--assumeyes", "chromium", "chromedriver"]],
    ),
    (
        "pacman",
        true,
        &[&["pacman", "--sync", "--refresh", "--noconfirm", "chromium"]],
    ),
    (
        "apk",
        true,
        &[&["apk", "add", "chromium", "chromium-chromedriver"]],
    ),
    (
        "brew",
        false,
        &[&["brew", "install", "--cask", "chromium", "chromedriver"]],
    ),
];

/// Where the browser and its driver are.
pub struct Chromium {
    browser: PathBuf,
    driver: PathBuf,
}

impl Chromium {
    /// Finds a browser and its driver, installing both where one is missing.
    pub fn ensure() -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        for (manager, needs_root, commands) in INSTALLERS {
            if on_path(manager).is_none() {
                continue;
            }
            println!("Installing Chromium and its driver with {manager}");
            if let Err(error) = install(*needs_root, commands) {
                println!("{error:#}");
            }
            if let Some(found) = Self::find() {
                return Ok(found);
            }
        }
        bail!(
            "no Chromium with its driver was found and none could be installed; install Chromium \
             (or Chrome) and chromedriver of the same version, or set CHROME and CHROMEDRIVER to \
             their paths"
        )
    }

    fn find() -> Option<Self> {
        let named = |variable: &str, names: &[&str]| match std::env::var_os(variable) {
            Some(path) => Some(PathBuf::from(path)),
            None => names.iter().find_map(|name| on_path(name)),
        };
        Some(Self {
            browser: named("CHROME", BROWSERS)?,
            driver: named("CHROMEDRIVER", DRIVERS)?,
        })
    }

    /// Tells `command` where browser and driver are.
    pub fn apply(&self, command: &mut Command) {
        command
            .env("CHROME", &self.browser)
            .env("CHROMEDRIVER", &self.driver);
    }
}

/// Runs a package manager, as root where it has to be.
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
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::iter::once(PathBuf::new())
        .filter(|_| Path::new(name).is_absolute())
        .chain(std::env::split_paths(&path))
        .map(|directory| directory.join(&file))
        .find(|candidate| candidate.is_file())
}
