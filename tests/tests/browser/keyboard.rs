//! The page without a pointer.

use anyhow::{Context, Result, ensure};
use tests::browser::Browser;
use tests::page::Page;
use tests::server::Server;
use tests::wait_for;
use tests::webdriver::Key;

use super::WINDOW;

fn digit(digit: u8) -> Key {
    Key::Character(char::from(b'0' + digit % 10))
}

/// Waits for an answer of these words.
fn expect(page: &Page<'_>, number: &str) -> Result<()> {
    let mut shown = String::new();
    wait_for(&format!("the answer {number}"), || {
        let done = page.attribute("#answer", "data-state")? == "done";
        shown = page.text("#answer")?;
        Ok((done && shown == number).then_some(()))
    })
    .with_context(|| format!("the page says {shown}"))
}

/// The `id` of what has the focus, or its name.
fn focus(browser: &Browser) -> Result<String> {
    let script = "const at = document.activeElement; return at.id || at.localName;";
    let focus = browser.script(script, &[])?;
    Ok(focus.as_str().unwrap_or_default().to_owned())
}

#[test]
fn every_digit_can_be_typed_and_is_read() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open_live(&browser, &server.url("/"))?;
    for number in 0..=9 {
        browser.press(&[&[digit(number)]])?;
        expect(&page, &number.to_string())?;
    }
    Ok(())
}

#[test]
fn drawing_reading_undoing_and_clearing_take_keys_only() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open_as_it_is(&browser, &server.url("/"))?;
    browser.press(&[&[Key::Character('l')]])?;
    wait_for(
        "the switch to turn",
        || Ok((!page.is_live()?).then_some(())),
    )?;
    browser.press(&[&[digit(4)], &[Key::Enter]])?;
    expect(&page, "4")?;
    browser.press(&[&[digit(7)], &[Key::Enter]])?;
    expect(&page, "7")?;
    browser.press(&[&[Key::Control, Key::Character('z')], &[Key::Enter]])?;
    expect(&page, "4")?;
    browser.press(&[&[Key::Delete]])?;
    wait_for("an empty pad", || Ok(page.is_blank()?.then_some(())))?;
    browser.press(&[&[Key::Control, Key::Character('z')], &[Key::Enter]])?;
    expect(&page, "4")
}

#[test]
fn digits_with_shift_make_a_number() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open_live(&browser, &server.url("/"))?;
    browser.press(&[
        &[digit(4)],
        &[Key::Shift, digit(0)],
        &[Key::Shift, digit(7)],
    ])?;
    expect(&page, "407")
}

#[test]
fn tab_reaches_everything_that_can_be_pressed() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open_as_it_is(&browser, &server.url("/"))?;
    browser.press(&[&[digit(3)]])?;
    expect(&page, "3")?;
    let script = "return [...document.querySelectorAll(
            'button:enabled, input:enabled, a[href], summary, canvas[tabindex]')]
        .filter(element => element.checkVisibility() && !element.closest('details:not([open]) > :not(summary)'))
        .filter(element => element.type !== 'radio' || element.checked)
        .map(element => element.id || element.localName);";
    let mut expected: Vec<String> = serde_json::from_value(browser.script(script, &[])?)?;
    let mut reached = Vec::new();
    for _ in 0..2 * expected.len() {
        browser.press(&[&[Key::Tab]])?;
        reached.push(focus(&browser)?);
    }
    expected.retain(|element| !reached.contains(element));
    ensure!(
        expected.is_empty(),
        "Tab never came to {expected:?}; it came to {reached:?}"
    );

    // A focus that can't be seen is none.
    browser.script("document.querySelector('#clear').focus();", &[])?;
    let outline = "return getComputedStyle(document.activeElement).outlineStyle;";
    browser.press(&[&[Key::Tab]])?;
    ensure!(
        browser.script(outline, &[])? != "none",
        "no outline on {}",
        focus(&browser)?
    );
    Ok(())
}

#[test]
fn enter_on_a_button_presses_that_button() -> Result<()> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    browser.press(&[&[digit(3)]])?;
    browser.script("document.querySelector('#clear').focus();", &[])?;
    browser.press(&[&[Key::Enter]])?;
    wait_for("an empty pad", || Ok(page.is_blank()?.then_some(())))?;
    assert_eq!(page.attribute("#answer", "data-state")?, "idle");
    Ok(())
}
