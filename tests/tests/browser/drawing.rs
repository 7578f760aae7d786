//! Canvas and pointers.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::proxy::Proxy;
use tests::server::Server;
use tests::webdriver::Pointer;

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
