//! The part of the W3C WebDriver protocol that the tests use.
//!
//! **Invariant:** what the driver calls an error is one here, with the driver's own words.
//!
//! # Source
//! <https://www.w3.org/TR/webdriver2/>

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http;

use crate::server::agent;

/// Key under which the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What a finger, a pen or a mouse is to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// A mouse.
    Mouse,
    /// A finger.
    Touch,
    /// A pen.
    Pen,
}

/// A key on the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// One that writes a character.
    Character(char),
    /// Tab.
    Tab,
    /// Enter.
    Enter,
    /// The space bar.
    Space,
    /// Delete.
    Delete,
    /// Shift.
    Shift,
    /// Ctrl.
    Control,
}

impl Key {
    /// What WebDriver calls it, from its table of keys.
    fn value(self) -> char {
        match self {
            Self::Character(character) => character,
            Self::Tab => '\u{e004}',
            Self::Enter => '\u{e007}',
            Self::Shift => '\u{e008}',
            Self::Control => '\u{e009}',
            Self::Space => ' ',
            Self::Delete => '\u{e017}',
        }
    }
}

/// A session of a browser.
pub struct Session {
    agent: Agent,
    url: String,
}

impl Session {
    /// Opens a session at a driver.
    ///
    /// # Errors
    /// If the driver can't be reached or the browser doesn't start.
    pub fn open(driver: &str, capabilities: &Value) -> Result<Self> {
        let agent = agent();
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let opened = call(&agent, "POST", &format!("{driver}/session"), Some(&body))?;
        let id = opened["sessionId"]
            .as_str()
            .context("the driver named no session")?;
        Ok(Self {
            url: format!("{driver}/session/{id}"),
            agent,
        })
    }

    /// Ends the session and with it the browser.
    ///
    /// # Errors
    /// If the driver is gone.
    pub fn close(&self) -> Result<()> {
        call(&self.agent, "DELETE", &self.url, None).map(drop)
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// # Errors
    /// If it can't be loaded.
    pub fn goto(&self, url: &str) -> Result<()> {
        self.post("/url", &json!({ "url": url })).map(drop)
    }

    /// Runs a script's body in the page and returns what it returns.
    ///
    /// # Errors
    /// If it throws.
    pub fn script(&self, body: &str, args: &[Value]) -> Result<Value> {
        self.post("/execute/sync", &json!({ "script": body, "args": args }))
    }

    /// Clicks the middle of an element as a person does, scrolling to it first.
    ///
    /// # Errors
    /// If there is no such element, or another one covers it.
    pub fn click(&self, selector: &str) -> Result<()> {
        let id = self.element(selector)?;
        self.post(&format!("/element/{id}/click"), &json!({}))
            .map(drop)
    }

    /// The driver's name of the first element that a selector finds.
    fn element(&self, selector: &str) -> Result<String> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.post("/element", &query)?;
        let id = found[ELEMENT].as_str();
        let id = id.with_context(|| format!("no element {selector}"))?;
        Ok(id.to_owned())
    }

    /// Draws lines through points of the viewport, lifting the pointer after each line.
    ///
    /// # Errors
    /// If a point lies outside the viewport.
    pub fn draw(&self, pointer: Pointer, lines: &[Vec<(f64, f64)>]) -> Result<()> {
        let mut actions = Vec::new();
        for line in lines {
            for (index, (x, y)) in line.iter().enumerate() {
                actions.push(json!({
                    "type": "pointerMove", "duration": 1, "origin": "viewport",
                    "x": x.round(), "y": y.round(),
                }));
                if index == 0 {
                    actions.push(json!({ "type": "pointerDown", "button": 0 }));
                }
            }
            actions.push(json!({ "type": "pointerUp", "button": 0 }));
        }
        let kind = match pointer {
            Pointer::Mouse => "mouse",
            Pointer::Touch => "touch",
            Pointer::Pen => "pen",
        };
        let source = json!({
            "type": "pointer", "id": kind, "parameters": { "pointerType": kind },
            "actions": actions,
        });
        self.post("/actions", &json!({ "actions": [source] }))
            .map(drop)
    }

    /// Presses keys one after the other, each with those held that stand before it in its list.
    ///
    /// # Errors
    /// If the browser can't be reached.
    pub fn press(&self, keys: &[&[Key]]) -> Result<()> {
        let mut actions = Vec::new();
        for chord in keys {
            let action = |kind: &str, key: &Key| json!({ "type": kind, "value": key.value() });
            actions.extend(chord.iter().map(|key| action("keyDown", key)));
            actions.extend(chord.iter().rev().map(|key| action("keyUp", key)));
        }
        let source = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.post("/actions", &json!({ "actions": [source] }))
            .map(drop)
    }

    /// Types a text into an element, or names the file that a file field takes.
    ///
    /// # Errors
    /// If there is no such element, or it takes no keys.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let id = self.element(selector)?;
        self.post(&format!("/element/{id}/value"), &json!({ "text": text }))
            .map(drop)
    }

    /// What the window shows, as a PNG.
    ///
    /// # Errors
    /// If the browser can't tell.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let picture = call(
            &self.agent,
            "GET",
            &format!("{}/screenshot", self.url),
            None,
        )?;
        Ok(STANDARD.decode(picture.as_str().context("the screenshot is no text")?)?)
    }

    /// The whole page, also what the window doesn't show, as a PNG.
    ///
    /// # Errors
    /// If the browser can't tell.
    pub fn screenshot_of_all(&self) -> Result<Vec<u8>> {
        let layout = self.devtools("Page.getLayoutMetrics", &json!({}))?;
        let size = &layout["cssContentSize"];
        let params = json!({
            "format": "png",
            "captureBeyondViewport": true,
            "clip": {
                "x": 0, "y": 0, "scale": 1, "width": size["width"], "height": size["height"],
            },
        });
        let picture = self.devtools("Page.captureScreenshot", &params)?;
        let picture = picture["data"].as_str();
        Ok(STANDARD.decode(picture.context("the screenshot is no text")?)?)
    }

    /// Entries of one of Chromium's logs since the last call, `browser` or `performance`.
    ///
    /// # Errors
    /// If the log wasn't asked for when the session was opened.
    pub fn log(&self, kind: &str) -> Result<Vec<Value>> {
        match self.post("/se/log", &json!({ "type": kind }))? {
            Value::Array(entries) => Ok(entries),
            other => bail!("the {kind} log is {other}"),
        }
    }

    /// Runs a command of the Chrome `DevTools` protocol.
    ///
    /// # Errors
    /// If Chromium refuses it.
    pub fn devtools(&self, command: &str, params: &Value) -> Result<Value> {
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": params }),
        )
    }

    fn post(&self, route: &str, body: &Value) -> Result<Value> {
        call(
            &self.agent,
            "POST",
            &format!("{}{route}", self.url),
            Some(body),
        )
    }
}

fn call(agent: &Agent, method: &str, url: &str, body: Option<&Value>) -> Result<Value> {
    let request = http::Request::builder().method(method).uri(url);
    let reply = match body {
        Some(body) => agent.run(
            request
                .header("content-type", "application/json")
                .body(serde_json::to_vec(body)?)?,
        ),
        None => agent.run(request.body(())?),
    };
    let mut reply = reply.with_context(|| format!("{method} {url}"))?;
    let mut answer: Value = reply
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_json()
        .context("from the driver")?;
    let value = answer["value"].take();
    if !reply.status().is_success() {
        let (kind, message) = (&value["error"], &value["message"]);
        bail!(
            "the driver says {kind}: {}",
            message.as_str().unwrap_or_default()
        );
    }
    Ok(value)
}
