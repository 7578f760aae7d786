//! Other screens and other wishes than the browser's own.
//!
//! **Invariant:** what is set holds for every page that the browser opens afterwards.

use anyhow::Result;
use serde_json::{Value, json};

use crate::browser::Browser;

/// A person's wishes that a page can ask about, as CSS names them.
///
/// # Errors
/// If Chromium refuses.
pub fn wishes(browser: &Browser, wishes: &[(&str, &str)]) -> Result<()> {
    let features: Vec<_> = wishes
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    browser.devtools(
        "Emulation.setEmulatedMedia",
        &json!({ "features": features }),
    )?;
    Ok(())
}

/// A screen of this size in CSS pixels.
///
/// # Errors
/// If Chromium refuses.
pub fn screen(browser: &Browser, width: u32, height: u32, mobile: bool) -> Result<()> {
    let metrics = json!({
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile,
    });
    browser.devtools("Emulation.setDeviceMetricsOverride", &metrics)?;
    Ok(())
}

/// Takes the network away from the open page, or gives it back.
///
/// # Errors
/// If Chromium refuses.
pub fn network(browser: &Browser, connected: bool) -> Result<()> {
    // A rate of -1 is whatever the network has.
    let conditions = json!({
        "offline": !connected, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
    });
    browser.devtools("Network.emulateNetworkConditions", &conditions)?;
    Ok(())
}

/// A script that runs in every page before its own; returns what [`forget`] takes.
///
/// # Errors
/// If Chromium refuses.
pub fn before_each_page(browser: &Browser, script: &str) -> Result<Value> {
    let command = "Page.addScriptToEvaluateOnNewDocument";
    browser.devtools(command, &json!({ "source": script }))
}

/// Ends what [`before_each_page`] began, from the next page on.
///
/// # Errors
/// If Chromium refuses.
pub fn forget(browser: &Browser, script: &Value) -> Result<()> {
    browser.devtools("Page.removeScriptToEvaluateOnNewDocument", script)?;
    Ok(())
}
