//! The page: puts the pieces together and turns what a person does into actions and commands.

use std::cell::RefCell;

use shared::image::ImageError;
use yew::prelude::*;

use super::answer::AnswerCard;
use super::controls::Controls;
use super::explanation::Explanation;
use super::failure::FailurePanel;
use super::masthead::Masthead;
use super::models::ModelChoice;
use super::pad::Pad;
use super::status::Status;
use super::timings::TimingTable;
use crate::address;
use crate::drawing::Drawing;
use crate::failure::Failure;
use crate::http::now;
use crate::raster::{self, RasterError};
use crate::state::{Action, Measure, Notice, Phase, Reading, State};
use crate::work::Work;

/// The page.
#[component]
pub fn App() -> Html {
    let state = use_reducer(|| State::opened(address::model()));
    let drawing = use_memo((), |()| RefCell::new(Drawing::default()));
    let work = use_memo((), |()| {
        let dispatch = state.dispatcher();
        let tell = Callback::from(move |(choice, news)| {
            dispatch.dispatch(Action::News(choice, news));
        });
        Work::start(tell, state.wanted.clone())
    });

    let reading = state.job.is_some();
    let on_drawn = {
        let (dispatch, work, drawing) = (state.dispatcher(), work.clone(), drawing.clone());
        Callback::from(move |()| {
            if reading {
                work.forget();
            }
            dispatch.dispatch(Action::Drawn(raster::digit(&drawing.borrow()).ok()));
        })
    };
    let on_clear = {
        let (dispatch, work, drawing) = (state.dispatcher(), work.clone(), drawing.clone());
        Callback::from(move |()| {
            work.forget();
            drawing.borrow_mut().clear();
            dispatch.dispatch(Action::Cleared);
        })
    };
    let on_classify = {
        let (dispatch, work, drawing) = (state.dispatcher(), work.clone(), drawing.clone());
        Callback::from(move |()| dispatch.dispatch(ask(&drawing.borrow(), &work)))
    };
    let on_choose = {
        let (dispatch, work, drawing) = (state.dispatcher(), work.clone(), drawing.clone());
        let asked = state.reading != Reading::Idle;
        let failed = matches!(state.phase, Phase::Failed(_));
        let in_use = state.chosen().filter(|_| !failed).map(str::to_owned);
        Callback::from(move |id: String| {
            if in_use.as_ref() == Some(&id) {
                return;
            }
            address::set_model(&id);
            dispatch.dispatch(Action::Chosen(work.choose(id.clone()), id));
            if asked {
                dispatch.dispatch(ask(&drawing.borrow(), &work));
            }
        })
    };
    let problem = match &state.phase {
        Phase::Failed(Failure::Model(error)) => Some(error.clone()),
        _ => None,
    };
    let on_retry = {
        let (dispatch, work, drawing) = (state.dispatcher(), work, drawing.clone());
        Callback::from(move |()| {
            if reading {
                dispatch.dispatch(ask(&drawing.borrow(), &work));
            } else {
                dispatch.dispatch(Action::Retried);
                work.open();
            }
        })
    };

    html! {
        <>
            <Masthead />
            <main>
                <ModelChoice
                    offers={state.offers.clone()}
                    chosen={state.chosen().map(str::to_owned)}
                    {problem}
                    {on_choose}
                />
                <section class="card draw">
                    <Pad {drawing} inked={state.inked} {on_drawn} />
                    <Controls
                        digit={state.digit.clone()}
                        preparation={state.preparation()}
                        notice={state.notice}
                        enabled={state.accepts_drawings()}
                        {on_classify}
                        {on_clear}
                    />
                </section>
                <section class="card read">
                    <Status phase={state.phase.clone()} />
                    if let Phase::Failed(failure) = &state.phase {
                        <FailurePanel failure={failure.clone()} {on_retry} />
                    }
                    <AnswerCard reading={state.reading.clone()} model={state.model.clone()} />
                </section>
                <Explanation />
                <TimingTable
                    timings={state.timings.clone()}
                    session={state.session.clone()}
                    model={state.model.clone()}
                />
            </main>
        </>
    }
}

/// Prepares the drawing and has it read, if there is one.
fn ask(drawing: &Drawing, work: &Work) -> Action {
    let start = now();
    match raster::digit(drawing) {
        Ok(digit) => {
            let prepared = Measure::time(now() - start);
            Action::Asked {
                job: work.read(digit.to_input()),
                digit,
                prepared,
            }
        }
        Err(RasterError::Image(ImageError::Empty)) => Action::Declined(Notice::NothingDrawn),
        Err(_) => Action::Declined(Notice::Unreadable),
    }
}
