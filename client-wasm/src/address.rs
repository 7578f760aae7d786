//! The model in the page's address: `?model=ID`.
//!
//! **Invariant:** an address that was set opens the page with the same model again.

use web_sys::UrlSearchParams;

const MODEL: &str = "model";

/// The model that the page was opened with, if its address names one.
pub fn model() -> Option<String> {
    let query = web_sys::window()?.location().search().ok()?;
    let model = UrlSearchParams::new_with_str(&query).ok()?.get(MODEL)?;
    (!model.is_empty()).then_some(model)
}

/// Puts a model into the address, without a new page. Where a browser forbids it, the address stays.
pub fn set_model(id: &str) {
    let address = format!("?{MODEL}={}", js_sys::encode_uri_component(id));
    let history = web_sys::window().and_then(|window| window.history().ok());
    let _refused = history.map(|history| {
        history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address))
    });
}
