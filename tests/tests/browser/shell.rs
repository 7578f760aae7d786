//! What is around the page: opening it without a network, installing it, and what is shown where
//! it can't run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::browser::Browser;
use tests::emulate;
use tests::page::Page;
use tests::server::{Server, agent};
use tests::webdriver::Pointer;
use tests::{root, wait_for};

use super::{MODEL, WINDOW, read_digit};

/// Waits until the page would open without a network.
pub fn wait_until_kept(browser: &Browser) -> Result<()> {
    let script = "return navigator.serviceWorker.getRegistration()
        .then(registration => registration?.active?.state === 'activated');";
    wait_for("an active service worker", || {
        Ok((browser.script(script, &[])? == true).then_some(()))
    })
}

/// Names of the service worker's caches.
fn caches(browser: &Browser) -> Result<Vec<String>> {
    let names = browser.script("return caches.keys();", &[])?;
    Ok(serde_json::from_value(names)?)
}

/// Paths of everything that the service worker keeps, in each of its caches. Opening one that is
/// being deleted would make it again.
fn kept(browser: &Browser) -> Result<Vec<Vec<String>>> {
    let script = "return caches.keys().then(names => Promise.all(names.map(async name => {
        const kept = await (await caches.open(name)).keys();
        return kept.map(({ url }) => url.slice(location.origin.length));
    })));";
    Ok(serde_json::from_value(browser.script(script, &[])?)?)
}

/// A copy of the built page, to be changed. What is packed would no longer be the same file.
fn copied_page() -> Result<TempDir> {
    fn is_packed(path: &Path) -> bool {
        path.extension()
            .is_some_and(|ending| ending == "br" || ending == "gz")
    }
    fn copy(from: &Path, to: &Path) -> Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                copy(&entry.path(), &target)?;
            } else if !is_packed(&target) {
                fs::copy(entry.path(), target)?;
            }
        }
        Ok(())
    }
    let directory = TempDir::new()?;
    copy(&root().join("dist"), directory.path())?;
    Ok(directory)
}

/// The one file of a page whose name begins and ends like this.
fn file(page: &Path, beginning: &str, ending: &str) -> Result<PathBuf> {
    let names = fs::read_dir(page)?.filter_map(Result::ok);
    let mut fitting = names.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with(beginning) && name.ends_with(ending)
    });
    let found = fitting
        .next()
        .with_context(|| format!("no {beginning}*{ending}"))?;
    ensure!(fitting.next().is_none(), "several {beginning}*{ending}");
    Ok(found.path())
}

fn serve(page: &Path) -> Result<Server> {
    Server::start_with(&root().join("models"), Some(page), None)
}

#[test]
fn after_one_visit_the_page_opens_without_a_network() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    Page::open(&browser, &server.url("/"))?;
    wait_until_kept(&browser)?;
    let urls = ["/", &format!("/?model={MODEL}")].map(|path| server.url(path));
    server.stop()?;
    for url in urls {
        browser.goto(&url)?;
        wait_for("the page from the cache", || {
            let script = "const pad = document.querySelector('#canvas');
                return pad !== null && document.styleSheets.length > 0;";
            Ok((browser.script(script, &[])? == true).then_some(()))
        })?;
        // It goes on to say what is missing.
        let said = wait_for("a word about the server", || {
            let said = browser.script("return document.body.innerText;", &[])?;
            let said = said.as_str().unwrap_or_default().to_lowercase();
            Ok((said.contains("offline") || said.contains("can't be reached")).then_some(said))
        })?;
        ensure!(!said.contains("loading"), "{said}");
    }
    Ok(())
}

#[test]
fn a_lost_network_is_told_and_its_return_too() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    for connected in [false, true] {
        emulate::network(&browser, connected)?;
        wait_for("the page to notice", || {
            let said = page.text("#offline")?;
            Ok((said.is_empty() == connected).then_some(()))
        })?;
    }
    read_digit(&page, Pointer::Mouse, 9)
}

#[test]
fn what_is_kept_is_the_page_and_nothing_of_the_service() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    Page::open(&browser, &server.url("/"))?;
    wait_until_kept(&browser)?;
    let page = Page::open(&browser, &server.url("/"))?;
    read_digit(&page, Pointer::Mouse, 6)?;

    let caches = kept(&browser)?;
    let [kept] = caches.as_slice() else {
        anyhow::bail!("not one cache: {caches:?}")
    };
    let dist = root().join("dist");
    let fixed = ["/", "/worker.js", "/icons/icon-192.png"];
    let mut needed = fixed.map(str::to_owned).to_vec();
    for (beginning, ending) in [
        ("app-", ".js"),
        ("app-", ".wasm"),
        ("manifest", ".webmanifest"),
        ("support", ".js"),
        ("base-", ".css"),
    ] {
        let path = file(&dist, beginning, ending)?;
        let name = path.file_name().context("a file without a name")?;
        needed.push(format!("/{}", name.to_string_lossy()));
    }
    for name in &needed {
        ensure!(kept.contains(name), "{name} isn't kept: {kept:?}");
    }
    for foreign in ["/api/", "/docs/", "?", ".br", ".gz"] {
        ensure!(!kept.iter().any(|path| path.contains(foreign)), "{kept:?}");
    }

    // The browser's own account: what came from the cache, and what passed the service worker by.
    let script = "return performance.getEntriesByType('resource').map(entry => [
        entry.name.slice(location.origin.length),
        entry.deliveryType,
        entry.workerMatchedSourceType,
    ]);";
    let entries: Vec<[String; 3]> = serde_json::from_value(browser.script(script, &[])?)?;
    let (api, own): (Vec<_>, Vec<_>) = entries
        .iter()
        .partition(|[path, ..]| path.starts_with("/api/"));
    let asked = api.iter().any(|[path, ..]| path.contains("/classify"));
    ensure!(asked, "nothing was asked: {api:?}");
    for [path, from, by] in api {
        assert_eq!((&**from, &**by), ("", "network"), "{path}");
    }
    for ending in [".css", ".wasm"] {
        let mut files = own.iter().filter(|[path, ..]| path.ends_with(ending));
        let from_cache = files.any(|[_, from, _]| from == "cache-storage");
        ensure!(from_cache, "no {ending} from the cache: {own:?}");
    }
    Ok(())
}

#[test]
fn a_new_build_takes_the_place_of_the_old_one() -> Result<()> {
    let page = copied_page()?;
    let server = serve(page.path())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    Page::open(&browser, &server.url("/"))?;
    wait_until_kept(&browser)?;
    let (names, before) = (caches(&browser)?, kept(&browser)?);

    // As another build would: a style sheet of another name, and nothing left of the old one.
    let style = file(page.path(), "base-", ".css")?;
    let (old, new) = (
        style
            .file_name()
            .context("a name")?
            .to_string_lossy()
            .into_owned(),
        "base-0123456789abcdef.css",
    );
    fs::rename(&style, page.path().join(new))?;
    let index = page.path().join("index.html");
    fs::write(&index, fs::read_to_string(&index)?.replace(&old, new))?;
    Page::open(&browser, &server.url("/"))?;

    let shown = "return [...document.styleSheets].map(({ href }) => href.split('/').pop());";
    let shown: Vec<String> = serde_json::from_value(browser.script(shown, &[])?)?;
    ensure!(shown.iter().any(|name| name == new), "{shown:?}");
    wait_for("the old build to go", || {
        let now = caches(&browser)?;
        Ok((now.len() == 1 && now != names).then_some(()))
    })?;
    wait_for("the new build to be kept", || {
        let after = kept(&browser)?;
        let has = |name: &str| after.iter().flatten().any(|path| path.ends_with(name));
        Ok((after != before && has(new) && !has(&old)).then_some(()))
    })
}

#[test]
fn the_page_can_be_installed() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    Page::open(&browser, &server.url("/"))?;
    wait_until_kept(&browser)?;
    let found = browser.devtools("Page.getAppManifest", &json!({}))?;
    assert_eq!(found["errors"], json!([]));
    let text = found["data"].as_str().context("no manifest")?;
    let manifest: Value = serde_json::from_str(text)?;
    assert_eq!(manifest["name"], "Inkveil");
    for address in ["start_url", "scope"] {
        assert_eq!(manifest[address], "./", "below any address");
    }
    for icon in manifest["icons"].as_array().context("no icons")? {
        let source = icon["src"].as_str().context("an icon without a file")?;
        let mut answer = agent().get(server.url(&format!("/{source}"))).call()?;
        assert_eq!(answer.status(), 200, "{source}");
        let bytes = answer.body_mut().read_to_vec()?;
        if icon["type"] == "image/png" {
            // Width and height stand behind the signature and the first chunk's name.
            let side = |at: usize| bytes.get(at..at + 4).map(<[u8]>::to_vec);
            let wanted = icon["sizes"].as_str().and_then(|size| size.split_once('x'));
            let (width, height) = wanted.context("a size")?;
            assert_eq!(side(16), Some(width.parse::<u32>()?.to_be_bytes().to_vec()));
            assert_eq!(
                side(20),
                Some(height.parse::<u32>()?.to_be_bytes().to_vec())
            );
        }
    }
    let found = browser.devtools("Page.getInstallabilityErrors", &json!({}))?;
    assert_eq!(found["installabilityErrors"], json!([]));
    Ok(())
}

#[test]
fn the_documents_of_this_version_come_with_the_page() -> Result<()> {
    let server = Server::start()?;
    let documents = fs::read_dir(root().join("docs"))?.filter_map(Result::ok);
    let mut count = 0;
    for entry in documents {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".md") {
            continue;
        }
        let mut answer = agent().get(server.url(&format!("/docs/{name}"))).call()?;
        assert_eq!(answer.status(), 200, "{name}");
        let kind = answer.headers().get("content-type").cloned();
        assert_eq!(kind, Some("text/plain; charset=utf-8".parse()?), "{name}");
        let text = answer.body_mut().read_to_string()?;
        ensure!(text == fs::read_to_string(entry.path())?, "another {name}");
        count += 1;
    }
    ensure!(count > 0, "no documents");
    Ok(())
}

#[test]
fn every_link_of_the_page_leads_somewhere() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    Page::open(&browser, &server.url("/"))?;
    let script = "return [...document.querySelectorAll('a[href]')].map(link => link.href);";
    let links: Vec<String> = serde_json::from_value(browser.script(script, &[])?)?;
    let document = server.url("/docs/security.md");
    ensure!(
        links.iter().any(|link| link.starts_with(&document)),
        "none leads to what is promised: {links:?}"
    );
    for link in links {
        let address = link.split('#').next().unwrap_or_default();
        if address.starts_with(&server.url("/")) {
            assert_eq!(agent().get(address).call()?.status(), 200, "{link}");
        }
    }
    Ok(())
}

/// What a person reads before the page runs, once it holds `part`.
fn wait_for_words(browser: &Browser, part: &str) -> Result<String> {
    wait_for(&format!("a word about {part}"), || {
        let said = "return document.querySelector('.loading')?.innerText ?? '';";
        let said = browser.script(said, &[])?;
        let said = said.as_str().unwrap_or_default().to_owned();
        Ok(said.contains(part).then_some(said))
    })
}

/// A text for browsers that lack something says what that is and which have it.
fn check_words(said: &str) -> Result<()> {
    for word in ["WebAssembly", "Chrome 91", "Firefox 114", "Safari 16.4"] {
        ensure!(said.contains(word), "`{said}` doesn't name {word}");
    }
    Ok(())
}

/// The page before it runs, in a browser from which `script` takes WebAssembly or a part of it.
fn check_lack(script: &str) -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    emulate::before_each_page(&browser, script)?;
    browser.goto(&server.url("/"))?;
    let said = wait_for_words(&browser, "can't run")?;
    ensure!(!said.contains("Reload"), "reloading doesn't help: {said}");
    check_words(&said)
}

#[test]
fn a_browser_without_webassembly_is_told() -> Result<()> {
    check_lack("delete window.WebAssembly;")
}

#[test]
fn a_browser_without_simd_is_told() -> Result<()> {
    check_lack(
        "WebAssembly.validate = () => false;
        const refuse = () => Promise.reject(new WebAssembly.CompileError('no v128'));
        WebAssembly.instantiate = WebAssembly.instantiateStreaming = refuse;",
    )
}

#[test]
fn a_browser_without_module_workers_is_told() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    // As browsers did that didn't know the option.
    let script = "window.Worker = class extends Worker { constructor(url) { super(url); } };";
    emulate::before_each_page(&browser, script)?;
    browser.goto(&server.url("/"))?;
    let said = wait_for("a word about the worker", || {
        let said = "return document.querySelector('#error')?.innerText ?? '';";
        let said = browser.script(said, &[])?;
        let said = said.as_str().unwrap_or_default().to_owned();
        Ok((!said.is_empty()).then_some(said))
    })?;
    check_words(&said)
}

#[test]
fn a_download_that_failed_can_be_repeated() -> Result<()> {
    let page = copied_page()?;
    let server = serve(page.path())?;
    let wasm = file(page.path(), "app-", ".wasm")?;
    let elsewhere = wasm.with_extension("gone");
    fs::rename(&wasm, &elsewhere)?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    browser.goto(&server.url("/"))?;
    wait_for_words(&browser, "hasn't arrived")?;
    fs::rename(&elsewhere, &wasm)?;
    browser.click(".loading button")?;
    wait_for("the page", || {
        let script = "return document.querySelector('#canvas') !== null;";
        Ok((browser.script(script, &[])? == true).then_some(()))
    })
}

#[test]
fn a_script_that_was_changed_on_its_way_does_not_run() -> Result<()> {
    let page = copied_page()?;
    let script = file(page.path(), "app-", ".js")?;
    let changed = fs::read_to_string(&script)? + "\nwindow.__changed = true;\n";
    fs::write(&script, changed)?;
    let server = serve(page.path())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    browser.goto(&server.url("/"))?;
    wait_for_words(&browser, "hasn't arrived")?;
    assert_eq!(
        browser.script("return window.__changed === true;", &[])?,
        false
    );
    Ok(())
}
