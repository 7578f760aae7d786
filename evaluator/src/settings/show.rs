//! The settings in force, as a file that would set them.
//!
//! **Invariant:** no password is shown.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::FileSettings;

/// All settings of a command in TOML by their names, each with where it came from.
#[must_use]
pub fn in_force(command: &Command, matches: &ArgMatches, file: &FileSettings) -> String {
    let flags = command.get_arguments().filter(|flag| {
        let name = flag.get_long();
        name.is_some_and(|name| !["help", "version"].contains(&name))
    });
    let mut lines: Vec<_> = flags
        .map(|flag| (flag.get_long(), line(flag, matches, file)))
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

fn line(flag: &Arg, matches: &ArgMatches, file: &FileSettings) -> String {
    let name = flag.get_long().unwrap_or_default();
    let id = flag.get_id().as_str();
    let values: Vec<String> = matches
        .get_raw(id)
        .map(|words| words.map(|word| toml_value(&without_password(&word.to_string_lossy()))))
        .map_or_else(Vec::new, Iterator::collect);
    let takes_several = flag.get_value_delimiter().is_some();
    let value = match values.as_slice() {
        [] => return format!("# {name} is not set\n"),
        [value] if !takes_several => value.clone(),
        values => format!("[{}]", values.join(", ")),
    };
    let origin = match matches.value_source(id) {
        Some(ValueSource::CommandLine) => "flag",
        Some(ValueSource::EnvVariable) => "environment",
        _ if file.has(name) => "file",
        _ => "default",
    };
    // A file can't name itself.
    let comment = if name == "config" { "# " } else { "" };
    format!("{comment}{name} = {value} # {origin}\n")
}

fn toml_value(words: &str) -> String {
    let is_bare = words.parse::<u64>().is_ok() || ["true", "false"].contains(&words);
    if is_bare {
        words.to_owned()
    } else {
        let escaped = words.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    }
}

/// An address such as `redis://user:password@host` without what stands between `//` and `@`.
fn without_password(words: &str) -> String {
    match words.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://…@{host}"),
            None => words.to_owned(),
        },
        None => words.to_owned(),
    }
}
