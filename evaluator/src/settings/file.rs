//! The settings file: TOML whose keys are the flags' names.
//!
//! Knows a command's flags, whichever they are; a value becomes the flag's default, so that flags and
//! variables count more, and is read by the flag's own parser.
//!
//! **Invariant:** a key that no flag has, a value that the flag doesn't take and a table are errors
//! with their line.

#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Arg, Command};
use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The flag that names the file, which can't be named in it.
const FILE: &str = "config";

/// The largest file.
const MOST_BYTES: u64 = 1 << 20;

/// How alike a name has to be to be offered instead of a wrong one, from 0 to 1.
const ALIKE: f64 = 0.7;

/// Why a settings file can't be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// It can't be read.
    #[error("{file} can't be read: {reason}")]
    Read {
        /// The file.
        file: String,
        /// What the operating system said.
        reason: io::Error,
    },
    /// It isn't TOML.
    #[error("{file}: {reason}")]
    Syntax {
        /// The file.
        file: String,
        /// Where and why.
        reason: String,
    },
    /// A key that no flag has.
    #[error("{file}, line {line}: there is no setting `{key}`; {}", offer(nearest.as_deref()))]
    Unknown {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// The key.
        key: String,
        /// The setting that is most like it.
        nearest: Option<String>,
    },
    /// A value that the setting doesn't take.
    #[error("{file}, line {line}: {key} = {value} can't be: {reason}")]
    Value {
        /// The file.
        file: String,
        /// The line.
        line: usize,
        /// The setting.
        key: String,
        /// The value.
        value: String,
        /// What would be right.
        reason: String,
    },
}

fn offer(nearest: Option<&str>) -> String {
    let or_list = || "`evaluator serve --help` lists all".to_owned();
    nearest.map_or_else(or_list, |nearest| format!("did you mean `{nearest}`?"))
}

/// The settings of a file, each with its values in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSettings {
    values: BTreeMap<String, Vec<String>>,
}

impl FileSettings {
    /// Reads a file's text for a command with these flags.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line.
    pub fn parse(file: &str, text: &str, command: &Command) -> Result<Self, SettingsError> {
        let table = DeTable::parse(text).map_err(|error| SettingsError::Syntax {
            file: file.to_owned(),
            reason: error.to_string().trim_end().to_owned(),
        })?;
        let mut entries: Vec<_> = table.into_inner().into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut values = BTreeMap::new();
        for (key, value) in entries {
            let start = text.get(..key.span().start).unwrap_or_default();
            let line = 1 + start.matches('\n').count();
            let key = key.into_inner().into_owned();
            let Some(flag) = flags(command).find(|(name, _)| *name == key) else {
                return Err(SettingsError::Unknown {
                    file: file.to_owned(),
                    line,
                    nearest: nearest(&key, command),
                    key,
                });
            };
            let (name, flag) = flag;
            let refuse = |value: &str, reason: String| SettingsError::Value {
                file: file.to_owned(),
                line,
                key: name.to_owned(),
                value: value.to_owned(),
                reason,
            };
            let written = text.get(value.span()).unwrap_or_default().trim();
            let words = words(&value).map_err(|reason| refuse(written, reason))?;
            check(flag, &words).map_err(|reason| refuse(written, reason))?;
            values.insert(key, words);
        }
        Ok(Self { values })
    }

    /// The command with the file's values for defaults.
    #[must_use]
    pub fn apply(&self, command: Command) -> Command {
        self.values.iter().fold(command, |command, (key, words)| {
            let id = flags(&command).find(|(name, _)| name == key);
            let id = id.map(|(_, flag)| flag.get_id().clone());
            match id {
                Some(id) => command.mut_arg(id, |flag| {
                    flag.required(false).default_values(words.clone())
                }),
                None => command,
            }
        })
    }

    /// Whether the file has this setting.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }
}

/// Lays the file that `arguments` or the environment name below `command`'s subcommands of these
/// names.
///
/// # Errors
/// The file can't be read or is wrong.
pub fn with_file(
    mut command: Command,
    subcommands: &[&str],
    arguments: &[OsString],
) -> Result<(Command, FileSettings), SettingsError> {
    // What else is wrong with the arguments shows when they are read for good.
    let first = command.clone().ignore_errors(true);
    let matches = first.try_get_matches_from(arguments).ok();
    let file = matches.as_ref().and_then(|matches| {
        let (name, own) = matches.subcommand()?;
        subcommands.contains(&name).then_some(())?;
        own.try_get_one::<PathBuf>(FILE).ok().flatten().cloned()
    });
    let Some(file) = file else {
        return Ok((command, FileSettings::default()));
    };
    let text = read(&file)?;
    let name = file.display().to_string();
    let mut settings = FileSettings::default();
    for subcommand in subcommands {
        if let Some(own) = command.find_subcommand(subcommand) {
            settings = FileSettings::parse(&name, &text, own)?;
            command = command.mut_subcommand(*subcommand, |own| settings.apply(own));
        }
    }
    Ok((command, settings))
}

fn read(file: &Path) -> Result<String, SettingsError> {
    let read = || {
        if fs::metadata(file)?.len() > MOST_BYTES {
            return Err(io::Error::other("it is larger than 1 MiB"));
        }
        fs::read_to_string(file)
    };
    read().map_err(|reason| SettingsError::Read {
        file: file.display().to_string(),
        reason,
    })
}

/// The flags that a file may set, by their names.
fn flags(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let named = command
        .get_arguments()
        .filter_map(|flag| Some((flag.get_long()?, flag)));
    named.filter(|(name, _)| ![FILE, "help", "version"].contains(name))
}

fn nearest(key: &str, command: &Command) -> Option<String> {
    let alike = flags(command).map(|(name, _)| (strsim::jaro_winkler(key, name), name));
    let best = alike.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (best.0 >= ALIKE).then(|| best.1.to_owned())
}

/// A value in the words of a flag.
fn words(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(word).collect(),
        _ => word(value).map(|word| vec![word]),
    }
}

fn word(value: &Spanned<DeValue<'_>>) -> Result<String, String> {
    match value.get_ref() {
        DeValue::String(words) => Ok(words.clone().into_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        other => Err(format!(
            "settings are strings, decimal integers, true and false, and lists of them; this is a {}",
            other.type_str()
        )),
    }
}

/// Has a flag's own parser read the words.
fn check(flag: &Arg, words: &[String]) -> Result<(), String> {
    let name = flag.get_long().unwrap_or_default();
    let alone = flag.clone().required(false);
    let command = Command::new("settings").no_binary_name(true).arg(alone);
    let arguments = words.iter().map(|word| format!("--{name}={word}"));
    let takes_several = flag.get_value_delimiter().is_some();
    if words.len() != 1 && !takes_several {
        return Err("it takes one value".to_owned());
    }
    match command.try_get_matches_from(arguments) {
        Ok(_) => Ok(()),
        Err(error) => Err(reason(&error.to_string())),
    }
}

/// What clap says, without what is only right on a command line.
fn reason(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let said = line.split_once(": ").map_or(line, |(_, said)| said);
    let possible = words
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("[possible values"));
    possible.unwrap_or(said).to_owned()
}
