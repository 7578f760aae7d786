//! What no element of the page shows: its messages to and from the worker, bit for bit, and the
//! randomness that the worker's keys come from.
//!
//! **Invariant:** what is said stays as it is: messages are copied, not changed. Randomness is
//! replaced only where a test has the proxy put [`RANDOMNESS`] before the worker's script.

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::browser::Browser;

/// The script that the page starts its worker with.
pub const WORKER: &str = "/worker.js";

/// Makes a worker's platform generator hand out [`known_bytes`].
pub const RANDOMNESS: &str = "let drawn = 0;
crypto.getRandomValues = array => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length; at += 1) {
        drawn += 1;
        let mixed = Math.imul(drawn, 0x9e3779b1);
        mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
        bytes[at] = mixed ^ (mixed >>> 13);
    }
    return array;
};
";

const LISTEN: &str = "const kept = [];
// The program that a worker starts with is no array of bytes.
const keep = data => data instanceof Uint8Array && kept.push(data.slice());
window.Worker = class extends Worker {
    constructor(...args) {
        super(...args);
        this.addEventListener('message', event => keep(event.data));
    }
    postMessage(message, ...rest) {
        keep(message);
        super.postMessage(message, ...rest);
    }
};
window.__kept = () => kept.map(bytes => {
    let text = '';
    for (let at = 0; at < bytes.length; at += 4096) {
        text += String.fromCharCode(...bytes.subarray(at, at + 4096));
    }
    return btoa(text);
});";

/// The first bytes that [`RANDOMNESS`] hands out.
#[must_use]
pub fn known_bytes<const COUNT: usize>() -> [u8; COUNT] {
    std::array::from_fn(|at| {
        let mixed = (at as u32 + 1).wrapping_mul(0x9e37_79b1);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b);
        (mixed ^ (mixed >> 13)) as u8
    })
}

/// Keeps copies of everything that the pages opened from now on exchange with their workers.
///
/// # Errors
/// If Chromium refuses.
pub fn listen(browser: &Browser) -> Result<()> {
    let command = "Page.addScriptToEvaluateOnNewDocument";
    browser.devtools(command, &json!({ "source": LISTEN }))?;
    Ok(())
}

/// What the open page and its worker have told each other, in order.
///
/// # Errors
/// If the page was opened before [`listen`].
pub fn heard(browser: &Browser) -> Result<Vec<Vec<u8>>> {
    let kept = browser.script("return window.__kept();", &[])?;
    let kept = kept.as_array().context("nobody listened")?;
    kept.iter()
        .map(|message| Ok(STANDARD.decode(message.as_str().context("a message is no text")?)?))
        .collect()
}
