//! Every state that the page can be in, on two screens, in light and dark.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::emulate;
use tests::page::Page;
use tests::proxy::{Exchange, Fault, Proxy};
use tests::server::Server;
use tests::wait_for;
use tests::webdriver::{Key, Pointer};

use super::{DESKTOP, PHONE, save, show};

/// How a page comes into a state, and the state's name.
type State = (&'static str, fn(&Setting<'_>) -> Result<()>);

const STATES: [State; 13] = [
    ("empty", empty),
    ("answer", answer),
    ("number", number),
    ("drawing", drawing),
    ("speck", speck),
    ("twice", twice),
    ("models", models),
    ("stored", stored),
    ("forgotten", forgotten),
    ("busy", busy),
    ("uploading", uploading),
    ("unreachable", unreachable),
    ("unsupported", unsupported),
];

/// Where a page is brought into a state.
struct Setting<'a> {
    browser: &'a Browser,
    proxy: &'a Proxy,
    address: &'a str,
}

impl Setting<'_> {
    fn open(&self) -> Result<Page<'_>> {
        Page::open_live(self.browser, self.address)
    }
}

/// Takes all pictures.
pub fn photograph(directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let server = Server::start()?;
    for screen in [DESKTOP, PHONE] {
        for scheme in ["light", "dark"] {
            for (name, bring) in STATES {
                let proxy = Proxy::start(server.address())?;
                let browser = Browser::start(screen.width, screen.height, Some(&proxy))?;
                show(&browser, screen)?;
                emulate::wishes(&browser, &[("prefers-color-scheme", scheme)])?;
                bring(&Setting {
                    browser: &browser,
                    proxy: &proxy,
                    address: &server.url("/"),
                })?;
                let path = directory.join(format!("{name}-{}-{scheme}.png", screen.name));
                save(&browser, &path, true)?;
                println!("{}", path.display());
            }
        }
    }
    Ok(())
}

fn is_query(exchange: &Exchange) -> bool {
    exchange.path().ends_with("/classify")
}

fn is_key_upload(exchange: &Exchange) -> bool {
    exchange.path().contains("/uploads/")
}

fn draw(page: &Page<'_>, digit: u8) -> Result<()> {
    let hand = Hand {
        jitter: 0.01,
        ..Hand::default()
    };
    page.draw(Pointer::Mouse, &strokes(digit, &hand))
}

fn empty(setting: &Setting<'_>) -> Result<()> {
    setting.open().map(drop)
}

fn answer(setting: &Setting<'_>) -> Result<()> {
    let page = setting.open()?;
    draw(&page, 7)?;
    page.wait_for_answer().map(drop)
}

fn number(setting: &Setting<'_>) -> Result<()> {
    let page = setting.open()?;
    let digit = |digit| Key::Character(digit);
    setting.browser.press(&[
        &[digit('9')],
        &[Key::Shift, digit('0')],
        &[Key::Shift, digit('2')],
        &[Key::Shift, digit('1')],
        &[Key::Shift, digit('0')],
    ])?;
    wait_for("the number", || {
        Ok((page.text("#answer")? == "90210").then_some(()))
    })
}

/// A stroke was read, the next one is not yet.
fn drawing(setting: &Setting<'_>) -> Result<()> {
    let page = setting.open()?;
    let strokes = strokes(4, &Hand::default());
    page.draw(Pointer::Mouse, &strokes[..1])?;
    page.wait_for_answer()?;
    let delay = Fault::Delay(Duration::from_secs(8));
    setting.proxy.plan(is_query, &[delay]);
    page.draw(Pointer::Mouse, &strokes[1..])
}

fn speck(setting: &Setting<'_>) -> Result<()> {
    let page = setting.open()?;
    page.draw(Pointer::Mouse, &[vec![(0.5, 0.5), (0.51, 0.5)]])
}

fn twice(setting: &Setting<'_>) -> Result<()> {
    answer(setting)?;
    setting.browser.click("#encrypt-again")?;
    let page = Page::of(setting.browser);
    wait_for("the second ciphertext", || {
        let agreement = page.attribute("#agreement", "data-agreement")?;
        Ok((!agreement.is_empty()).then_some(()))
    })
}

fn models(setting: &Setting<'_>) -> Result<()> {
    setting.open()?;
    setting.browser.click("#models summary")
}

fn stored(setting: &Setting<'_>) -> Result<()> {
    let page = setting.open()?;
    setting.browser.click("#keep-device")?;
    wait_for("the key to be stored", || {
        Ok((page.attribute("#keys", "data-keeping")? == "device").then_some(()))
    })?;
    let unfold = "for (const form of document.querySelectorAll('#keys details')) form.open = true;";
    setting.browser.script(unfold, &[]).map(drop)
}

fn forgotten(setting: &Setting<'_>) -> Result<()> {
    let page = setting.open()?;
    setting.browser.click("#forget-keys")?;
    page.wait_for_status("no-keys")
}

fn busy(setting: &Setting<'_>) -> Result<()> {
    let page = setting.open()?;
    setting.proxy.plan(is_query, &[Fault::Busy(503, 9)]);
    draw(&page, 1)?; // One stroke, one request.
    wait_for("a word about it", || {
        Ok(page.text("#notice")?.contains("busy").then_some(()))
    })
}

fn uploading(setting: &Setting<'_>) -> Result<()> {
    let delay = Fault::Delay(Duration::from_secs(8));
    setting.proxy.plan(is_key_upload, &[delay]);
    setting.browser.goto(setting.address)?;
    Page::of(setting.browser).wait_for_status("uploading")
}

fn unreachable(setting: &Setting<'_>) -> Result<()> {
    let page = setting.open()?;
    setting.proxy.plan(is_query, &[Fault::Cut]);
    draw(&page, 1)?; // One stroke, one request.
    page.wait_for_status("error")
}

fn unsupported(setting: &Setting<'_>) -> Result<()> {
    emulate::before_each_page(setting.browser, "delete window.WebAssembly;")?;
    setting.browser.goto(setting.address)
}
