//! The crypto worker's place in the browser: messages in, messages out.
//!
//! Knows the worker's scope; hands everything else to [`crate::crypto`].
//!
//! **Invariant:** it makes no request and keeps nothing but what [`Crypto`] keeps.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::crypto::Crypto;
use crate::protocol::{self, FromWorker, ToWorker};

/// Listens until the page closes; does nothing outside of a worker.
pub(crate) fn run() {
    let Some(scope) = scope() else { return };
    let mut crypto = Crypto::new(now);
    let on_message =
        Closure::<dyn FnMut(MessageEvent)>::new(
            move |event: MessageEvent| match protocol::from_js::<ToWorker>(&event.data()) {
                Ok(message) => crypto.handle(message, &mut tell),
                Err(error) => tell(&FromWorker::Failed {
                    task: None,
                    reason: error.to_string(),
                }),
            },
        );
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget(); // It lives as long as the worker does.
    tell(&FromWorker::Started);
}

fn scope() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

fn now() -> f64 {
    scope()
        .and_then(|scope| scope.performance())
        .map_or(0.0, |clock| clock.now())
}

/// Posts a message. A browser that has no memory left to deliver it has none for an excuse either;
/// it reports the worker as broken.
fn tell(message: &FromWorker) {
    let Some(scope) = scope() else { return };
    if let Ok((message, handed_over)) = protocol::to_js(message) {
        let _undelivered = scope.post_message_with_transfer(&message, &handed_over);
    }
}
