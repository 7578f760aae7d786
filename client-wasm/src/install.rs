//! Makes the page one that opens without a network and can be installed.
//!
//! Knows where the service worker's script is; what is kept for later is decided there.
//!
//! **Invariant:** the page is the same with and without it. Where it can't be had (an old browser,
//! an address without https, a private window, a build for development), nothing is said.

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Navigator, Window};

/// Beside the page, so that it may answer for everything of the page.
const SCRIPT: &str = "./sw.js";

/// Registers the service worker once everything of the page is loaded.
pub fn register() {
    // `trunk serve` builds anew at each change; there, nothing should be kept.
    if cfg!(debug_assertions) {
        return;
    }
    let Some(window) = web_sys::window() else {
        return;
    };
    let is_loaded = window
        .document()
        .is_some_and(|document| document.ready_state() == "complete");
    if is_loaded {
        spawn_local(start(window.navigator()));
    } else {
        on_load(&window);
    }
}

fn on_load(window: &Window) {
    let navigator = window.navigator();
    let start = Closure::once_into_js(move || spawn_local(start(navigator)));
    let _refused = window.add_event_listener_with_callback("load", start.unchecked_ref());
}

async fn start(navigator: Navigator) {
    let known = Reflect::has(&navigator, &"serviceWorker".into());
    if known == Ok(true) {
        let registration = navigator.service_worker().register(SCRIPT);
        let _refused = JsFuture::from(registration).await;
    }
}
