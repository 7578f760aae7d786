//! A page for everybody: every screen, every wish, every way to read it.
//!
//! The tests whose names begin with `axe_` need axe-core; `cargo xtask test axe` runs them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::server::Server;
use tests::webdriver::Pointer;
use tests::{axe, emulate, wait_for};

use super::{WINDOW, read_digit};

/// Light or dark, and nothing that fades in while colours are compared.
fn wish(browser: &Browser, scheme: &str) -> Result<()> {
    let still = ("prefers-reduced-motion", "reduce");
    emulate::wishes(browser, &[("prefers-color-scheme", scheme), still])
}

/// What axe-core found in each state of the page.
struct Findings<'a> {
    browser: &'a Browser,
    found: Vec<String>,
}

impl Findings<'_> {
    fn look(&mut self, state: &str) -> Result<()> {
        let found = axe::violations(self.browser)?;
        let lines = found.iter().map(|line| format!("{state}: {line}"));
        self.found.extend(lines);
        Ok(())
    }
}

/// Opens everything that can be opened, as nobody but axe-core would.
fn unfold(browser: &Browser) -> Result<()> {
    let script = "for (const details of document.querySelectorAll('details')) details.open = true;";
    browser.script(script, &[]).map(drop)
}

/// Has axe-core look at the page in all its states.
fn check_states(scheme: &str, (width, height): (u32, u32)) -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(width, height, None)?;
    wish(&browser, scheme)?;
    emulate::screen(&browser, width, height, width < 600)?;

    let mut findings = Findings {
        browser: &browser,
        found: Vec::new(),
    };
    // The static texts, before any of the page's own elements are there.
    for (text, script) in [
        ("unsupported", "delete window.WebAssembly;"),
        (
            "failed",
            "WebAssembly.instantiate = WebAssembly.instantiateStreaming =
                () => Promise.reject(new TypeError('a lost connection'));",
        ),
    ] {
        let script = emulate::before_each_page(&browser, script)?;
        browser.goto(&server.url("/"))?;
        wait_for(text, || {
            let seen = "return document.querySelector(arguments[0])?.hidden === false;";
            let selector = format!(".loading .{text}");
            Ok((browser.script(seen, &[selector.into()])? == true).then_some(()))
        })?;
        findings.look(text)?;
        emulate::forget(&browser, &script)?;
    }

    let page = Page::open(&browser, &server.url("/"))?;
    findings.look("ready")?;
    page.draw(Pointer::Mouse, &strokes(4, &Hand::default()))?;
    findings.look("drawn")?;
    page.classify()?;
    findings.look("answered")?;
    browser.click("#encrypt-again")?;
    wait_for("a second ciphertext", || {
        let shown = page.attribute("#agreement", "data-agreement")?;
        Ok((!shown.is_empty()).then_some(()))
    })?;
    unfold(&browser)?;
    findings.look("everything unfolded")?;
    emulate::network(&browser, false)?;
    wait_for("a word about the network", || {
        Ok((!page.text("#offline")?.is_empty()).then_some(()))
    })?;
    findings.look("offline")?;
    emulate::network(&browser, true)?;
    server.stop()?;
    page.clear()?;
    page.draw(Pointer::Mouse, &strokes(7, &Hand::default()))?;
    page.classify_in_vain()?;
    findings.look("without its server")?;
    assert_eq!(findings.found, Vec::<String>::new());
    Ok(())
}

#[test]
fn axe_finds_nothing_in_the_light() -> Result<()> {
    check_states("light", WINDOW)
}

#[test]
fn axe_finds_nothing_in_the_dark() -> Result<()> {
    check_states("dark", WINDOW)
}

#[test]
fn axe_finds_nothing_on_a_small_phone() -> Result<()> {
    check_states("light", (320, 640))
}

#[test]
fn axe_finds_what_is_wrong() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    wish(&browser, "light")?;
    Page::open(&browser, &server.url("/"))?;
    let spoil = "document.querySelector('main').append(document.createElement('button'));";
    browser.script(spoil, &[])?;
    let found = axe::violations(&browser)?;
    ensure!(
        found.iter().any(|line| line.starts_with("button-name")),
        "a button without a name was overlooked: {found:?}"
    );
    Ok(())
}

/// Elements that reach past the window's sides, and how far the page can be moved sideways. What can
/// be moved by itself, as a wide table, may hold more than it shows, but nothing that is pressed.
const OUTSIDE: &str = "const width = document.documentElement.clientWidth;
    const seen = element => element.checkVisibility({ visibilityProperty: true })
        && !element.closest('.unseen');
    const moves = element => element !== null && element !== document.body
        && (['auto', 'scroll'].includes(getComputedStyle(element).overflowX)
            || moves(element.parentElement));
    const counts = element => seen(element)
        && (element.matches('a, button, input, label, summary') || !moves(element.parentElement));
    const outside = [...document.querySelectorAll('body *')].filter(counts).filter(element => {
        const { left, right } = element.getBoundingClientRect();
        return right > left && (left < -0.5 || right > width + 0.5);
    });
    return {
        width: innerWidth,
        sideways: document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth,
        outside: outside.map(({ tagName, id, className }) =>
            `${tagName} ${id} ${className.baseVal ?? className}`),
    };";

fn check_fits(browser: &Browser, width: u32, state: &str) -> Result<()> {
    let found = browser.script(OUTSIDE, &[])?;
    assert_eq!(found["width"], width, "{state}");
    assert_eq!(found["sideways"], 0, "{state}: {}", found["outside"]);
    assert_eq!(found["outside"], Value::Array(Vec::new()), "{state}");
    Ok(())
}

/// Everything is inside the window, at every moment of a visit.
fn check_screen(width: u32, height: u32, pointer: Pointer) -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    emulate::screen(&browser, width, height, pointer == Pointer::Touch)?;
    let page = Page::open(&browser, &server.url("/"))?;
    check_fits(&browser, width, "ready")?;
    read_digit(&page, pointer, 5)?;
    check_fits(&browser, width, "answered")?;
    unfold(&browser)?;
    check_fits(&browser, width, "everything unfolded")?;
    server.stop()?;
    page.clear()?;
    page.draw(pointer, &strokes(7, &Hand::default()))?;
    page.classify_in_vain()?;
    check_fits(&browser, width, "without its server")
}

#[test]
fn nothing_sticks_out_of_a_small_phone() -> Result<()> {
    check_screen(320, 568, Pointer::Touch)
}

#[test]
fn nothing_sticks_out_of_a_wide_screen() -> Result<()> {
    check_screen(1920, 1080, Pointer::Mouse)
}

/// The colour behind everything and that of the text, red, green and blue from 0 to 255.
fn colours(browser: &Browser) -> Result<[Vec<u32>; 2]> {
    let script = "const { backgroundColor, color } = getComputedStyle(document.body);
        return [backgroundColor, color].map(it => it.match(/\\d+/g).map(Number));";
    Ok(serde_json::from_value(browser.script(script, &[])?)?)
}

#[test]
fn light_and_dark_follow_the_system() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    wish(&browser, "light")?;
    Page::open(&browser, &server.url("/"))?;
    let brightness = |colour: &[u32]| colour.iter().take(3).sum::<u32>() / 3;
    let [paper, ink] = colours(&browser)?;
    assert!(brightness(&paper) > 200 && brightness(&ink) < 80);
    // While the page is open, too.
    wish(&browser, "dark")?;
    let [paper, ink] = colours(&browser)?;
    assert!(brightness(&paper) < 60 && brightness(&ink) > 200);
    Ok(())
}

/// Notes every animation and transition that begins.
const NOTE_MOTION: &str = "window.__moved = [];
    for (const kind of ['animationstart', 'transitionrun']) {
        addEventListener(kind, ({ target, animationName, propertyName }) => window.__moved.push(
            `${target.tagName}.${target.className} ${animationName ?? propertyName}`), true);
    }";

/// Draws a digit on a page for somebody with this wish; returns what moved meanwhile.
fn motion(wish: &str) -> Result<Vec<Value>> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    emulate::wishes(&browser, &[("prefers-reduced-motion", wish)])?;
    emulate::before_each_page(&browser, NOTE_MOTION)?;
    let page = Page::open(&browser, &server.url("/"))?;
    read_digit(&page, Pointer::Mouse, 2)?;
    let moved = browser.script("return window.__moved;", &[])?;
    Ok(moved.as_array().context("no list")?.clone())
}

#[test]
fn nothing_moves_for_those_who_ask_for_rest() -> Result<()> {
    assert_eq!(motion("reduce")?, Vec::<Value>::new());
    // The others see that something was looked for.
    assert_ne!(motion("no-preference")?, Vec::<Value>::new());
    Ok(())
}
