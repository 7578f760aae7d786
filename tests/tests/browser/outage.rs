//! The evaluator goes away and comes back, or is another one.

use anyhow::{Result, ensure};
use client::manners::QUICK_ATTEMPTS;
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::proxy::{Exchange, Fault, Proxy};
use tests::root;
use tests::server::Server;
use tests::webdriver::Pointer;

use super::{WINDOW, is_query};

#[test]
fn an_outage_is_told_and_a_retry_ends_it() -> Result<()> {
    let server = Server::start()?;
    let address = server.address();
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    page.draw(Pointer::Mouse, &strokes(7, &Hand::default()))?;
    server.stop()?;

    let message = page.classify_in_vain()?;
    ensure!(
        message.split_whitespace().count() >= 3,
        "no sentence: {message}"
    );
    page.wait_for_status("error")?;

    // The new evaluator knows neither session nor keys.
    let dist = root().join("dist");
    let _server = Server::start_with(&root().join("models"), Some(&dist), Some(address))?;
    page.retry()?;
    assert_eq!(page.wait_for_answer()?.class, "7");
    assert_eq!(page.text("#error")?, "");
    Ok(())
}

#[test]
fn a_page_of_another_version_asks_to_be_reloaded() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let list = |exchange: &Exchange| exchange.path() == "/api/v1/models";
    proxy.plan(list, &[Fault::Json(r#"{"api_version":2,"models":[]}"#)]);
    browser.goto(&server.url("/"))?;
    let page = Page::of(&browser);
    page.wait_for_status("error")?;
    let message = page.text("#error")?;
    ensure!(message.contains("out of date"), "{message}");
    browser.click("#reload")?;
    page.wait_for_status("ready")
}

#[test]
fn what_was_drawn_during_an_outage_is_read_by_the_retry() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open_live(&browser, &server.url("/"))?;
    proxy.plan(is_query, &[Fault::Cut; QUICK_ATTEMPTS as usize]);
    let strokes = strokes(4, &Hand::default());
    page.draw(Pointer::Mouse, &strokes[..1])?;
    page.wait_for_status("error")?;
    page.draw(Pointer::Mouse, &strokes[1..])?;
    page.retry()?;
    assert_eq!(page.wait_for_answer()?.class, "4");
    Ok(())
}
