//! Flags, file and defaults together; variables are the business of the program's own tests, which
//! have a process each.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    Serve(Box<Settings>),
}

/// The settings under this file and these flags, and how they are shown.
fn settings(text: &str, flags: &[&str]) -> Result<(Settings, String), String> {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("evaluator.toml");
    std::fs::write(&file, text).expect("written");
    let mut arguments: Vec<OsString> = ["evaluator", "serve", "--config"].map(Into::into).into();
    arguments.push(file.into());
    arguments.extend(flags.iter().map(Into::into));
    let layered = with_file(Cli::command(), &["serve"], &arguments);
    let (command, file) = layered.map_err(|error| error.to_string())?;
    let matches = command.clone().try_get_matches_from(arguments);
    let matches = matches.map_err(|error| error.to_string())?;
    let Sub::Serve(settings) = Cli::from_arg_matches(&matches).expect("matched").command;
    let own = command.find_subcommand("serve").expect("there");
    let shown = in_force(
        own,
        matches.subcommand_matches("serve").expect("matched"),
        &file,
    );
    Ok((*settings, shown))
}

#[track_caller]
fn check_refused(text: &str, flags: &[&str], expected: &str) {
    let error = settings(text, flags).map(drop).expect_err(text);
    assert!(
        error.contains(expected),
        "{error:?} does not say {expected:?}"
    );
}

const MODELS: &str = "models = \"m\"\n";

#[test]
fn the_file_counts_more_than_the_default_and_a_flag_more_than_the_file() {
    let text = format!("{MODELS}batch = 8\nthreads = 3\nbulk = true\ninputs = 99\nuploads = 7\n");
    let (found, shown) = settings(&text, &["--threads", "5"]).expect("fine");
    assert_eq!(found.models, PathBuf::from("m"));
    assert_eq!((found.batch, found.threads), (8, NonZero::new(5)));
    assert!(found.bulk && !found.allow_layer_ranges);
    let limits = found.limits();
    assert_eq!((limits.batch, limits.inputs, limits.uploads), (8, 99, 7));
    for line in [
        "models = \"m\" # file",
        "batch = 8 # file",
        "threads = 5 # flag",
        "bulk = true # file",
        "allow-layer-ranges = false # default",
        "sessions = \"memory\" # default",
        "# page is not set",
    ] {
        assert!(
            shown.lines().any(|found| found == line),
            "no {line:?} in\n{shown}"
        );
    }
    let (found, _) = settings(&text, &["--bulk=false"]).expect("fine");
    assert!(
        !found.bulk,
        "what the file switches on, a flag switches off"
    );
}

#[test]
fn what_is_shown_sets_the_same() {
    let text = format!(
        "{MODELS}trusted-proxies = [\"10.0.0.0/8\", \"127.0.0.1\"]\nlog = \"info,a=\\\"b\\\"\"\n\
         cors-origins = [\"https://a.example\"]\nlog-format = \"json\"\n"
    );
    let (first, shown) = settings(&text, &["--session-mib=9"]).expect("fine");
    let (second, again) = settings(&shown, &[]).expect(&shown);
    let origin = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let values = lines.filter_map(|line| Some(line.rsplit_once(" # ")?.0.to_owned()));
        values.collect::<Vec<_>>()
    };
    assert_eq!(origin(&shown), origin(&again));
    assert_eq!(first.limits(), second.limits());
    assert_eq!(first.proxies(), second.proxies());
    assert_eq!(second.log_format, LogFormat::Json);
    assert_eq!(second.cors_origins, ["https://a.example"]);
}

#[test]
fn a_wrong_key_is_an_error_with_the_nearest_right_one() {
    let text = format!("{MODELS}\nsesion-mib = 5\n");
    check_refused(
        &text,
        &[],
        "evaluator.toml, line 3: there is no setting `sesion-mib`; did you mean `session-mib`?",
    );
    check_refused("session_idle_s = 5", &[], "did you mean `session-idle-s`?");
    check_refused("zzz = 5", &[], "`evaluator serve --help` lists all");
    check_refused("config = \"x\"", &[], "there is no setting `config`");
    check_refused("help = true", &[], "there is no setting `help`");
}

#[test]
fn a_wrong_value_is_an_error_with_its_line_and_what_would_be_right() {
    let check =
        |line: &str, expected: &str| check_refused(&format!("{MODELS}{line}"), &[], expected);
    check(
        "batch = 65",
        "line 2: batch = 65 can't be: 65 is not in 1..=64",
    );
    check("threads = 0", "threads = 0 can't be");
    check("threads = -1", "threads = -1 can't be");
    check("threads = \"many\"", "threads = \"many\" can't be");
    check("bulk = \"perhaps\"", "bulk = \"perhaps\" can't be");
    check("listen = \"here\"", "invalid socket address");
    check("log-format = \"xml\"", "possible values: text, json");
    check(
        "sessions = \"file\"",
        "it is `memory` or an address such as redis://",
    );
    check(
        "trusted-proxies = [\"10.0.0.0/33\"]",
        "an address or a network",
    );
    check(
        "cors-origins = [\"https://a.example/path\"]",
        "without a path",
    );
    check("cors-origins = \"*\"", "without a path");
    check("threads = 0x10", "decimal integers");
    check("threads = 1.5", "decimal integers");
    check("threads = [1, 2]", "it takes one value");
    check(
        "[session]\nmib = 5",
        "line 2: there is no setting `session`",
    );
    check("[threads]\nmib = 5", "can't be: settings are strings");
    check("batch = 8\nbatch = 9", "duplicate key");
    check("batch = ", "line 2");
}

#[test]
fn what_a_flag_can_not_be_is_still_refused() {
    check_refused(MODELS, &["--batch", "65"], "65 is not in 1..=64");
    check_refused(MODELS, &["--bach", "5"], "'--batch'");
    check_refused("", &[], "--models <DIR>");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let arguments = ["evaluator", "serve", "--config", "no-such.toml"].map(OsString::from);
    let error = with_file(Cli::command(), &["serve"], &arguments).expect_err("no file");
    assert!(
        error.to_string().starts_with("no-such.toml can't be read"),
        "{error}"
    );
}

#[test]
fn passwords_are_not_shown() {
    let text = format!("{MODELS}sessions = \"redis://user:s3cret@10.0.0.1:6379/0\"\n");
    let (found, shown) = settings(&text, &[]).expect("fine");
    let address = "redis://user:s3cret@10.0.0.1:6379/0".to_owned();
    assert_eq!(found.sessions, Sessions::Redis(address));
    assert!(
        shown.contains("sessions = \"redis://…@10.0.0.1:6379/0\" # file"),
        "{shown}"
    );
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}
