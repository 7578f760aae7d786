//! The choice of a model.

use anyhow::{Context, Result};
use serde_json::Value;
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::{Answer, Page};
use tests::proxy::{Exchange, Proxy};
use tests::samples::{FIVES, PHOTOS, THREES, beside_the_fast_one};
use tests::server::Server;
use tests::wait_for;
use tests::webdriver::Pointer;

use super::{MODEL, WINDOW, count, is_query, opens_session};

fn draw(page: &Page<'_>, digit: u8) -> Result<()> {
    page.draw(Pointer::Mouse, &strokes(digit, &Hand::default()))
}

/// Waits for the answer of a model.
fn answer_of(page: &Page<'_>, model: &str) -> Result<Answer> {
    wait_for(&format!("an answer of {model}"), || {
        let answered = page.attribute("#answered-by", "data-model")?;
        Ok((answered == model).then_some(()))
    })?;
    page.wait_for_answer()
}

/// The models that drawings were sent to, in order.
fn asked<'a>(exchanges: &'a [Exchange]) -> Vec<&'a str> {
    let queries = exchanges.iter().filter(|exchange| is_query(exchange));
    let model = |exchange: &'a Exchange| exchange.url.split_once("model=");
    queries.filter_map(model).map(|(_, model)| model).collect()
}

#[test]
fn another_model_reads_the_same_drawing_and_going_back_uploads_nothing() -> Result<()> {
    let models = beside_the_fast_one(&[THREES, PHOTOS])?;
    let server = Server::start_with_page(models.path())?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open(&browser, &server.url("/"))?;
    assert_eq!(page.attribute("#chosen-model", "data-model")?, MODEL);
    draw(&page, 7)?;
    let answer = page.classify()?;
    assert_eq!((&*answer.class, &*answer.model), ("7", MODEL));

    page.choose(THREES.id)?;
    let answer = answer_of(&page, THREES.id)?;
    assert_eq!(answer.class, "3");
    assert_eq!(page.text("#models summary .sentence")?, THREES.description);
    assert!(!page.lists_models()?, "the list closes");
    assert_eq!(count(&proxy, opens_session), 2, "keys of its own");

    page.choose(MODEL)?;
    assert_eq!(answer_of(&page, MODEL)?.class, "7");
    assert_eq!(count(&proxy, opens_session), 2, "keys are kept");
    let exchanges = proxy.exchanges();
    assert_eq!(asked(&exchanges), [MODEL, THREES.id, MODEL]);
    let described = |exchange: &&Exchange| exchange.path().contains("/models/");
    assert_eq!(exchanges.iter().filter(described).count(), 2);

    let address = browser.script("return location.search;", &[])?;
    assert_eq!(address, format!("?model={MODEL}"));
    let photos = format!("#models button[data-model=\"{}\"]", PHOTOS.id);
    let disabled = "return document.querySelector(arguments[0]).disabled;";
    assert_eq!(browser.script(disabled, &[photos.as_str().into()])?, true);
    browser.click("#models summary")?;
    let reason = page.text(&format!("{photos} .reason"))?;
    assert!(reason.contains("3×8×8"), "{reason}");
    assert_eq!(browser.console_errors()?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_link_opens_with_its_model_and_a_wrong_one_offers_the_list() -> Result<()> {
    let models = beside_the_fast_one(&[THREES, PHOTOS])?;
    let server = Server::start_with_page(models.path())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/?model=threes"))?;
    draw(&page, 1)?;
    let answer = page.classify()?;
    assert_eq!((&*answer.class, &*answer.model), ("3", THREES.id));

    browser.goto(&server.url("/?model=thees"))?;
    page.wait_for_status("error")?;
    assert!(page.lists_models()?);
    let said = page.text("#models .problem")?;
    assert!(said.contains("“thees”"), "{said}");
    let said = page.text("#error")?;
    assert!(said.contains("no such model"), "{said}");
    draw(&page, 4)?;
    page.choose(THREES.id)?;
    page.wait_for_status("ready")?;
    assert_eq!(page.text("#models .problem")?, "");
    assert_eq!(page.classify()?.class, "3");

    browser.goto(&server.url("/?model=photos"))?;
    page.wait_for_status("error")?;
    let said = page.text("#models .problem")?;
    assert!(said.contains("takes no drawings"), "{said}");
    Ok(())
}

#[test]
fn the_preview_shows_the_pixels_that_are_encrypted() -> Result<()> {
    let models = beside_the_fast_one(&[FIVES])?;
    let server = Server::start_with_page(models.path())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    let page = Page::open(&browser, &server.url("/"))?;
    draw(&page, 2)?;
    page.classify()?;
    let grey = page.preview()?;
    assert!(grey.iter().any(|&pixel| pixel != 0 && pixel != 255));
    page.choose(FIVES.id)?;
    assert_eq!(answer_of(&page, FIVES.id)?.class, "5");
    // Exactly at the threshold a byte doesn't tell; none is there.
    let expected: Vec<u8> = grey
        .iter()
        .map(|&pixel| if pixel < 128 { 0 } else { 255 })
        .collect();
    assert_eq!(page.preview()?, expected);
    Ok(())
}

#[test]
fn a_late_answer_of_the_model_before_is_not_shown() -> Result<()> {
    let models = beside_the_fast_one(&[THREES])?;
    let server = Server::start_with_page(models.path())?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open(&browser, &server.url("/"))?;
    page.choose(THREES.id)?;
    page.wait_for_status("ready")?;
    page.choose(MODEL)?;
    page.wait_for_status("ready")?;
    draw(&page, 8)?;
    // One right after the other: the answer of the first is under way when the second is chosen.
    let script = "const shown = window.shown = [];
        new MutationObserver(() => {
            const by = document.querySelector('#answered-by');
            if (by) { shown.push(by.dataset.model); }
        }).observe(document.body, { childList: true, subtree: true, attributes: true });
        document.querySelector('#classify').click();
        await new Promise(resolve => setTimeout(resolve, 0));
        document.querySelector('#models button[data-model=\"threes\"]').click();";
    browser.script(&format!("return (async () => {{ {script} }})();"), &[])?;
    assert_eq!(answer_of(&page, THREES.id)?.class, "3");
    let shown = browser.script("return window.shown;", &[])?;
    let shown: &Vec<Value> = shown.as_array().context("a list")?;
    assert!(shown.iter().all(|model| model == THREES.id), "{shown:?}");
    assert_eq!(count(&proxy, opens_session), 2);
    Ok(())
}
