//! The page: puts the pieces together.

use std::cell::RefCell;

use yew::prelude::*;

use super::answer::AnswerCard;
use super::controls::Controls;
use super::explanation::Explanation;
use super::failure::FailurePanel;
use super::hands::Hands;
use super::history::HistoryList;
use super::keys::KeyPanel;
use super::masthead::Masthead;
use super::models::ModelChoice;
use super::pad::Pad;
use super::privacy::ServerView;
use super::status::Status;
use super::timings::TimingTable;
use super::tools::Tools;
use crate::connection::use_online;
use crate::drawing::Drawing;
use crate::failure::Failure;
use crate::pictures::use_pictures;
use crate::shortcuts::use_shortcuts;
use crate::state::{Action, News, Phase, Reading, Stage, State};
use crate::token::use_new_tokens;
use crate::work::Work;
use crate::{address, save, text};

/// The page.
#[component]
pub fn App() -> Html {
    let state = use_reducer(|| State::opened(address::model()));
    let drawing = use_memo((), |()| RefCell::new(Drawing::default()));
    let work = use_memo((), |()| {
        let dispatch = state.dispatcher();
        let tell = Callback::from(move |(choice, news)| {
            if let News::KeysSealed(file) = &news {
                save::save(text::KEY_FILE_NAME, "application/octet-stream", file);
            }
            dispatch.dispatch(Action::News(choice, news));
        });
        Work::start(tell, state.wanted.clone())
    });
    let hands = Hands {
        state: state.clone(),
        work,
        drawing: drawing.clone(),
    };
    // What a person does is done with the state of the moment.
    let with = |act: fn(&Hands)| {
        let hands = hands.clone();
        Callback::from(move |()| act(&hands))
    };
    let online = use_online();
    use_effect_with(online, {
        let hands = hands.clone();
        move |&online: &bool| {
            if online && is_outage(&hands.state.phase) {
                hands.retry();
            }
        }
    });
    let new_tokens = use_new_tokens();
    use_effect_with(new_tokens, {
        let hands = hands.clone();
        move |_: &u32| {
            if matches!(hands.state.phase, Phase::Failed(Failure::Private { .. })) {
                hands.retry();
            }
        }
    });
    use_shortcuts(with_value(&hands, Hands::press));
    use_pictures(with_value(&hands, Hands::put));
    let problem = match &state.phase {
        Phase::Failed(Failure::Model(error)) => Some(error.clone()),
        _ => None,
    };
    let number = state
        .answer
        .as_ref()
        .filter(|_| state.reading == Reading::Done);
    let number = number.map(|answer| state.number(answer));

    html! {
        <>
            <Masthead />
            <main>
                <ModelChoice
                    offers={state.offers.clone()}
                    chosen={state.chosen().map(str::to_owned)}
                    {problem}
                    on_choose={with_value(&hands, Hands::choose)}
                />
                <section class="card draw" aria-label={text::DRAW_LABEL}>
                    <Pad
                        {drawing}
                        revision={state.revision}
                        pen={state.pen}
                        inked={state.inked}
                        on_change={with_value(&hands, Hands::drew)}
                    />
                    <Tools
                        pen={state.pen}
                        undoable={state.undoable}
                        on_pen={with_value(&hands, Hands::pick)}
                        on_undo={with(Hands::undo)}
                        on_clear={with(Hands::clear)}
                        on_picture={with_value(&hands, Hands::put)}
                    />
                    <Controls
                        digits={state.digits.clone()}
                        preparation={state.preparation()}
                        notice={state.notice.clone()}
                        enabled={state.can_read()}
                        live={state.live.is_on()}
                        on_classify={with(Hands::classify)}
                        on_live={with_value(&hands, Hands::set_live)}
                    />
                </section>
                <section class="card read" aria-label={text::READ_LABEL}>
                    if !online {
                        <p id="offline" class="offline" role="status">{ text::OFFLINE }</p>
                    }
                    <Status phase={state.phase.clone()} />
                    if let Phase::Failed(failure) = &state.phase {
                        <FailurePanel failure={failure.clone()} on_retry={with(Hands::retry)} />
                    }
                    <AnswerCard
                        reading={state.reading}
                        answer={state.answer.clone()}
                        model={state.model.clone()}
                    />
                </section>
                <ServerView
                    digits={state.digits.clone()}
                    preparation={state.preparation()}
                    ciphertexts={state.ciphertexts.clone()}
                    session={state.session.clone()}
                    model={state.model.clone()}
                    live={state.live.is_on()}
                    enabled={hands.can_encrypt()}
                    on_again={with(Hands::encrypt_again)}
                />
                <div class="card record">
                    <TimingTable timings={state.timings.clone()} />
                    <HistoryList
                        history={state.history.clone()}
                        on_clear={with(Hands::clear_history)}
                        on_export={with(Hands::export)}
                    />
                </div>
                <Explanation
                    digits={state.digits.clone()}
                    preparation={state.preparation()}
                    ciphertexts={state.ciphertexts.clone()}
                    {number}
                />
                <KeyPanel
                    facts={state.keys.clone()}
                    keeping={state.keeping}
                    work={state.key_work.clone()}
                    made={state.timings.get(Stage::Keys)}
                    uploaded={state.timings.get(Stage::KeyUpload)}
                    on_command={with_value(&hands, Hands::keys)}
                    on_refuse={with_value(&hands, Hands::refuse_key_work)}
                />
            </main>
        </>
    }
}

/// True for failures that a network may mend.
fn is_outage(phase: &Phase) -> bool {
    let outage = |failure| matches!(failure, &Failure::Unreachable | &Failure::TimedOut { .. });
    matches!(phase, Phase::Failed(failure) if outage(failure))
}

fn with_value<T: 'static>(hands: &Hands, act: fn(&Hands, T)) -> Callback<T> {
    let hands = hands.clone();
    Callback::from(move |value| act(&hands, value))
}
