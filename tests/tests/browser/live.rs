//! Reading while a person draws.

use std::time::Duration;

use anyhow::{Result, ensure};
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::proxy::{Fault, Proxy};
use tests::server::Server;
use tests::webdriver::Pointer;
use tests::{emulate, wait_for};

use super::{WINDOW, count, is_query};

/// Notes every answer that is shown as the drawing's own, in order.
const WATCH: &str = "window.shown = [];
    const answer = document.querySelector('#answer');
    new MutationObserver(() => {
        const last = window.shown.at(-1);
        const now = answer.dataset.state === 'done' ? answer.innerText.trim() : null;
        if (now !== null && now !== last) window.shown.push(now);
    }).observe(answer, { attributes: true, childList: true, characterData: true, subtree: true });";

fn shown(browser: &Browser) -> Result<Vec<String>> {
    let shown = browser.script("return window.shown;", &[])?;
    Ok(serde_json::from_value(shown)?)
}

/// Draws a digit stroke by stroke, and waits until `read` of them were sent on.
fn draw_one_by_one(page: &Page<'_>, proxy: &Proxy, digit: u8) -> Result<usize> {
    let strokes = strokes(digit, &Hand::default());
    for (number, stroke) in (1..).zip(&strokes) {
        page.draw(Pointer::Mouse, std::slice::from_ref(stroke))?;
        wait_for(&format!("stroke {number} on its way"), || {
            Ok((number <= count(proxy, is_query)).then_some(()))
        })?;
    }
    Ok(strokes.len())
}

#[test]
fn each_finished_stroke_is_read_without_a_button() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open_live(&browser, &server.url("/"))?;
    let drawn = draw_one_by_one(&page, &proxy, 4)?;
    ensure!(drawn == 2, "a four has two strokes here, not {drawn}");
    assert_eq!(page.wait_for_answer()?.class, "4");
    assert_eq!(count(&proxy, is_query), 2);
    Ok(())
}

#[test]
fn an_overtaken_request_is_aborted_and_never_shown() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open_live(&browser, &server.url("/"))?;
    browser.script(WATCH, &[])?;
    proxy.plan(is_query, &[Fault::Delay(Duration::from_secs(8))]);
    draw_one_by_one(&page, &proxy, 5)?;
    assert_eq!(page.wait_for_answer()?.class, "5");
    // Longer than the first answer takes.
    std::thread::sleep(Duration::from_secs(9));
    assert_eq!(shown(&browser)?, ["5"]);
    let canceled = browser.events("Network.loadingFailed")?;
    let canceled = canceled.iter().filter(|event| event["canceled"] == true);
    assert_eq!(canceled.count(), 1, "requests that the page gave up");
    Ok(())
}

#[test]
fn slow_answers_bring_the_button_back() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open_as_it_is(&browser, &server.url("/"))?;
    proxy.plan(is_query, &[Fault::Delay(Duration::from_secs(2)); 2]);
    // Digits of one stroke, so that each takes one request.
    for digit in [0, 1] {
        page.draw(Pointer::Mouse, &strokes(digit, &Hand::default()))?;
        assert_eq!(page.wait_for_answer()?.class, digit.to_string());
        page.clear()?;
    }
    ensure!(!page.is_live()?, "two slow answers, and still live");
    page.draw(Pointer::Mouse, &strokes(3, &Hand::default()))?;
    // Long enough for a request, which takes some hundredths of a second.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(count(&proxy, is_query), 2);
    assert_eq!(page.classify()?.class, "3");
    Ok(())
}

#[test]
fn a_stroke_may_be_drawn_before_the_keys_are_up() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    proxy.plan(
        super::is_key_upload,
        &[Fault::Delay(Duration::from_secs(8))],
    );
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    browser.goto(&server.url("/"))?;
    let page = Page::of(&browser);
    wait_for("the pad", || {
        let there = browser.script("return document.querySelector('#canvas') !== null;", &[])?;
        Ok((there == true).then_some(()))
    })?;
    page.draw(Pointer::Touch, &strokes(7, &Hand::default()))?;
    ensure!(
        page.attribute("#status", "data-state")? != "ready",
        "too late to be a test"
    );
    assert_eq!(page.wait_for_answer()?.class, "7");
    Ok(())
}

#[test]
fn a_busy_server_is_asked_again_when_it_said() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open(&browser, &server.url("/"))?;
    for status in [429, 503] {
        proxy.plan(is_query, &[Fault::Busy(status, 4)]);
        page.draw(Pointer::Mouse, &strokes(7, &Hand::default()))?;
        let start = std::time::Instant::now();
        browser.click("#classify")?;
        wait_for("a word about it", || {
            Ok(page
                .text("#notice")?
                .contains("asking again in 4 s")
                .then_some(()))
        })?;
        assert_eq!(page.wait_for_answer()?.class, "7");
        ensure!(start.elapsed() >= Duration::from_secs(4), "asked too early");
        page.clear()?;
    }
    let statuses: Vec<Option<u16>> = proxy
        .exchanges()
        .iter()
        .filter(|exchange| is_query(exchange))
        .map(|exchange| exchange.status)
        .collect();
    assert_eq!(statuses, [Some(429), Some(200), Some(503), Some(200)]);
    Ok(())
}

#[test]
fn a_busy_server_is_left_alone_by_the_next_stroke() -> Result<()> {
    let server = Server::start()?;
    let proxy = Proxy::start(server.address())?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
    let page = Page::open_live(&browser, &server.url("/"))?;
    proxy.plan(is_query, &[Fault::Busy(503, 6)]);
    let strokes = strokes(4, &Hand::default());
    let start = std::time::Instant::now();
    page.draw(Pointer::Mouse, &strokes[..1])?;
    wait_for("a word about it", || {
        Ok(page.text("#notice")?.contains("asking again").then_some(()))
    })?;
    page.draw(Pointer::Mouse, &strokes[1..])?;
    assert_eq!(page.wait_for_answer()?.class, "4");
    ensure!(
        start.elapsed() >= Duration::from_secs(6),
        "the stroke asked at once"
    );
    assert_eq!(count(&proxy, is_query), 2);
    Ok(())
}

/// Tasks of the main thread that took longer than a person notices, by the browser's own account.
const LONG_TASKS: &str = "window.longTasks = [];
    new PerformanceObserver(list => window.longTasks.push(...list.getEntries()))
        .observe({ type: 'longtask', buffered: true });";

/// Milliseconds of those that began after the server had named its models, when the page stands and
/// its keys are about to be made.
const SINCE_KEYS: &str = "const models = performance.getEntriesByType('resource')
        .find(entry => entry.name.endsWith('/api/v1/models'));
    return window.longTasks
        .filter(task => models.responseEnd <= task.startTime)
        .map(task => task.duration);";

/// Milliseconds of the long tasks of a visit in which keys are made and a few digits read. On a
/// machine that is too slow for making keys within 100 ms, what takes less than half of that isn't
/// long either.
fn long_tasks() -> Result<Vec<f64>> {
    let server = Server::start()?;
    let browser = Browser::start(WINDOW.0, WINDOW.1, None)?;
    emulate::before_each_page(&browser, LONG_TASKS)?;
    let page = Page::open_live(&browser, &server.url("/"))?;
    for digit in [4, 7, 8] {
        page.draw(Pointer::Mouse, &strokes(digit, &Hand::default()))?;
        page.wait_for_answer()?;
        page.clear()?;
    }
    let keys: f64 = page.attribute("[data-stage=keys]", "data-ms")?.parse()?;
    let mut tasks: Vec<f64> = serde_json::from_value(browser.script(SINCE_KEYS, &[])?)?;
    tasks.retain(|&task| task > keys / 2.0);
    Ok(tasks)
}

/// Visits until one has to be without a long task.
const MOST_VISITS: usize = 10;

/// A busy machine makes any task long now and then, so the best of a few visits counts.
#[test]
fn keys_and_answers_leave_the_main_thread_free() -> Result<()> {
    let mut seen = Vec::new();
    for _ in 0..MOST_VISITS {
        let tasks = long_tasks()?;
        if tasks.is_empty() {
            return Ok(());
        }
        seen.push(tasks);
    }
    anyhow::bail!("tasks of more than 50 ms in each of {MOST_VISITS} visits: {seen:?}")
}
