//! What the page is not allowed to do, and doesn't try.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::emulate;
use tests::page::Page;
use tests::proxy::{Exchange, Proxy};
use tests::server::Server;
use tests::tap::WORKER;
use tests::wait_for;
use tests::webdriver::Pointer;

use super::{WINDOW, read_digit};

/// Notes what the browser refuses the page.
const NOTE_VIOLATIONS: &str = "window.__refused = [];
    addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
        window.__refused.push(`${effectiveDirective} ${blockedURI}`), true);";

/// Where a worker tells what the browser refuses it.
const TELL: &str = "/refused-a-worker";

/// Has the worker tell the proxy what the browser refuses it.
const TELL_VIOLATIONS: &str =
    "addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
        fetch(`/refused-a-worker?${effectiveDirective}`));\n";

/// The same, and a worker that tries something.
const TELL_AN_ATTEMPT: &str =
    "addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
        fetch(`/refused-a-worker?${effectiveDirective}`));
    try { new Function('return 1')(); } catch {}\n";

fn refused_workers(proxy: &Proxy) -> Vec<String> {
    let exchanges = proxy.exchanges().into_iter();
    let told = exchanges.filter(|exchange| exchange.path() == TELL);
    told.map(|exchange: Exchange| exchange.url).collect()
}

fn refused_page(browser: &Browser) -> Result<Vec<Value>> {
    let refused = browser.script("return window.__refused;", &[])?;
    Ok(refused.as_array().context("nobody listened")?.clone())
}

#[test]
fn a_whole_visit_violates_no_policy_and_leaves_no_cookie() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start_with(server.address(), Some((WORKER, TELL_VIOLATIONS)))?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    emulate::before_each_page(&browser, NOTE_VIOLATIONS)?;
    // What is saved is made all the same, but not written anywhere.
    let denied = json!({ "behavior": "deny" });
    browser.devtools("Browser.setDownloadBehavior", &denied)?;
    let page = Page::open(&browser, &server.url("/"))?;
    for digit in [3, 8] {
        read_digit(&page, Pointer::Mouse, digit)?;
        page.clear()?;
    }
    read_digit(&page, Pointer::Mouse, 6)?;
    browser.click("#encrypt-again")?;
    browser.click("#export-figures")?;
    browser.click("#new-keys")?;
    page.wait_for_status("ready")?;
    let open_all = "for (const details of document.querySelectorAll('details')) {
        details.open = true;
    }";
    browser.script(open_all, &[])?;
    super::shell::wait_until_kept(&browser)?;
    server.stop()?;
    page.draw(Pointer::Mouse, &strokes(1, &Hand::default()))?;
    page.classify_in_vain()?;

    assert_eq!(refused_page(&browser)?, Vec::<Value>::new());
    assert_eq!(refused_workers(&proxy), Vec::<String>::new());
    let cookies = browser.devtools("Storage.getCookies", &json!({}))?;
    assert_eq!(cookies["cookies"], json!([]));

    // Whoever listened would have heard.
    let inline = "const script = document.createElement('script');
        script.textContent = 'window.__ran = true';
        document.body.append(script);
        document.body.setAttribute('style', 'color: red');
        return window.__ran === true;";
    assert_eq!(browser.script(inline, &[])?, false);
    wait_for("what the browser refuses", || {
        let refused = refused_page(&browser)?;
        Ok((refused == ["script-src-elem inline", "style-src-attr inline"]).then_some(()))
    })
}

#[test]
fn a_worker_that_runs_text_is_refused_and_heard() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start_with(server.address(), Some((WORKER, TELL_AN_ATTEMPT)))?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    Page::open(&browser, &server.url("/"))?;
    wait_for("the worker's word", || {
        let refused = refused_workers(&proxy);
        Ok(refused
            .iter()
            .any(|url| url.ends_with("?script-src"))
            .then_some(()))
    })
}

#[test]
fn the_browser_knows_every_feature_that_is_switched_off() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    Page::open(&browser, &server.url("/"))?;
    let entries = browser.log("browser")?;
    let policies: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry["message"].as_str())
        .filter(|message| message.contains("olicy"))
        .collect();
    assert_eq!(policies, Vec::<&str>::new());
    let allowed = "return document.featurePolicy.allowedFeatures();";
    let allowed = browser.script(allowed, &[])?;
    let allowed = allowed.as_array().context("no list")?;
    ensure!(!allowed.is_empty(), "the browser tells of no feature");
    for feature in [
        "camera",
        "microphone",
        "geolocation",
        "payment",
        "usb",
        "sync-xhr",
    ] {
        ensure!(!allowed.contains(&json!(feature)), "{feature} is allowed");
    }
    Ok(())
}
