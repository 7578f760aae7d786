//! `cargo xtask test`: every check, in order, with a summary.
//!
//! **Invariant:** a step that fails doesn't hide the ones after it, unless they need its result;
//! those count as failed, too. A step that can't run here says so in the summary.

use std::cell::OnceCell;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::axe;
use crate::chromium::Chromium;
use crate::deny::{self, Advisories};
use crate::fuzz;
use crate::load;
use crate::openapi;
use crate::page;
use crate::services;
use crate::tools::Tools;
use crate::workspace::{Workspace, show, succeed};

/// The one place that knows where MNIST may lie.
#[path = "../../tests/src/data.rs"]
mod data;

/// Tests that need axe-core.
const AXE_TESTS: &str = "browser::accessibility::axe_";

/// How long each fuzz target runs.
const FUZZ_SECONDS: u64 = 30;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Checks everything: formatting, lints, documentation, tests natively and in a browser.
///
/// Missing build tools are installed into the user's cache, a missing Chromium through the
/// system's package manager.
#[derive(clap::Args)]
pub struct Args {
    /// Run only the step of this name, or those whose name contains it, and the steps they need.
    filter: Option<String>,
    /// Show the steps without running them.
    #[arg(long)]
    list: bool,
}

/// What steps share; made when the first of them needs it.
struct Context<'a> {
    workspace: &'a Workspace,
    tools: OnceCell<Tools>,
    chromium: OnceCell<Chromium>,
}

impl Context<'_> {
    fn tools(&self) -> Result<&Tools> {
        match self.tools.get() {
            Some(tools) => Ok(tools),
            None => Tools::for_page(self.workspace).map(|tools| self.tools.get_or_init(|| tools)),
        }
    }

    fn chromium(&self) -> Result<&Chromium> {
        match self.chromium.get() {
            Some(chromium) => Ok(chromium),
            None => Chromium::ensure().map(|chromium| self.chromium.get_or_init(|| chromium)),
        }
    }
}

struct Step {
    name: &'static str,
    title: &'static str,
    needs: &'static [&'static str],
    run: fn(&Context<'_>) -> Result<Outcome>,
}

#[derive(PartialEq)]
enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        title: "formatting",
        needs: &[],
        run: formatting,
    },
    Step {
        name: "clippy",
        title: "lints",
        needs: &[],
        run: lints,
    },
    Step {
        name: "clippy-wasm",
        title: "lints of the page in wasm",
        needs: &[],
        run: lints_wasm,
    },
    Step {
        name: "doc",
        title: "documentation",
        needs: &[],
        run: documentation,
    },
    Step {
        name: "deny",
        title: "licences, sources and duplicates of dependencies",
        needs: &[],
        run: dependencies,
    },
    Step {
        name: "advisories",
        title: "what is known against dependencies",
        needs: &[],
        run: advisories,
    },
    Step {
        name: "unit",
        title: "tests of each room",
        needs: &[],
        run: unit,
    },
    Step {
        name: "rooms",
        title: "tests across rooms",
        needs: &[],
        run: rooms,
    },
    Step {
        name: "fuzz",
        title: "each fuzz target for 30 s",
        needs: &[],
        run: fuzzing,
    },
    Step {
        name: "wasm-client",
        title: "the client's tests in Chromium",
        needs: &[],
        run: wasm_client,
    },
    Step {
        name: "wasm-page",
        title: "the page's tests in Chromium",
        needs: &[],
        run: wasm_page,
    },
    Step {
        name: "page",
        title: "the page's release build",
        needs: &[],
        run: build_page,
    },
    Step {
        name: "browser",
        title: "the whole path in Chromium",
        needs: &["page"],
        run: browser,
    },
    Step {
        name: "axe",
        title: "axe-core on the page in Chromium",
        needs: &["page"],
        run: axe_core,
    },
    Step {
        name: "openapi",
        title: "the API's description against the service",
        needs: &[],
        run: api_description,
    },
    Step {
        name: "hosting",
        title: "the files in deploy/ behind real proxies",
        needs: &["page"],
        run: hosting,
    },
    Step {
        name: "accuracy",
        title: "200 test images, encrypted",
        needs: &[],
        run: accuracy,
    },
    Step {
        name: "load",
        title: "200 sessions, then four times the limits",
        needs: &["page"],
        run: load,
    },
    Step {
        name: "soak",
        title: "10,000 digits against one server",
        needs: &[],
        run: soak,
    },
    Step {
        name: "faults",
        title: "what breaks around the service",
        needs: &[],
        run: faults,
    },
];

/// Runs the steps that `args` ask for; returns whether none failed.
pub fn run(workspace: &Workspace, args: &Args) -> Result<bool> {
    let filter = args.filter.as_deref().unwrap_or_default();
    let steps = select(filter);
    if steps.is_empty() {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!(
            "no step's name contains `{filter}`; the steps are {}",
            names.join(", ")
        );
    }
    if args.list {
        for step in steps {
            println!("{:<12} {}", step.name, step.title);
        }
        return Ok(true);
    }

    let context = Context {
        workspace,
        tools: OnceCell::new(),
        chromium: OnceCell::new(),
    };
    let mut results: Vec<(&Step, Outcome, Duration)> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!(
            "\n=== {}/{} {}: {}",
            index + 1,
            steps.len(),
            step.name,
            step.title
        );
        let start = Instant::now();
        let missing = results.iter().find(|(earlier, outcome, _)| {
            step.needs.contains(&earlier.name) && *outcome != Outcome::Passed
        });
        let outcome = match missing {
            Some((earlier, ..)) => {
                Outcome::Failed(format!("needs `{}`, which failed", earlier.name))
            }
            None => {
                (step.run)(&context).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")))
            }
        };
        match &outcome {
            Outcome::Passed => {}
            Outcome::Skipped(why) => println!("!!! {} was SKIPPED: {why}", step.name),
            Outcome::Failed(why) => println!("!!! {} FAILED: {why}", step.name),
        }
        results.push((step, outcome, start.elapsed()));
    }
    Ok(summarise(&results))
}

/// The step named `filter`, or else those whose name contains it, with the ones they need, in order.
fn select(filter: &str) -> Vec<&'static Step> {
    let exact = STEPS.iter().any(|step| step.name == filter);
    let asked = |step: &Step| {
        if exact {
            step.name == filter
        } else {
            step.name.contains(filter)
        }
    };
    let needed = |step: &Step| {
        STEPS
            .iter()
            .any(|later| asked(later) && later.needs.contains(&step.name))
    };
    STEPS
        .iter()
        .filter(|step| asked(step) || needed(step))
        .collect()
}

fn summarise(results: &[(&Step, Outcome, Duration)]) -> bool {
    println!("\n=== summary");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (step, outcome, time) in results {
        let (count, word, why) = match outcome {
            Outcome::Passed => (&mut passed, "passed", ""),
            Outcome::Skipped(why) => (&mut skipped, "SKIPPED", why.as_str()),
            Outcome::Failed(why) => (&mut failed, "FAILED", why.as_str()),
        };
        *count += 1;
        println!(
            "{word:<8} {:>7.1} s  {:<12} {} {why}",
            time.as_secs_f64(),
            step.name,
            step.title
        );
    }
    let rest = if skipped > 0 {
        format!(", {skipped} skipped")
    } else {
        String::new()
    };
    println!("\n{passed} passed, {failed} failed{rest}");
    failed == 0
}

fn finish(command: &mut Command) -> Result<Outcome> {
    println!("+ {}", show(command));
    succeed(command).map(|()| Outcome::Passed)
}

fn formatting(context: &Context<'_>) -> Result<Outcome> {
    finish(&mut context.workspace.cargo(["fmt", "--all", "--check"]))
}

fn lints(context: &Context<'_>) -> Result<Outcome> {
    let args = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ];
    finish(&mut context.workspace.cargo(args))
}

fn lints_wasm(context: &Context<'_>) -> Result<Outcome> {
    context.tools()?;
    let args = [
        "clippy",
        "--package",
        "client-wasm",
        "--target",
        WASM_TARGET,
        "--all-targets",
    ];
    finish(
        context
            .workspace
            .cargo(args)
            .args(["--", "--deny", "warnings"]),
    )
}

fn documentation(context: &Context<'_>) -> Result<Outcome> {
    let mut command = context.workspace.cargo(["doc", "--workspace", "--no-deps"]);
    // Links to private modules are for readers of the source, whose documentation this is.
    let flags = "--deny warnings --allow rustdoc::private-intra-doc-links";
    finish(command.env("RUSTDOCFLAGS", flags))
}

fn dependencies(context: &Context<'_>) -> Result<Outcome> {
    deny::dependencies(context.workspace).map(|()| Outcome::Passed)
}

fn advisories(context: &Context<'_>) -> Result<Outcome> {
    Ok(match deny::advisories(context.workspace)? {
        Advisories::Clear => Outcome::Passed,
        Advisories::Unreachable(why) => Outcome::Skipped(why),
    })
}

fn unit(context: &Context<'_>) -> Result<Outcome> {
    finish(
        &mut context
            .workspace
            .cargo(["test", "--workspace", "--exclude", "tests"]),
    )
}

fn rooms(context: &Context<'_>) -> Result<Outcome> {
    finish(&mut context.workspace.cargo([
        "test",
        "--package",
        "tests",
        "--",
        "--skip",
        "browser::",
        "--skip",
        "faults::",
        "--skip",
        "hosting::",
    ]))
}

fn wasm_client(context: &Context<'_>) -> Result<Outcome> {
    wasm_tests(context, "client")
}

fn wasm_page(context: &Context<'_>) -> Result<Outcome> {
    wasm_tests(context, "client-wasm")
}

fn fuzzing(context: &Context<'_>) -> Result<Outcome> {
    fuzz::run(context.workspace, &fuzz::Args::all(FUZZ_SECONDS)).map(|()| Outcome::Passed)
}

fn wasm_tests(context: &Context<'_>, package: &str) -> Result<Outcome> {
    // Programs for the command line are features that are on by default; wasm has none.
    let args = [
        "test",
        "--package",
        package,
        "--target",
        WASM_TARGET,
        "--no-default-features",
        "--lib",
        "--tests",
    ];
    let mut command = context.workspace.cargo(args);
    context.tools()?.apply(&mut command)?;
    context.chromium()?.apply(&mut command);
    command
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            "wasm-bindgen-test-runner",
        )
        .env(
            "WASM_BINDGEN_TEST_WEBDRIVER_JSON",
            context.workspace.root().join("xtask/webdriver.json"),
        )
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60")
        .env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    finish(&mut command)
}

fn build_page(context: &Context<'_>) -> Result<Outcome> {
    page::build(context.workspace, context.tools()?).map(|()| Outcome::Passed)
}

fn browser(context: &Context<'_>) -> Result<Outcome> {
    let args = [
        "test",
        "--package",
        "tests",
        "--test",
        "main",
        "--",
        "browser::",
        "--skip",
        AXE_TESTS,
    ];
    let mut command = context.workspace.cargo(args);
    context.chromium()?.apply(&mut command);
    finish(&mut command)
}

fn axe_core(context: &Context<'_>) -> Result<Outcome> {
    let script = match axe::find(context.workspace) {
        Ok(script) => script,
        // Whoever draws on a laptop needn't have npm; a build that speaks for all does.
        Err(why) if std::env::var_os("CI").is_none() => {
            return Ok(Outcome::Skipped(format!("{why:#}")));
        }
        Err(why) => return Err(why),
    };
    let args = ["test", "--package", "tests", "--test", "main", "--"];
    let mut command = context.workspace.cargo(args);
    context.chromium()?.apply(&mut command);
    finish(command.arg(AXE_TESTS).env(axe::VARIABLE, script))
}

fn api_description(context: &Context<'_>) -> Result<Outcome> {
    match openapi::python(context.workspace) {
        Ok(python) => openapi::check(context.workspace, &python).map(|()| Outcome::Passed),
        // As for axe-core: not everybody has Python.
        Err(why) if std::env::var_os("CI").is_none() => Ok(Outcome::Skipped(format!("{why:#}"))),
        Err(why) => Err(why),
    }
}

/// Why a step that needs the services around the evaluator can't run here, if so.
fn missing_services() -> Result<Option<Outcome>> {
    let is_for_checks = std::env::var_os("CI").is_some();
    match services::ensure(is_for_checks) {
        Ok(()) => Ok(None),
        // Whoever draws on a laptop needn't have proxies; a build that speaks for all does.
        Err(why) if !is_for_checks => Ok(Some(Outcome::Skipped(format!("{why:#}")))),
        Err(why) => Err(why),
    }
}

fn hosting(context: &Context<'_>) -> Result<Outcome> {
    if let Some(skipped) = missing_services()? {
        return Ok(skipped);
    }
    let args = ["test", "--package", "tests", "--test", "main", "--"];
    let mut command = context.workspace.cargo(args);
    context.chromium()?.apply(&mut command);
    finish(command.arg("hosting::"))
}

fn accuracy(context: &Context<'_>) -> Result<Outcome> {
    let Some(directory) = data::mnist_directory(context.workspace.root()) else {
        return Ok(Outcome::Skipped(data::missing()));
    };
    println!("MNIST from {}", directory.display());
    // In the profile of the other tests, so that nothing is built a second time.
    let args = [
        "run",
        "--package",
        "tests",
        "--bin",
        "accuracy",
        "--",
        "--images",
        "200",
    ];
    let mut command = context.workspace.cargo(args);
    let gates = ["--at-least", "98", "--agree-at-least", "99", "--data"];
    finish(command.args(gates).arg(directory))
}

fn load(context: &Context<'_>) -> Result<Outcome> {
    load::step(context.workspace, "crowd")?;
    load::step(context.workspace, "overload").map(|()| Outcome::Passed)
}

fn soak(context: &Context<'_>) -> Result<Outcome> {
    load::step(context.workspace, "soak").map(|()| Outcome::Passed)
}

fn faults(context: &Context<'_>) -> Result<Outcome> {
    if let Some(skipped) = missing_services()? {
        return Ok(skipped);
    }
    // Most of them wait most of the time; more than two at once would wait for each other's work.
    let args = ["test", "--package", "tests", "--test", "main", "--"];
    let mut command = context.workspace.cargo(args);
    finish(command.args(["faults::", "--test-threads", "2"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(filter: &str) -> Vec<&'static str> {
        select(filter).iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_filter_brings_what_its_steps_need() {
        assert_eq!(names("browser"), ["page", "browser"]);
        assert_eq!(names("axe"), ["page", "axe"]);
        assert_eq!(names("clippy"), ["clippy"]);
        assert_eq!(names("wasm-"), ["wasm-client", "wasm-page"]);
        assert_eq!(names("").len(), STEPS.len());
        assert!(names("no such step").is_empty());
    }

    #[test]
    fn needed_steps_come_first() {
        for (index, step) in STEPS.iter().enumerate() {
            for need in step.needs {
                assert!(
                    STEPS
                        .iter()
                        .take(index)
                        .any(|earlier| earlier.name == *need),
                    "{need}"
                );
            }
        }
    }
}
