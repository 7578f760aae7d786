//! Pictures of the real page for the README: a digit drawn, classified, and photographed.
//!
//! **Invariant:** what is shown was computed: real evaluator, real keys, shipped model.

use std::fs;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::server::Server;
use tests::webdriver::Pointer;
use tests::{root, wait_for};

/// A file's name, the window's size, device pixels per pixel, and whether it is a phone.
const PICTURES: [(&str, u32, u32, u32, bool); 2] = [
    ("page.png", 1100, 1000, 1, false),
    ("page-phone.png", 390, 844, 2, true),
];

/// Writes docs/images/page.png and docs/images/page-phone.png.
#[derive(Parser)]
struct Args {
    /// The digit to draw.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(0..=9))]
    digit: u8,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let directory = root().join("docs/images");
    fs::create_dir_all(&directory)?;
    let server = Server::start()?;
    for (name, width, height, scale, mobile) in PICTURES {
        let browser = Browser::start(width, height, None)?;
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile,
        });
        browser.devtools("Emulation.setDeviceMetricsOverride", &metrics)?;
        browser.devtools("Emulation.setScrollbarsHidden", &json!({ "hidden": true }))?;
        let page = Page::open(&browser, &server.url("/"))?;
        let pointer = if mobile {
            Pointer::Touch
        } else {
            Pointer::Mouse
        };
        page.draw(
            pointer,
            &strokes(
                args.digit,
                &Hand {
                    jitter: 0.01,
                    ..Hand::default()
                },
            ),
        )?;
        let answer = page.classify()?;
        browser.script("window.scrollTo(0, 0);", &[])?;
        wait_for("everything to come to rest", || {
            let running = "return document.getAnimations()
                .some(animation => animation.playState === 'running');";
            Ok((browser.script(running, &[])? == false).then_some(()))
        })?;
        let path = directory.join(name);
        fs::write(&path, browser.screenshot()?).with_context(|| path.display().to_string())?;
        println!(
            "{}: a {} read as {}",
            path.display(),
            args.digit,
            answer.class
        );
    }
    Ok(())
}
