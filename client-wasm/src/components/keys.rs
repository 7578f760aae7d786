//! The keys: what they are, how long they live, and what their owner can do with them.

use gloo_timers::callback::Interval;
use yew::prelude::*;

use super::key_file::{ExportForm, ImportForm};
use crate::controller::KeyCommand;
use crate::state::{Keeping, KeyFacts, KeyTask, KeyWork, Measure, Origin};
use crate::text;

/// How often the key's age is told anew, in milliseconds.
const AGE_MS: u32 = 30_000;

/// What the panel needs.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The keys in use.
    pub facts: Option<KeyFacts>,
    /// How long the secret key lives.
    pub keeping: Keeping,
    /// What is being done, and what came of the last try.
    pub work: KeyWork,
    /// The evaluation keys' making, once they were made.
    pub made: Option<Measure>,
    /// The evaluation keys' upload, once they were uploaded.
    pub uploaded: Option<Measure>,
    /// Something is to be done.
    pub on_command: Callback<KeyCommand>,
    /// Something can't be done, for this reason.
    pub on_refuse: Callback<&'static str>,
}

/// A list of facts, a choice, and buttons.
#[component]
pub fn KeyPanel(props: &Props) -> Html {
    let now = use_state(js_sys::Date::now);
    use_effect_with(props.facts.clone(), {
        let now = now.clone();
        move |_| {
            now.set(js_sys::Date::now());
            let ticks = Interval::new(AGE_MS, move || now.set(js_sys::Date::now()));
            move || drop(ticks)
        }
    });
    let busy = matches!(props.work, KeyWork::Doing(_));
    let gone = props.facts.is_none();
    let send = |command: KeyCommand| {
        let on_command = props.on_command.clone();
        move |_: MouseEvent| on_command.emit(command.clone())
    };
    let keeping = props.keeping;
    let on_keep = props.on_command.reform(move |_: Event| {
        KeyCommand::Keep(match keeping {
            Keeping::Tab => Keeping::Device,
            Keeping::Device => Keeping::Tab,
        })
    });
    html! {
        <section
            id="keys"
            class="card keys"
            aria-labelledby="keys-heading"
            data-keeping={keeping_name(keeping)}
            data-origin={props.facts.as_ref().map(|facts| origin_name(facts.origin))}
        >
            <h2 id="keys-heading">{ text::KEYS_HEADING }</h2>
            if let Some(facts) = &props.facts {
                { list(facts, *now, props.made, props.uploaded) }
            } else {
                <p class="caption">{ text::NO_KEYS }</p>
            }
            <label class="switch">
                <input
                    id="keep-device"
                    type="checkbox"
                    checked={keeping == Keeping::Device}
                    disabled={busy || gone}
                    onchange={on_keep}
                />
                <span>
                    { text::KEEP_ON_DEVICE }
                    <small>{ text::keeping(keeping) }</small>
                </span>
            </label>
            <div class="buttons">
                <button
                    id="new-keys"
                    type="button"
                    class="quiet"
                    disabled={busy}
                    onclick={send(KeyCommand::New)}
                >
                    { text::NEW_KEYS }
                </button>
                <button
                    id="forget-keys"
                    type="button"
                    class="quiet alarming"
                    disabled={busy}
                    onclick={send(KeyCommand::Forget)}
                >
                    { text::FORGET_KEYS }
                </button>
            </div>
            <p id="key-work" class="caption" role="status" data-state={work_name(&props.work)}>
                { words(&props.work) }
            </p>
            <ExportForm
                disabled={busy || gone}
                on_command={props.on_command.clone()}
                on_refuse={props.on_refuse.clone()}
            />
            <ImportForm
                disabled={busy}
                on_command={props.on_command.clone()}
                on_refuse={props.on_refuse.clone()}
            />
        </section>
    }
}

fn list(facts: &KeyFacts, now: f64, made: Option<Measure>, uploaded: Option<Measure>) -> Html {
    let parameters = &facts.parameters;
    let unknown = || text::UNKNOWN.to_owned();
    html! {
        <dl>
            <dt>{ text::KEY_PARAMETERS }</dt>
            <dd>{ text::parameters(parameters) }</dd>
            <dt>{ text::KEY_SECURITY }</dt>
            <dd id="security">
                { text::security(parameters) }
                <small>{ text::SECURITY_SOURCE }</small>
            </dd>
            <dt>{ text::KEY_SECRET }</dt>
            <dd>{ text::secret_key(facts, &text::ago(now - facts.made_at)) }</dd>
            <dt>{ text::KEY_EVALUATION }</dt>
            <dd>{ made.or(uploaded).map_or_else(unknown, text::evaluation_keys) }</dd>
        </dl>
    }
}

fn words(work: &KeyWork) -> String {
    match work {
        KeyWork::Idle => String::new(),
        KeyWork::Doing(task) => text::key_task(*task).to_owned(),
        KeyWork::Refused(reason) => text::key_refusal(reason),
    }
}

fn keeping_name(keeping: Keeping) -> &'static str {
    match keeping {
        Keeping::Tab => "tab",
        Keeping::Device => "device",
    }
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Made => "made",
        Origin::Stored => "stored",
        Origin::Imported => "imported",
    }
}

fn work_name(work: &KeyWork) -> &'static str {
    match work {
        KeyWork::Idle => "idle",
        KeyWork::Doing(_) => "doing",
        KeyWork::Refused(_) => "refused",
    }
}

/// What a command asks of the secret key's keeper.
pub fn task(command: &KeyCommand) -> KeyTask {
    match command {
        KeyCommand::New => KeyTask::New,
        KeyCommand::Forget => KeyTask::Forget,
        KeyCommand::Keep(keeping) => KeyTask::Keep(*keeping),
        KeyCommand::Seal(_) => KeyTask::Seal,
        KeyCommand::Open { .. } => KeyTask::Open,
    }
}
