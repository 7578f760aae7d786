//! What the page says of its own speed, in Chromium.
//!
//! **Invariant:** every figure is one that a person can read in the page's table.

use anyhow::{Context, Result, ensure};
use tests::browser::Browser;
use tests::digits::{Hand, strokes};
use tests::page::Page;
use tests::server::Server;
use tests::webdriver::Pointer;

use crate::Effort;
use crate::report::{Figure, Section};
use crate::sample::Sample;

const DIGIT: u8 = 7;

/// Figures of the page, or why there are none.
///
/// # Errors
/// If the page or the browser fails.
pub fn measure(effort: &Effort, left_out: Option<&str>) -> Result<Section> {
    let mut section = Section::new(
        "The page in Chromium",
        "As the page's own table says, in its one worker; each first visit is a new browser, \
         every visit makes new keys.",
    );
    if let Some(why) = left_out {
        section.add("keys made", Figure::Missing(why.to_owned()));
        return Ok(section);
    }
    let server = Server::start()?;
    let (mut first, mut again) = (Vec::new(), Vec::new());
    let (mut encrypt, mut decrypt, mut total) = (Vec::new(), Vec::new(), Vec::new());
    for visit in 1..=effort.visits {
        eprintln!("the page, browser {visit} of {}", effort.visits);
        let browser = Browser::start(1100, 1000, None)?;
        for keys in [&mut first, &mut again] {
            let page = Page::open(&browser, &server.url("/"))?;
            keys.push(time(&page, "keys")?);
            for _ in 0..effort.drawings {
                page.draw(Pointer::Mouse, &strokes(DIGIT, &Hand::default()))?;
                let answer = page.classify()?;
                ensure!(
                    answer.class == DIGIT.to_string(),
                    "a {DIGIT} was read as {}",
                    answer.class
                );
                encrypt.push(time(&page, "encrypt")?);
                decrypt.push(time(&page, "decrypt")?);
                let stages = [
                    "prepare", "encrypt", "upload", "evaluate", "download", "decrypt",
                ];
                let stages: Vec<f64> = stages
                    .iter()
                    .map(|stage| time(&page, stage))
                    .collect::<Result<_>>()?;
                total.push(stages.iter().sum());
                page.clear()?;
            }
        }
    }
    for (name, times) in [
        ("keys made, first visit", first),
        ("keys made, page loaded again", again),
        ("encode, encrypt, serialise", encrypt),
        ("parse, decrypt, decode", decrypt),
        ("drawing to answer, evaluator on the same machine", total),
    ] {
        section.add(name, Figure::Time(Sample::new(times)?));
    }
    Ok(section)
}

/// A stage's milliseconds from the page's table.
fn time(page: &Page<'_>, stage: &str) -> Result<f64> {
    let row = format!("#timings tr[data-stage='{stage}']");
    let text = page.attribute(&row, "data-ms")?;
    text.parse()
        .with_context(|| format!("the page says `{text}` of `{stage}`"))
}
