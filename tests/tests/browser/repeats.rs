//! Requests that get no answer, or none yet: made again where that can help, and told where it can't.

use anyhow::{Result, ensure};
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::proxy::{Exchange, Fault, Proxy};
use tests::server::Server;
use tests::webdriver::Pointer;
use tests::{emulate, wait_for};

use super::{WINDOW, count, is_key_upload, is_query, is_upload_start, read_digit};

/// An evaluator, and a proxy before it that can fail.
fn world() -> Result<(Server, Proxy, Browser)> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    Ok((server, proxy, browser))
}

fn is_list(exchange: &Exchange) -> bool {
    exchange.path() == "/api/v1/models"
}

/// Statuses of the requests of a kind; nothing for those that got no answer.
fn statuses(proxy: &Proxy, kind: fn(&Exchange) -> bool) -> Vec<Option<u16>> {
    let exchanges = proxy.exchanges().into_iter();
    let of_kind = exchanges.filter(kind);
    of_kind.map(|exchange| exchange.status).collect()
}

#[test]
fn what_was_in_flight_when_a_server_went_is_asked_again_unseen() -> Result<()> {
    let (server, proxy, browser) = world()?;
    let page = Page::open(&browser, &server.url("/"))?;
    let ways: [&[Fault]; 4] = [
        &[Fault::Nobody(502)],
        &[Fault::Nobody(504)],
        &[Fault::Cut],
        &[Fault::Cut, Fault::Nobody(502)],
    ];
    for faults in ways {
        proxy.plan(is_query, faults);
        read_digit(&page, Pointer::Mouse, 7)?;
        assert_eq!(page.text("#error")?, "", "{faults:?}");
        page.clear()?;
    }
    let expected = [
        Some(502),
        Some(200),
        Some(504),
        Some(200),
        None,
        Some(200),
        None,
        Some(502),
        Some(200),
    ];
    assert_eq!(statuses(&proxy, is_query), expected);
    Ok(())
}

#[test]
fn a_page_opens_while_its_server_is_started_again() -> Result<()> {
    let (server, proxy, browser) = world()?;
    proxy.plan(is_list, &[Fault::Nobody(502), Fault::Cut]);
    Page::open(&browser, &server.url("/"))?;
    assert_eq!(statuses(&proxy, is_list), [Some(502), None, Some(200)]);
    Ok(())
}

#[test]
fn a_server_that_stays_away_is_told_after_three_requests() -> Result<()> {
    let (server, proxy, browser) = world()?;
    let page = Page::open(&browser, &server.url("/"))?;
    page.draw(Pointer::Mouse, &strokes(3, &Hand::default()))?;
    proxy.plan(is_query, &[Fault::Nobody(502); 4]);
    let said = page.classify_in_vain()?;
    ensure!(said.contains("can't be reached"), "{said}");
    assert_eq!(count(&proxy, is_query), 3);
    Ok(())
}

#[test]
fn without_a_network_nothing_is_tried_twice() -> Result<()> {
    let (server, proxy, browser) = world()?;
    let page = Page::open(&browser, &server.url("/"))?;
    page.draw(Pointer::Mouse, &strokes(1, &Hand::default()))?;
    let asked = || -> Result<usize> {
        let events = browser.events("Network.requestWillBeSent")?;
        let is_query = |event: &&serde_json::Value| {
            let url = event["request"]["url"].as_str();
            url.is_some_and(|url| url.contains("/classify"))
        };
        Ok(events.iter().filter(is_query).count())
    };
    assert_eq!(asked()?, 0);
    emulate::network(&browser, false)?;
    let said = page.classify_in_vain()?;
    ensure!(said.contains("can't be reached"), "{said}");
    assert_eq!(asked()?, 1, "requests without a network");
    assert_eq!(count(&proxy, is_query), 0);
    emulate::network(&browser, true)?;
    page.wait_for_recovery()?;
    assert_eq!(page.wait_for_answer()?.class, "1");
    Ok(())
}

#[test]
fn an_upload_whose_server_is_gone_begins_again() -> Result<()> {
    const GONE: &str =
        r#"{"type":"/problems/upload-gone","title":"Upload gone","status":410,"detail":"x"}"#;
    let (server, proxy, browser) = world()?;
    let faults = [Fault::Refused(410, 0, GONE), Fault::Nobody(502)];
    proxy.plan(is_key_upload, &faults);
    let page = Page::open(&browser, &server.url("/"))?;
    read_digit(&page, Pointer::Mouse, 6)?;
    assert_eq!(statuses(&proxy, is_upload_start), [Some(201); 3]);
    Ok(())
}

#[test]
fn a_limit_is_told_with_its_reason_and_its_end() -> Result<()> {
    const MANY: &str = r#"{"type":"/problems/too-many-sessions","title":"Too many sessions",
        "status":429,"detail":"this address holds 1000"}"#;
    let (server, proxy, browser) = world()?;
    proxy.plan(is_upload_start, &[Fault::Refused(429, 1800, MANY)]);
    browser.goto(&server.url("/"))?;
    let page = Page::of(&browser);
    page.wait_for_status("error")?;
    let said = page.text("#error")?;
    for words in [
        "A limit of the server is reached",
        "Too many sessions",
        "Try again in 30 minutes",
    ] {
        ensure!(said.contains(words), "`{said}` lacks `{words}`");
    }
    assert_eq!(count(&proxy, is_upload_start), 1, "it was told to wait");
    page.retry()?;
    page.wait_for_status("ready")?;
    wait_for("the words to go", || {
        Ok(page.text("#error")?.is_empty().then_some(()))
    })
}
