//! `deploy/grafana.json` and `deploy/alerts.yml` ask for figures that there are.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::front::PREFIX;
use tests::nginx::Nginx;
use tests::server::{Server, agent};
use tests::{root, wait_for};

use super::visit::{Visitor, evaluator};

/// Names that a scrape adds.
const SCRAPED: [&str; 2] = ["job", "instance"];

/// Everything that stands behind `"expr":` in a panel, and what fills the dashboard's lists.
fn queries_of_panels() -> Result<Vec<String>> {
    let text = fs::read_to_string(root().join("deploy/grafana.json"))?;
    let dashboard: Value = serde_json::from_str(&text)?;
    let panels = dashboard["panels"].as_array().context("no panels")?;
    let mut queries = Vec::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().context("no targets")?;
        ensure!(!targets.is_empty(), "{} asks for nothing", panel["title"]);
        for target in targets {
            queries.push(target["expr"].as_str().context("no expr")?.to_owned());
        }
    }
    let lists = dashboard["templating"]["list"].as_array();
    for list in lists.context("no lists")? {
        queries.extend(list["query"]["query"].as_str().map(str::to_owned));
    }
    Ok(queries)
}

fn queries_of_alerts() -> Result<Vec<String>> {
    let text = fs::read_to_string(root().join("deploy/alerts.yml"))?;
    let queries = text.lines().filter_map(|line| {
        let (_, query) = line.split_once("expr: ")?;
        Some(query.to_owned())
    });
    Ok(queries.collect())
}

/// The words of a query that can be names: neither quoted nor numbers.
fn words(query: &str) -> Vec<&str> {
    let bare = query.split('"').step_by(2);
    let pieces = bare.flat_map(|text| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'))
    });
    pieces
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect()
}

/// The names in front of `=`, `=~`, `!=` and behind `by`.
fn labels(query: &str) -> BTreeSet<&str> {
    let compared = query.split('"').step_by(2).filter_map(|before| {
        let name = before.trim_end_matches(['=', '~', '!']);
        let is_compared = name.len() < before.len();
        is_compared.then(|| name.rsplit([',', '{', ' ', '(']).next())?
    });
    let grouped = query.split(" by (").skip(1).flat_map(|rest| {
        let list = rest.split(')').next().unwrap_or_default();
        list.split(',').map(str::trim)
    });
    compared.chain(grouped).collect()
}

/// The samples of a metric.
fn samples<'a>(text: &'a str, metric: &str) -> Vec<&'a str> {
    let of_metric = |line: &&str| {
        let rest = line.strip_prefix(metric);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
    };
    text.lines().filter(of_metric).collect()
}

/// The figures of an evaluator that has seen everything that is counted.
fn figures() -> Result<String> {
    let evaluator = evaluator()?;
    let nginx = Nginx::start(&[evaluator.address()], PREFIX)?;
    Visitor::open(&nginx)?.classify(1)?;
    agent().get(evaluator.url("/api/v1/nothing")).call()?;
    reload(&evaluator)?;
    wait_for("the reload to be counted", || {
        let mut answer = agent().get(evaluator.url("/metrics")).call()?;
        let text = answer.body_mut().read_to_string()?;
        let is_counted = !samples(&text, "inkveil_reloads_total").is_empty();
        Ok(is_counted.then_some(text))
    })
}

fn reload(evaluator: &Server) -> Result<()> {
    let pid = evaluator.id().to_string();
    let status = Command::new("kill").args(["-HUP", &pid]).status()?;
    ensure!(status.success(), "kill ended with {status}");
    Ok(())
}

#[test]
fn every_figure_asked_for_is_there() -> Result<()> {
    let figures = figures()?;
    let mut asked = BTreeSet::new();
    for query in queries_of_panels()?.iter().chain(&queries_of_alerts()?) {
        let metrics: Vec<&str> = words(query)
            .into_iter()
            .filter(|word| word.starts_with("inkveil_") || word.starts_with("process_"))
            .collect();
        for &metric in &metrics {
            let found = samples(&figures, metric);
            ensure!(
                !found.is_empty(),
                "{metric}, in `{query}`, isn't in\n{figures}"
            );
            asked.insert(metric.to_owned());
        }
        let of_metrics: Vec<&str> = metrics
            .iter()
            .flat_map(|metric| samples(&figures, metric))
            .collect();
        for label in labels(query) {
            let is_there = || {
                let has = |sample: &&str| {
                    ["{", ","]
                        .iter()
                        .any(|before| sample.contains(&format!("{before}{label}=")))
                };
                of_metrics.iter().any(has)
            };
            ensure!(
                SCRAPED.contains(&label) || is_there(),
                "`{query}`: no {label} in\n{}",
                of_metrics.join("\n")
            );
        }
    }
    ensure!(asked.len() > 15, "{asked:?}");
    Ok(())
}

#[test]
fn queries_are_taken_apart() {
    let query =
        r#"sum by (le, model) (rate(inkveil_x_bucket{instance=~"$instance", status!="410"}[5m]))"#;
    assert!(words(query).contains(&"inkveil_x_bucket"));
    assert!(!words(query).contains(&"410"));
    let expected: BTreeSet<&str> = ["instance", "le", "model", "status"].into();
    assert_eq!(labels(query), expected);
}
