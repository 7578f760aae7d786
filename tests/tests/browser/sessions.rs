//! Keys and the sessions that hold them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::browser::Browser;
use tests::page::Page;
use tests::proxy::Proxy;
use tests::server::{Server, agent};
use tests::webdriver::Pointer;

use super::{WINDOW, count, is_query, opens_session, read_digit};

#[test]
fn a_lost_session_is_made_again_unasked() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open(&browser, &server.url("/"))?;
    read_digit(&page, Pointer::Mouse, 1)?;

    let upload = proxy
        .exchanges()
        .into_iter()
        .find(opens_session)
        .context("no keys went up")?;
    let reply: Value = serde_json::from_slice(&upload.reply)?;
    let id = reply["id"].as_str().context("the session has no id")?;
    let deleted = agent()
        .delete(server.url(&format!("/api/v1/sessions/{id}")))
        .call()?;
    ensure!(
        deleted.status().is_success(),
        "DELETE gave {}",
        deleted.status()
    );

    page.clear()?;
    read_digit(&page, Pointer::Mouse, 7)?;
    assert_eq!(count(&proxy, opens_session), 2);
    assert_eq!(
        count(&proxy, is_query),
        3,
        "one answered, one refused, one repeated"
    );
    Ok(())
}

#[test]
fn two_pages_at_once_get_their_own_answers() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let visit = |digits: [u8; 2]| -> Result<()> {
        let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
        let page = Page::open(&browser, &server.url("/"))?;
        for digit in digits {
            read_digit(&page, Pointer::Mouse, digit)?;
            page.clear()?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let visits = [[3, 0], [7, 1]].map(|digits| scope.spawn(move || visit(digits)));
        visits
            .into_iter()
            .try_for_each(|visit| visit.join().expect("a visit panicked"))
    })?;
    assert_eq!(
        count(&proxy, opens_session),
        2,
        "each page has its own keys"
    );
    Ok(())
}
