//! Files for the person at the page.
//!
//! **Invariant:** a file is made in the browser and goes to its downloads; nothing is sent.

use gloo_timers::callback::Timeout;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// How long the bytes are held for the browser, in milliseconds.
const HOLD_MS: u32 = 60_000;

/// Has the browser save bytes under a name. A browser that forbids downloads tells the person itself.
pub fn save(name: &str, media_type: &str, bytes: &[u8]) {
    let _refused = offer(name, media_type, bytes);
}

fn offer(name: &str, media_type: &str, bytes: &[u8]) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    let document = web_sys::window().and_then(|window| window.document());
    let link: Option<HtmlAnchorElement> = document
        .map(|document| document.create_element("a"))
        .transpose()?
        .and_then(|link| link.dyn_into().ok());
    if let Some(link) = link {
        link.set_href(&address);
        link.set_download(name);
        link.click();
    }
    // Some browsers fetch the bytes only when the person has chosen where to.
    let free = move || {
        let _freed = Url::revoke_object_url(&address);
    };
    Timeout::new(HOLD_MS, free).forget();
    Ok(())
}
