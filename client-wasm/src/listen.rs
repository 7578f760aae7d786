//! Listening to browser events for as long as a component lives.
//!
//! **Invariant:** what was attached is detached when the [`Listener`] is dropped.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, EventTarget};

/// One attached listener.
pub struct Listener {
    target: EventTarget,
    event: &'static str,
    callback: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Calls `callback` whenever `event` reaches `target`. A target that refuses listeners is
    /// treated like one where nothing ever happens.
    pub fn new(
        target: EventTarget,
        event: &'static str,
        callback: impl FnMut(Event) + 'static,
    ) -> Self {
        let callback = Closure::new(callback);
        let _refused =
            target.add_event_listener_with_callback(event, callback.as_ref().unchecked_ref());
        Self {
            target,
            event,
            callback,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.callback.as_ref().unchecked_ref();
        let _gone = self
            .target
            .remove_event_listener_with_callback(self.event, callback);
    }
}
