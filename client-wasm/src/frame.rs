//! Once for each picture the screen shows.
//!
//! **Invariant:** however often it is asked for, the work is done at most once before the next
//! picture, and not at all after the [`Frames`] are dropped.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, closure::Closure};

/// Work that is put off until the screen is about to show something new.
pub struct Frames {
    work: Closure<dyn FnMut()>,
    pending: Rc<Cell<Option<i32>>>,
}

impl Frames {
    /// Nothing is asked for yet.
    pub fn new(work: impl Fn() + 'static) -> Self {
        let pending = Rc::new(Cell::new(None));
        let work = Closure::new({
            let pending = pending.clone();
            move || {
                pending.set(None);
                work();
            }
        });
        Self { work, pending }
    }

    /// Asks for the work to be done.
    pub fn ask(&self) {
        if self.pending.get().is_none() {
            let callback = self.work.as_ref().unchecked_ref();
            let window = web_sys::window();
            let asked = window.map(|window| window.request_animation_frame(callback));
            self.pending.set(asked.and_then(Result::ok));
        }
    }

    /// Takes back what was asked for. Says whether anything was.
    pub fn cancel(&self) -> bool {
        let Some(pending) = self.pending.take() else {
            return false;
        };
        if let Some(window) = web_sys::window() {
            // Only a frame that was never asked for could be refused.
            let _cancelled = window.cancel_animation_frame(pending);
        }
        true
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.cancel();
    }
}
