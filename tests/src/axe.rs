//! axe-core in the page: what would keep somebody from using it.
//!
//! **Invariant:** every rule is applied that axe-core applies by itself, to the whole page.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::browser::Browser;

/// Names the file with axe-core.
pub const VARIABLE: &str = "INKVEIL_AXE";

const RUN: &str = "return axe.run(document, { resultTypes: ['violations'] }).then(result =>
    result.violations.map(({ id, impact, nodes }) =>
        `${id} (${impact}): ` + nodes.map(({ target, failureSummary }) =>
            `${target.join(' ')}: ${failureSummary.replace(/\\s+/g, ' ')}`).join('; ')));";

/// What axe-core finds wrong with the page as it is now, a line for each rule that it breaks.
///
/// # Errors
/// If there is no axe-core, or it can't be run.
pub fn violations(browser: &Browser) -> Result<Vec<String>> {
    let Some(path) = std::env::var_os(VARIABLE) else {
        bail!("{VARIABLE} names no axe-core; `cargo xtask test axe` brings it");
    };
    let source = std::fs::read_to_string(&path)
        .with_context(|| format!("{VARIABLE} is {}", path.display()))?;
    browser.script(&source, &[])?;
    let found = browser.script(RUN, &[])?;
    let found = found.as_array().context("axe-core gave no list")?;
    let line = |rule: &Value| rule.as_str().map(str::to_owned).context("no text");
    found.iter().map(line).collect()
}
