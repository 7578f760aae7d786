//! The token of a private service: it comes in the link that the host gives people, `#token=…`.
//!
//! Knows the page's address and the tab's storage; which texts are tokens is decided in
//! [`client::token`].
//!
//! **Invariant:** the address bar holds no token once the page runs, and a token goes nowhere but into
//! the tab's storage and into requests to the service that the page comes from. The worker never hears
//! of it.

use std::cell::RefCell;

use client::token::Token;
use wasm_bindgen::JsValue;
use web_sys::{Storage, Window};
use yew::prelude::*;

use crate::listen::Listener;

/// What stands before the token in the page's address.
const FRAGMENT: &str = "#token=";

thread_local! {
    static TOKEN: RefCell<Option<Token>> = const { RefCell::new(None) };
}

/// Looks for a token, in the page's address and then in the tab's storage.
pub fn find() {
    let Some(window) = web_sys::window() else {
        return;
    };
    if !take(&window) {
        let kept = kept(&window).and_then(|kept| kept.parse().ok());
        TOKEN.set(kept);
    }
}

/// The value of the header `Authorization`, if there is a token.
pub fn header() -> Option<String> {
    TOKEN.with_borrow(|token| token.as_ref().map(Token::header))
}

/// How many tokens came while the page was open: a link that differs from the page's address in its
/// token only opens no new page.
#[hook]
#[must_use]
pub fn use_new_tokens() -> u32 {
    let count = use_state_eq(|| 0);
    let is_now = count.setter();
    use_effect_with((), move |()| {
        let listener = web_sys::window().map(|window| {
            let mut taken = 0;
            let tell = move |_| {
                if web_sys::window().is_some_and(|window| take(&window)) {
                    taken += 1;
                    is_now.set(taken);
                }
            };
            Listener::new(window.into(), "hashchange", tell)
        });
        move || drop(listener)
    });
    *count
}

/// Takes a token out of the page's address; false if there is none.
fn take(window: &Window) -> bool {
    let location = window.location();
    let fragment = location.hash().unwrap_or_default();
    let Some(text) = fragment.strip_prefix(FRAGMENT) else {
        return false;
    };
    // First of all, and also where it turns out to be none.
    let rest = [location.pathname(), location.search()].map(Result::unwrap_or_default);
    let _forbidden = window.history().and_then(|history| {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&rest.concat()))
    });
    // Some programs that pass links on write `%3D` for `=`.
    let text = js_sys::decode_uri_component(text).map_or_else(|_| text.to_owned(), String::from);
    let Ok(token) = text.parse::<Token>() else {
        return false;
    };
    if let Some(storage) = storage(window) {
        // Without room, the token lives as long as the page.
        let _full = storage.set_item(&name(window), token.as_str());
    }
    TOKEN.set(Some(token));
    true
}

fn kept(window: &Window) -> Option<String> {
    storage(window)?.get_item(&name(window)).ok()?
}

/// The tab's storage; some browsers forbid it.
fn storage(window: &Window) -> Option<Storage> {
    window.session_storage().ok()?
}

/// The token's name in the storage, which all pages of an origin share.
fn name(window: &Window) -> String {
    let path = window.location().pathname().unwrap_or_default();
    let directory = path.rfind('/').map_or("", |end| &path[..=end]);
    format!("inkveil token {directory}")
}
