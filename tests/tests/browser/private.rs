//! A service that its host keeps for people with a token.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::browser::Browser;
use tests::page::Page;
use tests::proxy::{Exchange, Fault, Proxy};
use tests::server::Server;
use tests::webdriver::Pointer;
use tests::{tap, wait_for};

use super::{WINDOW, is_query, read_digit};

const TOKEN: &str = "x7Qm.4-sesame_open~2Zb9==";

/// What an evaluator with `--tokens` says to whoever has none.
const REFUSAL: &str = r#"{"type":"/problems/unauthorized","title":"Unauthorized","status":401,
    "detail":"a token is needed"}"#;

fn is_api(exchange: &Exchange) -> bool {
    exchange.path().starts_with("/api/")
}

fn is_list(exchange: &Exchange) -> bool {
    exchange.path() == "/api/v1/models"
}

fn world() -> Result<(Server, Proxy, Browser)> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    Ok((server, proxy, browser))
}

/// The address as the browser shows it.
fn address(browser: &Browser) -> Result<String> {
    let address = browser.script("return location.href;", &[])?;
    Ok(address.as_str().context("no address")?.to_owned())
}

/// Each request's `Authorization`, those to the service apart from all others.
fn authorizations(proxy: &Proxy) -> (Vec<Option<String>>, Vec<Option<String>>) {
    let (api, others): (Vec<_>, Vec<_>) = proxy.exchanges().into_iter().partition(is_api);
    let values = |exchanges: Vec<Exchange>| {
        let value = |exchange: &Exchange| exchange.header("authorization").map(str::to_owned);
        exchanges.iter().map(value).collect()
    };
    (values(api), values(others))
}

/// Fails unless every request to the service carried the token, and nothing else did.
fn expect_on_the_service_only(proxy: &Proxy) -> Result<()> {
    let (api, others) = authorizations(proxy);
    ensure!(!api.is_empty() && !others.is_empty(), "nothing was asked");
    let expected = Some(format!("Bearer {TOKEN}"));
    ensure!(api.iter().all(|value| *value == expected), "{api:?}");
    ensure!(others.iter().all(Option::is_none), "{others:?}");
    Ok(())
}

#[test]
fn the_links_token_goes_to_the_service_and_nowhere_else() -> Result<()> {
    let (server, proxy, browser) = world()?;
    tap::listen(&browser)?;
    let query = "?model=mnist-fast";
    let link = server.url(&format!("/{query}#token={TOKEN}"));
    let page = Page::open(&browser, &link)?;
    assert_eq!(address(&browser)?, server.url(&format!("/{query}")));
    read_digit(&page, Pointer::Mouse, 3)?;
    browser.click("#new-keys")?;
    page.wait_for_status("ready")?;
    super::shell::wait_until_kept(&browser)?;
    expect_on_the_service_only(&proxy)?;
    // Reading, making, uploading and deleting.
    let exchanges = proxy.exchanges();
    for method in ["GET", "POST", "DELETE"] {
        let asked = |exchange: &&Exchange| is_api(exchange) && exchange.method == method;
        ensure!(exchanges.iter().any(|one| asked(&one)), "no {method}");
    }

    let holds = |text: &[u8]| {
        let mut windows = text.windows(TOKEN.len());
        windows.any(|window| window == TOKEN.as_bytes())
    };
    for exchange in &exchanges {
        ensure!(!holds(&exchange.body), "in a body of {}", exchange.line());
        ensure!(!exchange.url.contains(TOKEN), "{}", exchange.line());
        let mut others = exchange
            .headers
            .iter()
            .filter(|(name, _)| name != "authorization");
        ensure!(
            !others.any(|(_, value)| value.contains(TOKEN)),
            "{}",
            exchange.line()
        );
    }
    let told = tap::heard(&browser)?;
    ensure!(!told.is_empty(), "nobody listened");
    ensure!(
        !told.iter().any(|message| holds(message)),
        "the worker was told"
    );
    let kept = "return caches.keys().then(names => [names, document.cookie,
        Object.values(localStorage), document.documentElement.outerHTML]);";
    let kept = browser.script(kept, &[])?.to_string();
    ensure!(!kept.contains(TOKEN), "{kept}");

    // The tab has it still after a reload.
    let page = Page::open(&browser, &server.url("/"))?;
    read_digit(&page, Pointer::Mouse, 8)?;
    expect_on_the_service_only(&proxy)
}

#[test]
fn who_has_no_token_reads_how_to_come_in() -> Result<()> {
    let (server, proxy, browser) = world()?;
    proxy.plan(is_list, &[Fault::Refused(401, 0, REFUSAL)]);
    browser.goto(&server.url("/"))?;
    let page = Page::of(&browser);
    page.wait_for_status("error")?;
    let said = page.text("#error")?;
    for words in [
        "This service is private",
        "by the link that its host gave you",
    ] {
        ensure!(said.contains(words), "`{said}` lacks `{words}`");
    }
    let (api, _) = authorizations(&proxy);
    assert_eq!(api, [None], "asked once, without a token");

    // The link, opened in the same tab: the page stays, and goes on.
    browser.goto(&server.url(&format!("/#token={TOKEN}")))?;
    page.wait_for_status("ready")?;
    assert_eq!(address(&browser)?, server.url("/"));
    assert_eq!(page.text("#error")?, "");
    let (api, _) = authorizations(&proxy);
    let expected = Some(format!("Bearer {TOKEN}"));
    ensure!(api.len() > 3, "{api:?}");
    ensure!(
        api.iter().skip(1).all(|value| *value == expected),
        "{api:?}"
    );
    Ok(())
}

#[test]
fn a_token_that_holds_no_longer_is_told_from_none() -> Result<()> {
    let (server, proxy, browser) = world()?;
    let page = Page::open(&browser, &server.url(&format!("/#token={TOKEN}")))?;
    proxy.plan(is_query, &[Fault::Refused(401, 0, REFUSAL)]);
    let said = read_digit(&page, Pointer::Mouse, 1);
    let said = format!("{:#}", said.err().context("it was answered")?);
    ensure!(said.contains("holds no longer"), "{said}");
    page.retry()?;
    assert_eq!(page.wait_for_answer()?.class, "1");
    Ok(())
}

#[test]
fn what_is_no_token_is_taken_away_and_not_sent() -> Result<()> {
    let (server, proxy, browser) = world()?;
    for bad in ["", "a%20b", "%0d%0aX-Own:%201", "%", &"a".repeat(513)] {
        browser.goto("about:blank")?;
        let link = server.url(&format!("/#token={bad}"));
        Page::open(&browser, &link)?;
        wait_for("the fragment to go", || {
            Ok((!address(&browser)?.contains('#')).then_some(()))
        })?;
    }
    let (api, _) = authorizations(&proxy);
    ensure!(api.iter().all(Option::is_none), "{api:?}");
    let stored = "return Object.values(sessionStorage);";
    assert_eq!(browser.script(stored, &[])?, json!([]));

    // As some programs write what others send.
    browser.goto("about:blank")?;
    let encoded = TOKEN.replace('=', "%3D");
    Page::open(&browser, &server.url(&format!("/#token={encoded}")))?;
    let (api, _) = authorizations(&proxy);
    assert_eq!(api.last(), Some(&Some(format!("Bearer {TOKEN}"))));
    Ok(())
}
