//! The page as a person meets it: drawing, buttons, an answer.
//!
//! **Invariant:** everything here goes through the elements that a person sees; nothing calls into
//! the page's code.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::browser::Browser;
use crate::digits::Stroke;
use crate::wait_for;
use crate::webdriver::Pointer;

/// Rows and columns of the image that is encrypted.
pub const SIDE: usize = 28;

/// What the page says about a drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The class shown large.
    pub class: String,
    /// Id of the model that is named under it.
    pub model: String,
    /// Each bar's class and probability, in the order shown.
    pub bars: Vec<(String, f64)>,
}

/// The page in a browser.
pub struct Page<'a> {
    browser: &'a Browser,
}

impl<'a> Page<'a> {
    /// The page that a browser shows.
    #[must_use]
    pub fn of(browser: &'a Browser) -> Self {
        Self { browser }
    }

    /// Opens the page, waits until its keys are made and uploaded, and has it read when it is told.
    ///
    /// # Errors
    /// If that doesn't happen.
    pub fn open(browser: &'a Browser, url: &str) -> Result<Self> {
        let page = Self::open_as_it_is(browser, url)?;
        page.choose_live(false)?;
        Ok(page)
    }

    /// Opens the page, waits until its keys are made and uploaded, and has it read each stroke at
    /// once, however slow the answers are.
    ///
    /// # Errors
    /// If that doesn't happen.
    pub fn open_live(browser: &'a Browser, url: &str) -> Result<Self> {
        let page = Self::open_as_it_is(browser, url)?;
        page.choose_live(false)?;
        page.choose_live(true)?;
        Ok(page)
    }

    /// Opens the page and waits until its keys are made and uploaded. It reads each stroke at once as
    /// long as answers come quickly.
    ///
    /// # Errors
    /// If that doesn't happen.
    pub fn open_as_it_is(browser: &'a Browser, url: &str) -> Result<Self> {
        browser.goto(url)?;
        let page = Self::of(browser);
        page.wait_for_status("ready")?;
        ensure!(page.is_live()?, "the page doesn't read live");
        Ok(page)
    }

    /// Whether each finished stroke is read at once.
    ///
    /// # Errors
    /// If the page can't be asked.
    pub fn is_live(&self) -> Result<bool> {
        let script = "return document.querySelector('#live').checked;";
        Ok(self.browser.script(script, &[])? == true)
    }

    /// Turns the switch, as a person does.
    fn choose_live(&self, on: bool) -> Result<()> {
        self.browser.click("#live")?;
        ensure!(self.is_live()? == on, "the switch doesn't turn");
        Ok(())
    }

    /// Waits until the page takes back an error that it reported.
    ///
    /// # Errors
    /// If it doesn't in time.
    pub fn wait_for_recovery(&self) -> Result<()> {
        wait_for("the error to go", || {
            Ok(self.text("#error")?.is_empty().then_some(()))
        })
    }

    /// Waits until the status line says `wanted`.
    ///
    /// # Errors
    /// If it says `error` instead, or nothing new in time.
    pub fn wait_for_status(&self, wanted: &str) -> Result<()> {
        let mut last = String::new();
        wait_for(&format!("the page's status `{wanted}`"), || {
            last = self.attribute("#status", "data-state")?;
            if last == "error" && wanted != "error" {
                bail!("the page reports: {}", self.text("#error")?);
            }
            Ok((last == wanted).then_some(()))
        })
        .with_context(|| format!("its status was `{last}`"))
    }

    /// Draws on the canvas.
    ///
    /// # Errors
    /// If the canvas can't be reached with the pointer.
    pub fn draw(&self, pointer: Pointer, strokes: &[Stroke]) -> Result<()> {
        let script = "const canvas = document.querySelector('#canvas');
            canvas.scrollIntoView({ block: 'center' });
            const { left, top, width, height } = canvas.getBoundingClientRect();
            return [left, top, width, height];";
        let area = numbers(&self.browser.script(script, &[])?)?;
        let &[left, top, width, height] = area.as_slice() else {
            bail!("no canvas to draw on")
        };
        // A pixel inside the border, so that no point misses the canvas by rounding.
        let place = |&(x, y): &(f64, f64)| {
            (
                left + 1.0 + x * (width - 2.0),
                top + 1.0 + y * (height - 2.0),
            )
        };
        let lines: Vec<_> = strokes
            .iter()
            .map(|stroke| stroke.iter().map(place).collect())
            .collect();
        self.browser.draw(pointer, &lines)
    }

    /// Presses *Classify* and waits for the answer.
    ///
    /// # Errors
    /// If the page reports an error instead.
    pub fn classify(&self) -> Result<Answer> {
        self.browser.click("#classify")?;
        self.wait_for_answer()
    }

    /// Waits for an answer that is under way.
    ///
    /// # Errors
    /// If the page reports an error instead.
    pub fn wait_for_answer(&self) -> Result<Answer> {
        wait_for("the answer", || {
            match self.attribute("#answer", "data-state")?.as_str() {
                "done" => Ok(Some(())),
                "failed" => bail!("the page reports: {}", self.text("#error")?),
                _ => Ok(None),
            }
        })?;
        let script = "return [...document.querySelectorAll('#bars .bar')]
            .map(bar => [bar.dataset.class, bar.dataset.probability]);";
        let bars = self.browser.script(script, &[])?;
        let bars = bars
            .as_array()
            .context("the bars are no list")?
            .iter()
            .map(|bar| {
                let class = bar[0].as_str().context("a bar without a class")?;
                let probability = bar[1].as_str().context("a bar without a probability")?;
                Ok((class.to_owned(), probability.parse()?))
            });
        Ok(Answer {
            class: self.text("#answer")?,
            model: self.attribute("#answered-by", "data-model")?,
            bars: bars.collect::<Result<_>>()?,
        })
    }

    /// Presses *Classify* and waits for the page to give up.
    ///
    /// # Errors
    /// If an answer arrives instead.
    pub fn classify_in_vain(&self) -> Result<String> {
        self.browser.click("#classify")?;
        wait_for("a message", || {
            match self.attribute("#answer", "data-state")?.as_str() {
                "done" => bail!("there is an answer: {}", self.text("#answer")?),
                "failed" => Ok(Some(())),
                _ => Ok(None),
            }
        })?;
        let message = self.text("#error")?;
        ensure!(!message.is_empty(), "the page failed without a word");
        Ok(message)
    }

    /// Presses *Clear* and waits until the answer is gone.
    ///
    /// # Errors
    /// If it stays.
    pub fn clear(&self) -> Result<()> {
        self.browser.click("#clear")?;
        wait_for("the answer to go", || {
            Ok((self.attribute("#answer", "data-state")? == "idle").then_some(()))
        })
    }

    /// Takes a pen: 0 is the thinnest, 2 the thickest.
    ///
    /// # Errors
    /// If there is no such pen.
    pub fn pick(&self, pen: usize) -> Result<()> {
        let nth = pen + 1;
        self.browser
            .click(&format!(".pens label:nth-of-type({nth})"))
    }

    /// Opens the list of models and presses one of them.
    ///
    /// # Errors
    /// If it isn't there or can't be pressed.
    pub fn choose(&self, model: &str) -> Result<()> {
        if !self.lists_models()? {
            self.browser.click("#models summary")?;
        }
        self.browser
            .click(&format!("#models button[data-model=\"{model}\"]"))
    }

    /// Whether the list of models is open.
    ///
    /// # Errors
    /// If the page can't be asked.
    pub fn lists_models(&self) -> Result<bool> {
        let script = "return document.querySelector('#models').open;";
        Ok(self.browser.script(script, &[])? == true)
    }

    /// Presses *Retry*.
    ///
    /// # Errors
    /// If there is nothing to press.
    pub fn retry(&self) -> Result<()> {
        self.browser.click("#retry")
    }

    /// An element's text as a person reads it; empty where there is no such element.
    ///
    /// # Errors
    /// If the page can't be asked.
    pub fn text(&self, selector: &str) -> Result<String> {
        self.string(
            "return document.querySelector(arguments[0])?.innerText.trim() ?? '';",
            &[selector],
        )
    }

    /// An element's attribute; empty where it isn't set or there is no such element.
    ///
    /// # Errors
    /// If the page can't be asked.
    pub fn attribute(&self, selector: &str, name: &str) -> Result<String> {
        let script =
            "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? '';";
        self.string(script, &[selector, name])
    }

    /// The preview of what is encrypted, one grey byte per pixel, rows from top to bottom.
    ///
    /// # Errors
    /// If the preview is no 28×28 canvas.
    pub fn preview(&self) -> Result<Vec<u8>> {
        let pixels = self.pixels("#preview")?;
        ensure!(
            pixels.len() == SIDE * SIDE,
            "the preview has {} pixels",
            pixels.len()
        );
        Ok(pixels)
    }

    /// Whether the canvas shows one colour only.
    ///
    /// # Errors
    /// If there is no canvas.
    pub fn is_blank(&self) -> Result<bool> {
        let pixels = self.pixels("#canvas")?;
        Ok(pixels.iter().all(|pixel| Some(pixel) == pixels.first()))
    }

    /// A canvas as the browser would save it, a PNG.
    ///
    /// # Errors
    /// If there is no such canvas.
    pub fn picture(&self, selector: &str) -> Result<String> {
        let script = "return document.querySelector(arguments[0]).toDataURL().split(',')[1];";
        self.string(script, &[selector])
    }

    /// The canvas flattened onto white, each pixel's mean of red, green and blue.
    fn pixels(&self, selector: &str) -> Result<Vec<u8>> {
        let script = "const canvas = document.querySelector(arguments[0]);
            const { data } = canvas.getContext('2d')
                .getImageData(0, 0, canvas.width, canvas.height);
            const grey = [];
            for (let i = 0; i < data.length; i += 4) {
                const cover = data[i + 3] / 255;
                const mean = (data[i] + data[i + 1] + data[i + 2]) / 3;
                grey.push(Math.round(mean * cover + 255 * (1 - cover)));
            }
            return grey;";
        let values = numbers(&self.browser.script(script, &[selector.into()])?)?;
        Ok(values.iter().map(|&value| value as u8).collect())
    }

    fn string(&self, script: &str, args: &[&str]) -> Result<String> {
        let args: Vec<Value> = args.iter().map(|&arg| arg.into()).collect();
        let value = self
            .browser
            .script(script, &args)
            .with_context(|| format!("{args:?}"))?;
        Ok(value
            .as_str()
            .with_context(|| format!("{args:?} gave {value}"))?
            .to_owned())
    }
}

fn numbers(value: &Value) -> Result<Vec<f64>> {
    let list = value.as_array().context("no list of numbers")?;
    list.iter()
        .map(|number| number.as_f64().context("no number"))
        .collect()
}
