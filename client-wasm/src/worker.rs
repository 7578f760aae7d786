//! The crypto worker's place in the browser: messages in, messages out.
//!
//! Knows the worker's scope; hands everything else to [`crate::crypto`].
//!
//! **Invariant:** it makes no request, keeps nothing but what [`Crypto`] keeps, and follows messages in
//! the order in which they came.

use futures_channel::mpsc::unbounded;
use futures_util::StreamExt;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::crypto::{Clock, Crypto};
use crate::protocol::{self, FromWorker, ToWorker};
use crate::store::IndexedDb;

/// Listens until the page closes; nothing happens outside of a worker.
pub(crate) fn run() -> Option<()> {
    let scope = scope()?;
    let (queue, mut messages) = unbounded::<JsValue>();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        // The other end lives as long as the worker.
        let _nobody_listens = queue.unbounded_send(event.data());
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget(); // It lives as long as the worker does.
    spawn_local(async move {
        let date = js_sys::Date::now;
        let mut crypto = Crypto::new(IndexedDb, Clock { now, date });
        // One after the other: a message that waits for the store holds up those behind it.
        while let Some(message) = messages.next().await {
            match protocol::from_js::<ToWorker>(&message) {
                Ok(message) => crypto.handle(message, &mut tell).await,
                Err(error) => tell(&FromWorker::Failed {
                    task: None,
                    reason: error.to_string(),
                }),
            }
        }
    });
    tell(&FromWorker::Started);
    Some(())
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
