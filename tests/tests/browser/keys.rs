//! How long keys live, and where they go.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use client::Plan;
use client::sealed::SealedKey;
use serde_json::{Value, json};
use shared::api::ModelInfo;
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::proxy::{Exchange, Fault, Proxy};
use tests::secrecy::{assert_absent, byte_needles};
use tests::server::{Server, agent};
use tests::webdriver::Pointer;
use tests::{tap, wait_for};

use super::{MODEL, WINDOW, count, is_key_upload, is_upload_start, opens_session, read_digit};

const PASSPHRASE: &str = "correct horse äöü";

/// An evaluator, and a proxy that sees what is sent there.
struct World {
    server: Server,
    proxy: Proxy,
}

impl World {
    fn start() -> Result<Self> {
        let server = Server::start()?;
        let proxy = Proxy::start(server.address())?;
        Ok(Self { server, proxy })
    }

    /// One in which the worker's secret key is known.
    fn start_known() -> Result<Self> {
        let server = Server::start()?;
        let prefix = Some((tap::WORKER, tap::RANDOMNESS));
        let proxy = Proxy::start_with(server.address(), prefix)?;
        Ok(Self { server, proxy })
    }

    /// Another device.
    fn browser(&self) -> Result<Browser> {
        Browser::start(WINDOW.0, WINDOW.1, Some(&self.proxy))
    }

    fn open<'a>(&self, browser: &'a Browser) -> Result<Page<'a>> {
        Page::open(browser, &self.server.url("/"))
    }

    fn uploads(&self) -> usize {
        count(&self.proxy, opens_session)
    }

    /// The sessions that were opened, in order.
    fn sessions(&self) -> Result<Vec<String>> {
        let exchanges = self.proxy.exchanges();
        let opened = exchanges.iter().filter(|exchange| opens_session(exchange));
        let id = |exchange: &Exchange| {
            let reply: Value = serde_json::from_slice(&exchange.reply)?;
            let id = reply["id"].as_str().context("a session without an id")?;
            Ok(id.to_owned())
        };
        opened.map(id).collect()
    }

    /// The evaluation keys of each upload, from its beginning to the next one's.
    fn evaluation_keys(&self) -> Vec<Vec<u8>> {
        let mut uploads: Vec<Vec<u8>> = Vec::new();
        for exchange in self.proxy.exchanges() {
            if is_upload_start(&exchange) {
                uploads.push(exchange.body);
            } else if let Some(last) = uploads.last_mut().filter(|_| is_key_upload(&exchange)) {
                last.extend(exchange.body);
            }
        }
        uploads
    }

    /// Whether the evaluator still has a session.
    fn holds(&self, session: &str) -> Result<bool> {
        let url = self.server.url(&format!("/api/v1/sessions/{session}"));
        let status = agent().get(url).call()?.status();
        ensure!(
            status == 200 || status == 410,
            "GET sessions/{session} gave {status}"
        );
        Ok(status == 200)
    }

    /// Waits until the evaluator has forgotten a session.
    fn expect_gone(&self, session: &str) -> Result<()> {
        wait_for("the session to go", || {
            Ok((!self.holds(session)?).then_some(()))
        })
    }
}

/// Waits until the key panel says so.
fn expect(page: &Page<'_>, attribute: &str, value: &str) -> Result<()> {
    let mut last = String::new();
    wait_for(&format!("#keys to have {attribute}={value}"), || {
        last = page.attribute("#keys", attribute)?;
        Ok((last == value).then_some(()))
    })
    .with_context(|| {
        let work = page.text("#key-work").unwrap_or_default();
        format!("it had {last}, and the panel says: {work}")
    })
}

/// Names of the databases that the browser stores for the page.
fn databases(browser: &Browser) -> Result<Value> {
    let script = "return indexedDB.databases().then(all => all.map(one => one.name));";
    browser.script(script, &[])
}

/// Ticks *Keep the key on this device*, or takes the tick away.
fn keep(browser: &Browser, page: &Page<'_>, keeping: &str) -> Result<()> {
    browser.click("#keep-device")?;
    expect(page, "data-keeping", keeping)
}

/// Presses *Forget keys* and waits until there are none.
fn forget(browser: &Browser, page: &Page<'_>) -> Result<()> {
    browser.click("#forget-keys")?;
    expect(page, "data-origin", "")
}

/// Saves the key as a file, and returns the file's path.
fn save(browser: &Browser, page: &Page<'_>, directory: &Path) -> Result<String> {
    browser.save_into(directory)?;
    browser.click("details:has(#passphrase) summary")?;
    browser.type_into("#passphrase", PASSPHRASE)?;
    browser.click("#export-keys")?;
    let path = browser.saved(directory, "inkveil-key.bin")?;
    assert_eq!(page.attribute("#keys", "data-origin")?, "made");
    Ok(path.to_string_lossy().into_owned())
}

/// Opens a key file with a passphrase.
fn open_file(browser: &Browser, path: &str, passphrase: &str) -> Result<()> {
    let open = "document.querySelector('details:has(#import-keys)').open = true;";
    browser.script(open, &[])?;
    browser.type_into("#import-keys", path)?;
    browser.type_into("#import-passphrase", passphrase)?;
    browser.click("#open-keys")
}

#[test]
fn keys_end_with_the_tab_unless_they_are_kept() -> Result<()> {
    let world = World::start()?;
    let browser = world.browser()?;
    let page = world.open(&browser)?;
    expect(&page, "data-keeping", "tab")?;
    assert_eq!(databases(&browser)?, json!([]), "nobody asked for a trace");
    let page = world.open(&browser)?;
    expect(&page, "data-origin", "made")?;
    let uploads = world.evaluation_keys();
    ensure!(uploads.len() == 2, "{} uploads", uploads.len());
    ensure!(uploads[0] != uploads[1], "the same keys after a reload");
    Ok(())
}

#[test]
fn kept_keys_need_no_upload_after_a_reload() -> Result<()> {
    let world = World::start()?;
    let browser = world.browser()?;
    let page = world.open(&browser)?;
    keep(&browser, &page, "device")?;
    for digit in [3, 8] {
        let page = world.open(&browser)?;
        expect(&page, "data-origin", "stored")?;
        expect(&page, "data-keeping", "device")?;
        read_digit(&page, Pointer::Mouse, digit)?;
    }
    assert_eq!(world.uploads(), 1);

    keep(&browser, &page, "tab")?;
    assert_eq!(databases(&browser)?, json!([]));
    let page = world.open(&browser)?;
    expect(&page, "data-origin", "made")?;
    assert_eq!(world.uploads(), 2);
    Ok(())
}

#[test]
fn kept_keys_go_up_again_when_their_session_is_gone() -> Result<()> {
    let world = World::start()?;
    let browser = world.browser()?;
    let page = world.open(&browser)?;
    keep(&browser, &page, "device")?;
    let session = world.sessions()?.pop().context("no session")?;
    let url = world.server.url(&format!("/api/v1/sessions/{session}"));
    let deleted = agent().delete(url).call()?.status();
    ensure!(deleted.is_success(), "DELETE gave {deleted}");

    for _ in 0..2 {
        let page = world.open(&browser)?;
        expect(&page, "data-origin", "stored")?;
        read_digit(&page, Pointer::Mouse, 2)?;
        // Once only: the new session is stored in place of the old.
        assert_eq!(world.uploads(), 2);
    }
    let uploads = world.evaluation_keys();
    ensure!(uploads[0] == uploads[1], "other keys than before");
    Ok(())
}

#[test]
fn forgotten_keys_are_gone_here_and_on_the_server() -> Result<()> {
    let world = World::start()?;
    let browser = world.browser()?;
    let page = world.open(&browser)?;
    read_digit(&page, Pointer::Mouse, 6)?;
    keep(&browser, &page, "device")?;
    let session = world.sessions()?.pop().context("no session")?;
    ensure!(world.holds(&session)?, "no such session");

    forget(&browser, &page)?;
    world.expect_gone(&session)?;
    assert_eq!(databases(&browser)?, json!([]));
    expect(&page, "data-keeping", "tab")?;
    // Long enough for keys, which take some tenths of a second.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(world.uploads(), 1, "nobody asked for new keys");

    browser.click("#new-keys")?;
    expect(&page, "data-origin", "made")?;
    page.wait_for_status("ready")?;
    page.clear()?;
    read_digit(&page, Pointer::Mouse, 9)?;
    let uploads = world.evaluation_keys();
    ensure!(
        uploads.len() == 2 && uploads[0] != uploads[1],
        "no new keys"
    );
    Ok(())
}

#[test]
fn new_keys_take_the_place_of_the_old() -> Result<()> {
    let world = World::start()?;
    let browser = world.browser()?;
    let page = world.open(&browser)?;
    keep(&browser, &page, "device")?;
    let old = world.sessions()?.pop().context("no session")?;
    browser.click("#new-keys")?;
    wait_for("another session", || {
        Ok((world.uploads() == 2).then_some(()))
    })?;
    world.expect_gone(&old)?;
    page.wait_for_status("ready")?;
    read_digit(&page, Pointer::Mouse, 4)?;

    let page = world.open(&browser)?;
    expect(&page, "data-origin", "stored")?;
    read_digit(&page, Pointer::Mouse, 5)?;
    let uploads = world.evaluation_keys();
    ensure!(uploads.len() == 2, "{} uploads", uploads.len());
    ensure!(uploads[0] != uploads[1], "the same keys again");
    Ok(())
}

#[test]
fn a_key_file_opens_on_another_device_with_its_passphrase() -> Result<()> {
    let world = World::start()?;
    let directory = tempfile::tempdir()?;
    let first = world.browser()?;
    let page = world.open(&first)?;
    let path = save(&first, &page, directory.path())?;

    let second = world.browser()?;
    let page = world.open(&second)?;
    open_file(&second, &path, "battery staple")?;
    wait_for("a refusal", || {
        Ok((page.attribute("#key-work", "data-state")? == "refused").then_some(()))
    })?;
    let words = page.text("#key-work")?;
    ensure!(words.contains("passphrase is wrong"), "{words}");
    assert_eq!(page.attribute("#keys", "data-origin")?, "made");
    read_digit(&page, Pointer::Mouse, 1)?;
    page.clear()?;
    assert_eq!(world.uploads(), 2, "the keys in use stay in use");

    open_file(&second, &path, PASSPHRASE)?;
    expect(&page, "data-origin", "imported")?;
    page.wait_for_status("ready")?;
    read_digit(&page, Pointer::Mouse, 7)?;
    let uploads = world.evaluation_keys();
    ensure!(uploads.len() == 3, "{} uploads", uploads.len());
    ensure!(
        uploads[0] == uploads[2] && uploads[0] != uploads[1],
        "not the first device's key"
    );
    Ok(())
}

/// Nothing but the file's owner gets to open what is known to be in it.
#[test]
fn stored_and_saved_keys_are_told_to_nobody() -> Result<()> {
    let world = World::start_known()?;
    let browser = world.browser()?;
    tap::listen(&browser)?;
    let page = world.open(&browser)?;
    keep(&browser, &page, "device")?;
    let directory = tempfile::tempdir()?;
    let path = save(&browser, &page, directory.path())?;
    let mut told = tap::heard(&browser)?;
    let page = world.open(&browser)?;
    expect(&page, "data-origin", "stored")?;
    read_digit(&page, Pointer::Mouse, 3)?;
    told.extend(tap::heard(&browser)?);

    let file = std::fs::read(path)?;
    let url = world.server.url(&format!("/api/v1/models/{MODEL}"));
    let info: ModelInfo = agent().get(url).call()?.body_mut().read_json()?;
    let opened = SealedKey::read(&file)?.open(Arc::new(Plan::new(info)?), PASSPHRASE)?;
    let seed: [u8; 32] = tap::known_bytes();
    ensure!(
        opened.to_file().ends_with(&seed),
        "the file holds another key"
    );

    let needles = byte_needles("the master seed", &seed, 24, 18);
    let exchanges = world.proxy.exchanges();
    let requests: Vec<Vec<u8>> = exchanges.iter().map(super::secrecy::message).collect();
    let requests = requests.iter().map(|request| ("a request", &request[..]));
    let told = told.iter().map(|message| ("a message", &message[..]));
    let all: Vec<(&str, &[u8])> = requests
        .chain(told)
        .chain([("the file", &file[..])])
        .collect();
    ensure!(
        all.iter()
            .any(|(_, bytes)| bytes.windows(file.len()).any(|part| part == file)),
        "nobody told the file, so nobody listened"
    );
    assert_absent(&all, &needles);
    Ok(())
}

#[test]
fn an_upload_that_breaks_off_begins_again() -> Result<()> {
    let world = World::start()?;
    // The second one takes its time, so that the words can be read.
    let slow = Fault::Delay(Duration::from_secs(8));
    world.proxy.plan(is_key_upload, &[Fault::Cut, slow]);
    let browser = world.browser()?;
    browser.goto(&world.server.url("/"))?;
    let page = Page::of(&browser);
    wait_for("a word about it", || {
        if page.attribute("#status", "data-state")? == "ready" {
            bail!("nobody said a word: {}", page.text("#notice")?);
        }
        let notice = page.text("#notice")?;
        Ok(notice.contains("broke off").then_some(()))
    })
    .with_context(|| page.text("#error").unwrap_or_default())?;
    page.wait_for_status("ready")?;
    page.draw(Pointer::Mouse, &strokes(7, &Hand::default()))?;
    assert_eq!(page.wait_for_answer()?.class, "7");
    assert_eq!(count(&world.proxy, is_upload_start), 2);
    assert_eq!(world.uploads(), 1);
    let notice = page.text("#notice")?;
    ensure!(!notice.contains("broke off"), "it is over: {notice}");
    Ok(())
}
