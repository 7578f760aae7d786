//! What keys do, so that the page can be used without a pointer.
//!
//! Knows keys and where the focus is; knows nothing of what happens then.
//!
//! **Invariant:** a key that means something to the element which has the focus, or to the browser,
//! keeps that meaning.

use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, HtmlInputElement, KeyboardEvent};
use yew::prelude::*;

use crate::listen::Listener;

/// What a person wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// Take back the last change.
    Undo,
    /// Take everything off the pad.
    Clear,
    /// Read the drawing.
    Classify,
    /// Write this digit in place of the drawing.
    Type(u8),
    /// Write this digit to the right of the drawing.
    TypeMore(u8),
    /// Switch reading live on or off.
    ToggleLive,
}

/// What has the focus, as far as keys are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// Nothing with keys of its own: the pad, or the page.
    Page,
    /// What is pressed by Enter, the space bar or arrows: a button, a link, a summary, a check box, a
    /// radio button.
    Button,
    /// What digits and letters choose from: a list, a slider.
    Choice,
    /// What is written into.
    Text,
}

/// Modifiers that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Shift.
    pub shift: bool,
    /// Ctrl, or Cmd on a Mac.
    pub command: bool,
    /// Alt, or `AltGr`.
    pub alt: bool,
}

/// What a key means; `key` is what it writes, `code` where it lies on the keyboard.
pub fn shortcut(key: &str, code: &str, held: Held, focus: Focus) -> Option<Shortcut> {
    if held.alt || focus == Focus::Text {
        return None;
    }
    if held.command {
        let undo = !held.shift && key.eq_ignore_ascii_case("z");
        return undo.then_some(Shortcut::Undo);
    }
    if focus == Focus::Choice {
        return None;
    }
    if let Some(digit) = digit(key, code, held.shift) {
        let more = held.shift;
        return Some(if more {
            Shortcut::TypeMore(digit)
        } else {
            Shortcut::Type(digit)
        });
    }
    match key {
        _ if held.shift => None,
        "Delete" | "Backspace" => Some(Shortcut::Clear),
        "Enter" if focus != Focus::Button => Some(Shortcut::Classify),
        "l" | "L" => Some(Shortcut::ToggleLive),
        _ => None,
    }
}

/// The digit on a key. On some keyboards digits are written with Shift; there a key's place
/// decides. With Shift the number pad's keys move the cursor, but keep their place.
fn digit(key: &str, code: &str, shift: bool) -> Option<u8> {
    let place = code
        .strip_prefix("Digit")
        .or_else(|| code.strip_prefix("Numpad"));
    let single = |text: &str| match text.as_bytes() {
        &[digit @ b'0'..=b'9'] => Some(digit - b'0'),
        _ => None,
    };
    // A number pad without Num Lock moves the cursor.
    let moves = code.starts_with("Numpad") && !shift && single(key).is_none();
    let place = place.and_then(single).filter(|_| !moves);
    if shift { place } else { single(key).or(place) }
}

/// Calls back for each shortcut as long as the component lives.
#[hook]
pub fn use_shortcuts(callback: Callback<Shortcut>) {
    use_effect_with(callback, |callback| {
        let callback = callback.clone();
        let window = web_sys::window();
        let listener = window.map(|window| {
            Listener::new(window.into(), "keydown", move |event| {
                if let Some(shortcut) = of_event(&event) {
                    event.prevent_default();
                    callback.emit(shortcut);
                }
            })
        });
        move || drop(listener)
    });
}

fn of_event(event: &Event) -> Option<Shortcut> {
    let event: &KeyboardEvent = event.dyn_ref()?;
    // A held key would fill the history; a composed one isn't finished.
    if event.default_prevented() || event.repeat() || event.is_composing() {
        return None;
    }
    let held = Held {
        shift: event.shift_key(),
        command: event.ctrl_key() || event.meta_key(),
        alt: event.alt_key(),
    };
    let document = web_sys::window()?.document()?;
    let focus = focus(document.active_element().as_ref());
    shortcut(&event.key(), &event.code(), held, focus)
}

fn focus(element: Option<&Element>) -> Focus {
    let Some(element) = element else {
        return Focus::Page;
    };
    let editable = element
        .dyn_ref::<HtmlElement>()
        .is_some_and(HtmlElement::is_content_editable);
    match element.tag_name().to_ascii_lowercase().as_str() {
        _ if editable => Focus::Text,
        "textarea" => Focus::Text,
        "select" => Focus::Choice,
        "input" => {
            let input = element.dyn_ref::<HtmlInputElement>();
            focus_in_input(input.map(HtmlInputElement::type_).as_deref())
        }
        "button" | "a" | "summary" | "label" => Focus::Button,
        _ => Focus::Page,
    }
}

fn focus_in_input(kind: Option<&str>) -> Focus {
    match kind {
        Some("button" | "checkbox" | "color" | "file" | "image" | "radio" | "reset" | "submit") => {
            Focus::Button
        }
        Some("range") => Focus::Choice,
        _ => Focus::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Held = Held {
        shift: false,
        command: false,
        alt: false,
    };
    const SHIFT: Held = Held {
        shift: true,
        ..NONE
    };
    const COMMAND: Held = Held {
        command: true,
        ..NONE
    };
    const ALT: Held = Held { alt: true, ..NONE };

    #[track_caller]
    fn check(key: &str, code: &str, held: Held, expected: Option<Shortcut>) {
        let found = shortcut(key, code, held, Focus::Page);
        assert_eq!(found, expected, "{key:?} at {code} with {held:?}");
    }

    #[test]
    fn keys_do_what_the_help_says() {
        check("z", "KeyZ", COMMAND, Some(Shortcut::Undo));
        check("Delete", "Delete", NONE, Some(Shortcut::Clear));
        check("Backspace", "Backspace", NONE, Some(Shortcut::Clear));
        check("Enter", "Enter", NONE, Some(Shortcut::Classify));
        check("Enter", "NumpadEnter", NONE, Some(Shortcut::Classify));
        check("l", "KeyL", NONE, Some(Shortcut::ToggleLive));
        check("7", "Digit7", NONE, Some(Shortcut::Type(7)));
        check("0", "Numpad0", NONE, Some(Shortcut::Type(0)));
        check("&", "Digit7", SHIFT, Some(Shortcut::TypeMore(7)));
        check("Home", "Numpad7", SHIFT, Some(Shortcut::TypeMore(7)));
    }

    #[test]
    fn other_keyboards_lay_keys_elsewhere() {
        // French: digits are written with Shift, and `a` lies where others have `q`.
        check("è", "Digit7", NONE, Some(Shortcut::Type(7)));
        check("7", "Digit7", SHIFT, Some(Shortcut::TypeMore(7)));
        // Where z is written by the key of y, that key undoes.
        check("z", "KeyY", COMMAND, Some(Shortcut::Undo));
        check("Z", "KeyZ", COMMAND, Some(Shortcut::Undo)); // Caps Lock.
    }

    #[test]
    fn keys_of_the_browser_stay_the_browsers() {
        check("Home", "Numpad7", NONE, None);
        check("1", "Digit1", COMMAND, None);
        check("1", "Digit1", ALT, None);
        check("l", "KeyL", COMMAND, None);
        check("Enter", "Enter", COMMAND, None);
        check("Delete", "Delete", SHIFT, None);
        check(
            "Z",
            "KeyZ",
            Held {
                shift: true,
                ..COMMAND
            },
            None,
        ); // Redo elsewhere.
        check("F1", "F1", NONE, None);
        check("½", "Backquote", NONE, None);
        check("Tab", "Tab", NONE, None);
        check(" ", "Space", NONE, None);
    }

    #[track_caller]
    fn check_focus(focus: Focus, kept: &[&str]) {
        let keys = [
            ("Enter", "Enter", NONE),
            ("5", "Digit5", NONE),
            ("z", "KeyZ", COMMAND),
        ];
        let found: Vec<&str> = keys
            .into_iter()
            .filter(|&(key, code, held)| shortcut(key, code, held, focus).is_some())
            .map(|(key, ..)| key)
            .collect();
        assert_eq!(found, kept, "{focus:?}");
    }

    #[test]
    fn what_has_the_focus_comes_first() {
        check_focus(Focus::Page, &["Enter", "5", "z"]);
        check_focus(Focus::Button, &["5", "z"]);
        check_focus(Focus::Choice, &["z"]);
        check_focus(Focus::Text, &[]);
    }

    #[test]
    fn inputs_differ_in_what_keys_do() {
        assert_eq!(focus_in_input(Some("password")), Focus::Text);
        assert_eq!(focus_in_input(Some("checkbox")), Focus::Button);
        assert_eq!(focus_in_input(Some("radio")), Focus::Button);
        assert_eq!(focus_in_input(Some("range")), Focus::Choice);
        assert_eq!(focus_in_input(None), Focus::Text);
    }
}
