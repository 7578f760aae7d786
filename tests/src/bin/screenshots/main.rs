//! Pictures of the real page: two for the README, or every state of it to be looked at.
//!
//! **Invariant:** what is shown was computed: real evaluator, real keys, shipped model.

mod states;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::server::Server;
use tests::webdriver::Pointer;
use tests::{root, wait_for};

/// A window.
#[derive(Clone, Copy)]
struct Screen {
    name: &'static str,
    width: u32,
    height: u32,
    /// Device pixels per pixel.
    scale: u32,
    phone: bool,
}

const DESKTOP: Screen = Screen {
    name: "desktop",
    width: 1100,
    height: 1000,
    scale: 1,
    phone: false,
};

const PHONE: Screen = Screen {
    name: "phone",
    width: 390,
    height: 844,
    scale: 2,
    phone: true,
};

/// Writes docs/images/page.png and docs/images/page-phone.png, or every state of the page.
#[derive(Parser)]
struct Args {
    /// The digit to draw.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(0..=9))]
    digit: u8,
    /// Writes every state in this directory instead: phone and desktop, light and dark.
    #[arg(long, value_name = "DIR")]
    states: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(directory) = args.states {
        return states::photograph(&directory);
    }
    let directory = root().join("docs/images");
    fs::create_dir_all(&directory)?;
    let server = Server::start()?;
    for (name, screen) in [("page.png", DESKTOP), ("page-phone.png", PHONE)] {
        let browser = Browser::start(screen.width, screen.height, None)?;
        show(&browser, screen)?;
        let page = Page::open_live(&browser, &server.url("/"))?;
        let hand = Hand {
            jitter: 0.01,
            ..Hand::default()
        };
        let pointer = if screen.phone {
            Pointer::Touch
        } else {
            Pointer::Mouse
        };
        page.draw(pointer, &strokes(args.digit, &hand))?;
        let answer = page.wait_for_answer()?;
        let path = directory.join(name);
        save(&browser, &path, false)?;
        println!(
            "{}: a {} read as {}",
            path.display(),
            args.digit,
            answer.class
        );
    }
    Ok(())
}

/// Gives the browser another screen.
fn show(browser: &Browser, screen: Screen) -> Result<()> {
    let metrics = json!({
        "width": screen.width, "height": screen.height,
        "deviceScaleFactor": screen.scale, "mobile": screen.phone,
    });
    browser.devtools("Emulation.setDeviceMetricsOverride", &metrics)?;
    let hidden = json!({ "hidden": true });
    browser.devtools("Emulation.setScrollbarsHidden", &hidden)?;
    Ok(())
}

/// Takes the picture once nothing moves any more; of the whole page, or of what the window shows.
fn save(browser: &Browser, path: &Path, whole: bool) -> Result<()> {
    browser.script("window.scrollTo(0, 0);", &[])?;
    wait_for("everything to come to rest", || {
        let running = "return document.getAnimations().some(animation =>
            animation.playState === 'running' && animation.effect.getTiming().iterations < 9);";
        Ok((browser.script(running, &[])? == false).then_some(()))
    })?;
    let picture = if whole {
        browser.screenshot_of_all()?
    } else {
        browser.screenshot()?
    };
    fs::write(path, picture).with_context(|| path.display().to_string())
}
