//! The whole path in a real browser: page, worker, keys, evaluator.

mod accessibility;
mod drawing;
mod keyboard;
mod keys;
mod live;
mod many;
mod models;
mod outage;
mod policy;
mod privacy;
mod private;
mod reading;
mod repeats;
mod secrecy;
mod sessions;
mod shell;

use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, ensure};
use client::{ClientKeys, Plan, SecretSeed};
use shared::api::ModelInfo;
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::{Answer, Page};
use tests::proxy::{Exchange, Proxy};
use tests::server::{Server, agent};
use tests::tap;
use tests::webdriver::Pointer;

/// The browser's window, in pixels.
pub const WINDOW: (u32, u32) = (1280, 1000);

/// The model that the page asks for.
const MODEL: &str = "mnist-fast";

/// One person draws all ten digits, and the last one once more.
struct Run {
    /// The page's address.
    origin: String,
    /// The ten digits in order, then again the last.
    drawings: Vec<Drawing>,
    /// Everything that went over the wire.
    exchanges: Vec<Exchange>,
    /// Everything that page and worker told each other.
    told: Vec<Vec<u8>>,
    /// The secret key that the page made.
    keys: ClientKeys,
    /// Everything the page asked for, by the browser's account.
    requested: Vec<String>,
    /// Errors in the console.
    console_errors: Vec<String>,
}

/// A digit drawn and classified.
struct Drawing {
    digit: u8,
    answer: Answer,
    /// What the page says it encrypted.
    preview: Vec<u8>,
    /// Canvas and preview as PNG in base64.
    pictures: [String; 2],
}

impl Run {
    /// The run, made by the first test that asks.
    #[track_caller]
    fn get() -> &'static Self {
        static RUN: OnceLock<Result<Run, String>> = OnceLock::new();
        match RUN.get_or_init(|| Self::make().map_err(|error| format!("{error:#}"))) {
            Ok(run) => run,
            Err(error) => panic!("the browser run failed: {error}"),
        }
    }

    fn make() -> Result<Self> {
        let server = Server::start()?;
        let proxy = Proxy::start_with(server.address(), Some((tap::WORKER, tap::RANDOMNESS)))?;
        let browser = Browser::start(WINDOW.0, WINDOW.1, Some(&proxy))?;
        tap::listen(&browser)?;
        let page = Page::open(&browser, &server.url("/"))?;
        let mut drawings = Vec::new();
        for digit in (0..=9).chain([9]) {
            page.draw(Pointer::Mouse, &strokes(digit, &Hand::default()))?;
            let answer = page
                .classify()
                .with_context(|| format!("drawing {digit}"))?;
            let pictures = [page.picture("#canvas")?, page.picture("#preview")?];
            drawings.push(Drawing {
                digit,
                answer,
                preview: page.preview()?,
                pictures,
            });
            page.clear()?;
        }
        let info: ModelInfo = agent()
            .get(server.url(&format!("/api/v1/models/{MODEL}")))
            .call()?
            .body_mut()
            .read_json()?;
        // The first bytes that the worker draws are its master seed.
        let seed = SecretSeed::from_bytes(tap::known_bytes());
        Ok(Self {
            told: tap::heard(&browser)?,
            keys: ClientKeys::from_seed(Arc::new(Plan::new(info)?), seed),
            origin: server.url(""),
            drawings,
            exchanges: proxy.exchanges(),
            requested: browser.requested()?,
            console_errors: browser.console_errors()?,
        })
    }

    /// The requests that carry a drawing, in order.
    fn queries(&self) -> Vec<&Exchange> {
        self.exchanges
            .iter()
            .filter(|exchange| is_query(exchange))
            .collect()
    }
}

fn is_query(exchange: &Exchange) -> bool {
    exchange.method == "POST" && exchange.path().ends_with("/classify")
}

/// Whether it announces keys that come in parts.
fn is_upload_start(exchange: &Exchange) -> bool {
    exchange.method == "POST" && exchange.path() == "/api/v1/uploads"
}

/// Whether it carries keys, all of them or some.
fn is_key_upload(exchange: &Exchange) -> bool {
    let path = exchange.path();
    let some = path.starts_with("/api/v1/uploads/");
    exchange.method == "POST" && (some || path == "/api/v1/sessions")
}

/// Whether it carries the last key that was missing.
fn opens_session(exchange: &Exchange) -> bool {
    is_key_upload(exchange) && exchange.status == Some(201)
}

fn count(proxy: &Proxy, kind: fn(&Exchange) -> bool) -> usize {
    proxy
        .exchanges()
        .iter()
        .filter(|exchange| kind(exchange))
        .count()
}

/// Draws a digit and expects the page to read it.
pub fn read_digit(page: &Page<'_>, pointer: Pointer, digit: u8) -> Result<()> {
    page.draw(pointer, &strokes(digit, &Hand::default()))?;
    let answer = page.classify()?;
    ensure!(
        answer.class == digit.to_string(),
        "a {digit} was read as {}",
        answer.class
    );
    Ok(())
}
