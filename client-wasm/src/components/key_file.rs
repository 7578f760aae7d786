//! The secret key as a file: out with a passphrase, and in with the same.
//!
//! **Invariant:** a passphrase leaves its field when it was used, and goes to the worker alone.

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, HtmlInputElement};
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::controller::KeyCommand;
use crate::passphrase::{MIN_LENGTH, Passphrase};
use crate::text;

/// Longer files are no key files.
const MAX_FILE_BYTES: f64 = 65_536.0;

/// What the form for writing needs.
#[derive(Clone, PartialEq, Properties)]
pub struct ExportProps {
    /// True while it can't be used.
    pub disabled: bool,
    /// The key is to be written.
    pub on_command: Callback<KeyCommand>,
    /// It can't be, for this reason.
    pub on_refuse: Callback<&'static str>,
}

/// Asks for a new passphrase.
#[component]
pub fn ExportForm(props: &ExportProps) -> Html {
    let field = use_node_ref();
    let on_submit = {
        let (field, on_command) = (field.clone(), props.on_command.clone());
        let on_refuse = props.on_refuse.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            match take(&field).filter(Passphrase::is_long_enough) {
                Some(passphrase) => on_command.emit(KeyCommand::Seal(passphrase)),
                None => on_refuse.emit(text::PASSPHRASE_SHORT),
            }
        })
    };
    html! {
        <details>
            <summary>{ text::EXPORT_KEYS }</summary>
            <form onsubmit={on_submit}>
                <p class="caption">{ text::EXPORT_ADVICE }</p>
                <label for="passphrase">{ text::NEW_PASSPHRASE }</label>
                <input
                    ref={field}
                    id="passphrase"
                    type="password"
                    required=true
                    minlength={MIN_LENGTH.to_string()}
                    autocomplete="new-password"
                />
                <button id="export-keys" type="submit" class="quiet" disabled={props.disabled}>
                    { text::EXPORT_BUTTON }
                </button>
            </form>
        </details>
    }
}

/// What the form for reading needs.
#[derive(Clone, PartialEq, Properties)]
pub struct ImportProps {
    /// True while it can't be used.
    pub disabled: bool,
    /// A file is to be read.
    pub on_command: Callback<KeyCommand>,
    /// It can't be, for this reason.
    pub on_refuse: Callback<&'static str>,
}

/// Asks for a file and its passphrase.
#[component]
pub fn ImportForm(props: &ImportProps) -> Html {
    let (chooser, field) = (use_node_ref(), use_node_ref());
    let on_submit = {
        let (chooser, field) = (chooser.clone(), field.clone());
        let (on_command, on_refuse) = (props.on_command.clone(), props.on_refuse.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some((file, passphrase)) = chosen(&chooser).zip(take(&field)) else {
                return;
            };
            let (on_command, on_refuse) = (on_command.clone(), on_refuse.clone());
            spawn_local(async move {
                match read(&file).await {
                    Some(file) => on_command.emit(KeyCommand::Open {
                        file: file.into(),
                        passphrase,
                    }),
                    None => on_refuse.emit(text::KEY_FILE_UNREADABLE),
                }
            });
        })
    };
    html! {
        <details>
            <summary>{ text::IMPORT_KEYS }</summary>
            <form onsubmit={on_submit}>
                <p class="caption">{ text::IMPORT_ADVICE }</p>
                <label for="import-keys">{ text::KEY_FILE }</label>
                <input ref={chooser} id="import-keys" type="file" required=true />
                <label for="import-passphrase">{ text::PASSPHRASE }</label>
                <input
                    ref={field}
                    id="import-passphrase"
                    type="password"
                    required=true
                    autocomplete="current-password"
                />
                <button id="open-keys" type="submit" class="quiet" disabled={props.disabled}>
                    { text::IMPORT_BUTTON }
                </button>
            </form>
        </details>
    }
}

/// Takes a passphrase out of its field; nothing if there is none.
fn take(field: &NodeRef) -> Option<Passphrase> {
    let field = field.cast::<HtmlInputElement>()?;
    let typed = field.value();
    field.set_value("");
    (!typed.is_empty()).then(|| Passphrase::new(typed))
}

fn chosen(chooser: &NodeRef) -> Option<File> {
    chooser.cast::<HtmlInputElement>()?.files()?.get(0)
}

async fn read(file: &File) -> Option<Vec<u8>> {
    if file.size() > MAX_FILE_BYTES {
        return None;
    }
    let buffer = JsFuture::from(file.array_buffer()).await.ok()?;
    let buffer: js_sys::ArrayBuffer = buffer.dyn_into().ok()?;
    Some(js_sys::Uint8Array::new(&buffer).to_vec())
}
