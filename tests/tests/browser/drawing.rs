//! Canvas and pointers.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::proxy::Proxy;
use tests::server::Server;
use tests::webdriver::Pointer;
use tests::{drawings, emulate, wait_for};

use super::{WINDOW, count, is_query, read_digit};

#[test]
fn clear_clears_and_nothing_empty_is_sent() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open(&browser, &server.url("/"))?;
    ensure!(page.is_blank()?, "the canvas isn't empty at the start");
    let empty = page.preview()?;

    page.draw(Pointer::Mouse, &strokes(4, &Hand::default()))?;
    ensure!(!page.is_blank()?, "drawing left no trace");
    page.clear()?;
    ensure!(page.is_blank()?, "Clear left something on the canvas");
    ensure!(
        page.preview()? == empty,
        "Clear left something in the preview"
    );
    assert_eq!(page.text("#answer")?, "");

    browser.click("#classify")?;
    // Long enough for a request, which takes some hundredths of a second.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(count(&proxy, is_query), 0);
    assert_ne!(page.attribute("#answer", "data-state")?, "done");

    // The page works on.
    read_digit(&page, Pointer::Mouse, 4)
}

fn check_pointer(pointer: Pointer) -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    page.draw(pointer, &strokes(1, &Hand::default()))?;
    let ring = "return document.activeElement.id === 'canvas'
        && !document.activeElement.matches(':focus-visible');";
    ensure!(
        browser.script(ring, &[])? == true,
        "keys go elsewhere, or a ring shows"
    );
    page.clear()?;
    read_digit(&page, pointer, 3)
}

#[test]
fn a_finger_draws() -> Result<()> {
    check_pointer(Pointer::Touch)
}

#[test]
fn a_pen_draws() -> Result<()> {
    check_pointer(Pointer::Pen)
}

#[test]
fn small_and_slanted_digits_in_a_corner_are_centred() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    for (digit, centre, slant) in [
        (0, (0.25, 0.3), 0.2),
        (1, (0.8, 0.7), 0.25),
        (7, (0.7, 0.3), 0.0),
    ] {
        let hand = Hand {
            centre,
            size: 0.45,
            slant,
            ..Hand::default()
        };
        page.draw(Pointer::Mouse, &strokes(digit, &hand))?;
        assert_eq!(page.classify()?.class, digit.to_string());
        page.clear()?;
    }
    Ok(())
}

#[test]
fn a_speck_is_not_sent_and_the_page_says_so() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open(&browser, &server.url("/"))?;
    page.draw(Pointer::Mouse, &[vec![(0.5, 0.5), (0.51, 0.5)]])?;
    browser.click("#classify")?;
    let notice = page.text("#notice")?;
    ensure!(notice.contains("too little"), "{notice}");
    assert_eq!(count(&proxy, is_query), 0);
    Ok(())
}

#[test]
fn undo_brings_back_what_was_cleared() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    page.draw(Pointer::Mouse, &strokes(4, &Hand::default()))?;
    let drawn = page.picture("#canvas")?;
    page.clear()?;
    browser.click("#undo")?;
    assert_eq!(page.picture("#canvas")?, drawn);
    browser.click("#undo")?;
    ensure!(page.picture("#canvas")? != drawn, "the second stroke stays");
    browser.click("#undo")?;
    ensure!(page.is_blank()?, "the first stroke stays");
    Ok(())
}

#[test]
fn a_photograph_of_a_digit_is_read() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    let directory = tempfile::tempdir()?;
    for digit in [2, 5] {
        let path = directory.path().join(format!("{digit}.png"));
        drawings::save_on_paper(&path, digit, &Hand::default())?;
        browser.type_into("#picture", &path.display().to_string())?;
        wait_for("the picture", || Ok((!page.is_blank()?).then_some(())))?;
        assert_eq!(page.classify()?.class, digit.to_string());
        page.clear()?;
    }
    let path = directory.path().join("words.txt");
    std::fs::write(&path, "a five")?;
    browser.type_into("#picture", &path.display().to_string())?;
    wait_for("a word about it", || {
        Ok(page.text("#notice")?.contains("no picture").then_some(()))
    })
}

#[test]
fn a_picture_can_be_pasted_and_dropped() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    for (digit, event) in [(6, "paste"), (8, "drop")] {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("digit.png");
        drawings::save_on_paper(&path, digit, &Hand::default())?;
        let bytes = std::fs::read(&path)?;
        let script = "const [bytes, event] = arguments;
            const file = new File([new Uint8Array(bytes)], 'digit.png', { type: 'image/png' });
            const data = new DataTransfer();
            data.items.add(file);
            const init = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(event === 'paste'
                ? new ClipboardEvent(event, { ...init, clipboardData: data })
                : new DragEvent(event, { ...init, dataTransfer: data }));";
        browser.script(script, &[bytes.into(), event.into()])?;
        wait_for("the picture", || Ok((!page.is_blank()?).then_some(())))?;
        assert_eq!(page.classify()?.class, digit.to_string(), "{event}");
        page.clear()?;
    }
    Ok(())
}

/// Moves a finger up from a place in the window.
fn swipe(browser: &Browser, from: (f64, f64)) -> Result<()> {
    let line = (0..12).map(|step| (from.0, from.1 - 20.0 * f64::from(step)));
    browser.draw(Pointer::Touch, &[line.collect()])
}

/// How far the page is scrolled.
fn scrolled(browser: &Browser) -> Result<f64> {
    let scrolled = browser.script("return window.scrollY;", &[])?;
    scrolled.as_f64().context("no number")
}

#[test]
fn a_finger_on_the_pad_does_not_scroll_the_page() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(390, 844, None)?;
    emulate::screen(&browser, 390, 700, true)?;
    let page = Page::open(&browser, &server.url("/"))?;
    swipe(&browser, (195.0, 360.0))?;
    // A scroll that a finger began goes on for a moment.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(scrolled(&browser)?, 0.0);
    ensure!(!page.is_blank()?, "it didn't draw either");
    swipe(&browser, (195.0, 690.0))?;
    wait_for("the page to be scrolled beside the pad", || {
        Ok((scrolled(&browser)? > 50.0).then_some(()))
    })
}
