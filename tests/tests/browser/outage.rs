//! The evaluator goes away and comes back.

use anyhow::{Result, ensure};
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::root;
use tests::server::Server;
use tests::webdriver::Pointer;

use super::WINDOW;

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
