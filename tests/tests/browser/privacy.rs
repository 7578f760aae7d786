//! What the page shows of what the server sees, and what it keeps and saves of its figures.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::browser::Browser;
use tests::page::Page;
use tests::proxy::Proxy;
use tests::server::Server;
use tests::wait_for;
use tests::webdriver::Pointer;

use super::{MODEL, WINDOW, count, is_query, read_digit};

/// The grey pixels of a picture of bytes, row by row.
fn noise(browser: &Browser, selector: &str) -> Result<Vec<u8>> {
    let script = "const canvas = document.querySelector(arguments[0]);
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return [...data].filter((_, at) => at % 4 === 0);";
    Ok(serde_json::from_value(
        browser.script(script, &[selector.into()])?,
    )?)
}

fn agreement(page: &Page<'_>) -> Result<f64> {
    let shown = wait_for("two ciphertexts", || {
        let shown = page.attribute("#agreement", "data-agreement")?;
        Ok((!shown.is_empty()).then_some(shown))
    })?;
    Ok(shown.parse()?)
}

#[test]
fn the_noise_is_what_went_over_the_wire() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open(&browser, &server.url("/"))?;
    read_digit(&page, Pointer::Mouse, 3)?;
    let exchanges = proxy.exchanges();
    let query = exchanges.iter().find(|exchange| is_query(exchange));
    let body = &query.context("nothing was sent")?.body;
    let shown = noise(&browser, "#noise")?;
    ensure!(
        shown.len() * 10 >= body.len() * 9,
        "{} of {} bytes",
        shown.len(),
        body.len()
    );
    ensure!(
        body.starts_with(&shown),
        "other bytes than those that were sent"
    );

    let session = page.attribute("#session", "data-session")?;
    let sent_to = query
        .map(|query| query.path().to_owned())
        .unwrap_or_default();
    ensure!(
        sent_to.contains(&session),
        "{sent_to} is not in session {session}"
    );
    assert_eq!(page.attribute("#model", "data-model")?, MODEL);
    Ok(())
}

#[test]
fn the_same_drawing_twice_has_nothing_in_common() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open(&browser, &server.url("/"))?;
    read_digit(&page, Pointer::Mouse, 8)?;
    let sent = noise(&browser, "#noise")?;
    browser.click("#encrypt-again")?;
    // One byte in 256 by chance, and a header of some dozen bytes.
    let share = agreement(&page)?;
    ensure!(
        (0.0025..0.0075).contains(&share),
        "{share} of the bytes agree"
    );
    assert_eq!(
        noise(&browser, "#noise-earlier")?,
        sent,
        "the first one is still there"
    );
    ensure!(noise(&browser, "#noise")? != sent, "no new one");
    assert_eq!(count(&proxy, is_query), 1, "the second was never sent");
    assert_eq!(page.text("#answer")?, "8");
    Ok(())
}

#[test]
fn the_history_can_be_saved_and_cleared() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let directory = tempfile::tempdir()?;
    browser.save_into(directory.path())?;
    let page = Page::open(&browser, &server.url("/"))?;
    for digit in [1, 7] {
        read_digit(&page, Pointer::Mouse, digit)?;
        page.clear()?;
    }
    let rows = "return [...document.querySelectorAll('#history tbody tr')]
        .map(row => row.dataset.answer);";
    assert_eq!(browser.script(rows, &[])?, serde_json::json!(["7", "1"]));

    browser.click("#export-figures")?;
    let file = browser.saved(directory.path(), "inkveil-figures.json")?;
    let figures: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    assert_eq!(figures["model"], MODEL);
    assert_eq!(figures["parameters"]["degree"], 4_096);
    let drawings = figures["drawings"].as_array().context("no drawings")?;
    let answers: Vec<&Value> = drawings.iter().map(|drawing| &drawing["answer"]).collect();
    assert_eq!(answers, ["1", "7"]);
    for drawing in drawings {
        let stages = drawing["stages"].as_array().context("no stages")?;
        let names: Vec<&str> = stages
            .iter()
            .filter_map(|one| one["stage"].as_str())
            .collect();
        let expected = [
            "prepare", "encode", "encrypt", "upload", "evaluate", "download", "decrypt",
        ];
        assert_eq!(names, expected);
        let sum: f64 = stages.iter().filter_map(|one| one["ms"].as_f64()).sum();
        let total = drawing["total_ms"].as_f64().context("no total")?;
        ensure!(
            (sum - total).abs() < 1e-6 && total > 0.0,
            "{sum} is not {total}"
        );
    }

    browser.click("#clear-history")?;
    wait_for("an empty history", || {
        Ok((browser.script(rows, &[])? == serde_json::json!([])).then_some(()))
    })
}
