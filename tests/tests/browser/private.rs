//! A service that its host keeps for people with a token.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tests::browser::Browser;
use tests::page::Page;
use tests::proxy::{Exchange, Proxy};
use tests::server::{Server, agent, binary, built_page};
use tests::webdriver::Pointer;
use tests::{root, tap, wait_for};

use super::{WINDOW, read_digit};

/// A service whose host lets one visitor in, and the visitor's browser.
struct Private {
    server: Server,
    proxy: Proxy,
    browser: Browser,
    /// What the visitor was given.
    token: String,
    host: Host,
}

/// What the host keeps.
struct Host {
    directory: TempDir,
}

impl Host {
    fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        Ok(Self { directory })
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("tokens")
    }

    /// Lets whoever has the new token in, and nobody else.
    fn admit(&self) -> Result<String> {
        let output = Command::new(binary()?)
            .args(["token", "visitor"])
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let [token, line] = lines[..] else {
            bail!("a token and its line were expected: {text}");
        };
        fs::write(self.file(), format!("{line}\n"))?;
        Ok(token.to_owned())
    }
}

impl Private {
    fn open() -> Result<Self> {
        let host = Host::new()?;
        let token = host.admit()?;
        let file = host.file().display().to_string();
        let (models, page) = (root().join("models"), built_page()?);
        let flags = ["--tokens", &file];
        let server = Server::start_with_flags(&models, Some(&page), None, &flags)?;
        let (proxy, browser) = visit(&server)?;
        Ok(Self {
            server,
            proxy,
            browser,
            token,
            host,
        })
    }

    /// Has the service read its file again, and waits until this token is the one.
    fn reload(&self, token: &str) -> Result<()> {
        self.server.signal(Signal::SIGHUP)?;
        wait_for("the tokens to be read", || {
            let request = agent().get(self.server.url("/api/v1/models"));
            let request = request.header("authorization", format!("Bearer {token}"));
            Ok((request.call()?.status() == 200).then_some(()))
        })
    }
}

fn visit(server: &Server) -> Result<(Proxy, Browser)> {
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    Ok((proxy, browser))
}

fn is_api(exchange: &Exchange) -> bool {
    exchange.path().starts_with("/api/")
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
fn expect_on_the_service_only(proxy: &Proxy, token: &str) -> Result<()> {
    let (api, others) = authorizations(proxy);
    ensure!(!api.is_empty() && !others.is_empty(), "nothing was asked");
    let expected = Some(format!("Bearer {token}"));
    ensure!(api.iter().all(|value| *value == expected), "{api:?}");
    ensure!(others.iter().all(Option::is_none), "{others:?}");
    Ok(())
}

#[test]
fn the_links_token_goes_to_the_service_and_nowhere_else() -> Result<()> {
    let Private {
        server,
        proxy,
        browser,
        token,
        ..
    } = Private::open()?;
    tap::listen(&browser)?;
    let query = "?model=mnist-fast";
    let link = server.url(&format!("/{query}#token={token}"));
    let page = Page::open(&browser, &link)?;
    assert_eq!(address(&browser)?, server.url(&format!("/{query}")));
    read_digit(&page, Pointer::Mouse, 3)?;
    browser.click("#new-keys")?;
    page.wait_for_status("ready")?;
    super::shell::wait_until_kept(&browser)?;
    expect_on_the_service_only(&proxy, &token)?;
    // Reading, making, uploading and deleting.
    let exchanges = proxy.exchanges();
    for method in ["GET", "POST", "DELETE"] {
        let asked = |exchange: &&Exchange| is_api(exchange) && exchange.method == method;
        ensure!(exchanges.iter().any(|one| asked(&one)), "no {method}");
    }

    let holds = |text: &[u8]| {
        let mut windows = text.windows(token.len());
        windows.any(|window| window == token.as_bytes())
    };
    for exchange in &exchanges {
        ensure!(!holds(&exchange.body), "in a body of {}", exchange.line());
        ensure!(!exchange.url.contains(&token), "{}", exchange.line());
        let mut others = exchange
            .headers
            .iter()
            .filter(|(name, _)| name != "authorization");
        ensure!(
            !others.any(|(_, value)| value.contains(&token)),
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
    ensure!(!kept.contains(&token), "{kept}");

    // The tab has it still after a reload.
    let page = Page::open(&browser, &server.url("/"))?;
    read_digit(&page, Pointer::Mouse, 8)?;
    expect_on_the_service_only(&proxy, &token)
}

#[test]
fn who_has_no_token_reads_how_to_come_in() -> Result<()> {
    let it = Private::open()?;
    it.browser.goto(&it.server.url("/"))?;
    let page = Page::of(&it.browser);
    page.wait_for_status("error")?;
    let said = page.text("#error")?;
    for words in [
        "This service is private",
        "by the link that its host gave you",
    ] {
        ensure!(said.contains(words), "`{said}` lacks `{words}`");
    }
    let (api, _) = authorizations(&it.proxy);
    assert_eq!(api, [None], "asked once, without a token");

    // The link, opened in the same tab: the page stays, and goes on.
    it.browser
        .goto(&it.server.url(&format!("/#token={}", it.token)))?;
    page.wait_for_recovery()?;
    page.wait_for_status("ready")?;
    assert_eq!(address(&it.browser)?, it.server.url("/"));
    assert_eq!(page.text("#error")?, "");
    let (api, _) = authorizations(&it.proxy);
    let expected = Some(format!("Bearer {}", it.token));
    ensure!(api.len() > 3, "{api:?}");
    ensure!(
        api.iter().skip(1).all(|value| *value == expected),
        "{api:?}"
    );
    Ok(())
}

#[test]
fn a_token_that_holds_no_longer_is_told_from_none() -> Result<()> {
    let it = Private::open()?;
    let link = |token: &str| it.server.url(&format!("/#token={token}"));
    let page = Page::open(&it.browser, &link(&it.token))?;
    let another = it.host.admit()?;
    it.reload(&another)?;
    let said = read_digit(&page, Pointer::Mouse, 1);
    let said = format!("{:#}", said.err().context("it was answered")?);
    ensure!(said.contains("holds no longer"), "{said}");
    // A new link in the same tab.
    it.browser.goto(&link(&another))?;
    page.wait_for_recovery()?;
    page.wait_for_status("ready")?;
    read_digit(&page, Pointer::Mouse, 1)
}

#[test]
fn what_is_no_token_is_taken_away_and_not_sent() -> Result<()> {
    let server = Server::start()?;
    let (proxy, browser) = visit(&server)?;
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
    Page::open(
        &browser,
        &server.url("/#token=x7Qm.4-sesame_open~2Zb9%3D%3D"),
    )?;
    let (api, _) = authorizations(&proxy);
    let expected = "Bearer x7Qm.4-sesame_open~2Zb9==".to_owned();
    assert_eq!(api.last(), Some(&Some(expected)));
    Ok(())
}
