//! Whether the device has a network, as far as its browser can tell.
//!
//! **Invariant:** a browser that says nothing counts as online, so that nobody is kept from trying.

use yew::prelude::*;

use crate::listen::Listener;

/// Whether there may be a network. A `false` is certain, a `true` is not.
#[must_use]
pub fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// [`is_online`], asked again whenever the browser says that it has changed.
#[hook]
#[must_use]
pub fn use_online() -> bool {
    let online = use_state_eq(is_online);
    let is_now = online.setter();
    use_effect_with((), move |()| {
        let listen = |event| {
            let is_now = is_now.clone();
            let window = web_sys::window()?;
            let tell = move |_| is_now.set(is_online());
            Some(Listener::new(window.into(), event, tell))
        };
        let listeners = ["online", "offline"].map(listen);
        // It may have changed between the first look and now.
        is_now.set(is_online());
        move || drop(listeners)
    });
    *online
}
