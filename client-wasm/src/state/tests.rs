//! Every transition, without a browser.

mod keys;
mod live;

use std::rc::Rc;

use client::models::ChoiceError;
use shared::api::{Preparation, SessionInfo};
use shared::image::{Digit, GrayImage, prepare};
use yew::Reducible;

use super::*;

fn digit() -> Digit {
    let mut pixels = vec![0; 400];
    pixels[190..210].fill(255);
    prepare(&GrayImage::from_luma8(20, 20, &pixels).unwrap()).unwrap()
}

fn session() -> SessionInfo {
    SessionInfo {
        id: "5e55".into(),
        expires_in_s: 600,
        key_bytes: 900_000,
    }
}

fn answer(class: usize) -> Answer {
    let mut probabilities = vec![0.01; 10];
    probabilities[class] = 0.91;
    Answer {
        model: "first".into(),
        digits: vec![DigitAnswer::new(probabilities)],
    }
}

fn cleared() -> Action {
    Action::Changed {
        digits: Vec::new(),
        inked: false,
        undoable: true,
        anew: true,
    }
}

fn typed() -> Action {
    Action::Changed {
        digits: vec![digit()],
        inked: true,
        undoable: true,
        anew: true,
    }
}

/// News for the first choice.
fn news(news: News) -> Action {
    Action::News(ChoiceId::default(), news)
}

fn asked(job: JobId) -> Action {
    Action::Asked {
        job,
        digits: vec![digit()],
        prepared: Measure::time(1.0),
        at: 1e12,
    }
}

fn uploaded() -> Action {
    news(News::SessionOpened(
        session(),
        Some(Measure::new(80.0, 900_000)),
    ))
}

fn ready() -> Action {
    news(News::Ready)
}

fn encrypted(job: JobId) -> Action {
    news(News::Encrypted {
        job,
        encode: Measure::time(1.0),
        encrypt: Measure::new(1.0, 38_000),
        ciphertext: [9, 9].into(),
    })
}

fn answered(job: JobId, class: usize) -> Action {
    news(News::Answered(job, Measure::time(0.5), answer(class)))
}

/// The class that was read, if the drawing is read.
fn read(state: &State) -> Option<usize> {
    let answer = state.answer.as_ref()?;
    (state.reading == Reading::Done).then(|| answer.digits[0].class())
}

/// The state after these actions, from the start.
fn after(actions: impl IntoIterator<Item = Action>) -> Rc<State> {
    actions
        .into_iter()
        .fold(Rc::default(), |state: Rc<State>, action| {
            state.reduce(action)
        })
}

#[test]
fn keys_are_made_and_uploaded_first() {
    let mut state = after([]);
    assert_eq!(state.phase, Phase::Loading);
    state = state.reduce(news(News::KeysProgress { made: 3, pieces: 9 }));
    assert_eq!(state.phase, Phase::Keys { made: 3, pieces: 9 });
    // The first keys go up while the others are made.
    let progress = |sent| news(News::UploadProgress { sent, total: 90 });
    state = state.reduce(progress(5));
    assert_eq!(state.phase, Phase::Keys { made: 3, pieces: 9 });
    state = state.reduce(news(News::KeysProgress { made: 9, pieces: 9 }));
    state = state.reduce(news(News::KeysMade(Measure::new(40.0, 900_000))));
    state = state.reduce(progress(10));
    assert_eq!(
        state.phase,
        Phase::Uploading {
            sent: 10,
            total: 90
        }
    );
    state = state.reduce(uploaded()).reduce(ready());
    assert_eq!(state.phase, Phase::Ready);
    assert_eq!(state.session, Some(session()));
    assert_eq!(
        state.timings.get(Stage::Keys),
        Some(Measure::new(40.0, 900_000))
    );
}

#[test]
fn a_drawing_is_read() {
    let job = JobId::default().next();
    let mut state = after([uploaded(), ready(), asked(job)]);
    assert_eq!(
        (&state.reading, state.accepts_drawings()),
        (&Reading::Working, false)
    );
    state = state.reduce(news(News::Encrypting(job)));
    assert_eq!(state.phase, Phase::Encrypting);
    state = state.reduce(encrypted(job));
    assert_eq!(state.phase, Phase::Evaluating);
    let (upload, download) = (Measure::new(4.0, 38_000), Measure::new(1.0, 20_000));
    let evaluate = Measure::time(1.5);
    state = state.reduce(news(News::Evaluated {
        job,
        upload,
        evaluate,
        download,
        reply: [7].into(),
    }));
    state = state.reduce(answered(job, 7));
    assert_eq!(read(&state), Some(7));
    assert_eq!(state.ciphertexts.latest.as_deref(), Some(&[9, 9][..]));
    assert_eq!(state.ciphertexts.reply.as_deref(), Some(&[7][..]));
    assert_eq!((&state.phase, state.job), (&Phase::Ready, None));
    assert_eq!(state.timings.total(), Some(10.0));
    assert!(state.accepts_drawings());
}

#[test]
fn a_drawing_may_be_asked_about_before_the_keys_are_up() {
    let job = JobId::default().next();
    let state = after([news(News::KeysProgress { made: 1, pieces: 9 }), asked(job)]);
    assert_eq!(state.phase, Phase::Keys { made: 1, pieces: 9 });
    let state = state.reduce(uploaded()).reduce(ready());
    assert_eq!((&state.reading, state.job), (&Reading::Working, Some(job)));
}

#[test]
fn late_answers_change_nothing() {
    let (old, new) = (JobId::default(), JobId::default().next());
    for forgetting in [cleared(), Action::Drawn(vec![digit()])] {
        let state = after([uploaded(), ready(), asked(old), encrypted(old), forgetting]);
        assert_eq!(
            (&state.phase, &state.reading),
            (&Phase::Ready, &Reading::Idle)
        );
        assert_eq!(*Rc::clone(&state).reduce(answered(old, 3)), *state);

        let state = state.reduce(asked(new));
        assert_eq!(*Rc::clone(&state).reduce(answered(old, 3)), *state);
        assert_eq!(*Rc::clone(&state).reduce(encrypted(old)), *state);
        assert_eq!(read(&state.reduce(answered(new, 4))), Some(4));
    }
}

#[test]
fn clearing_takes_everything_of_the_drawing_away() {
    let job = JobId::default();
    let state = after([
        uploaded(),
        ready(),
        asked(job),
        encrypted(job),
        answered(job, 1),
        cleared(),
    ]);
    let expected = State {
        history: state.history.clone(),
        ciphertexts: state.ciphertexts.clone(),
        undoable: true,
        revision: 1,
        ..State::clone(&after([uploaded(), ready()]))
    };
    assert_eq!(*state, expected);
    assert_eq!(state.history.entries().len(), 1, "it was read");
}

#[test]
fn an_empty_pad_is_declined() {
    let state = after([uploaded(), ready(), Action::Declined(Notice::NothingDrawn)]);
    assert_eq!(
        (&state.phase, &state.reading),
        (&Phase::Ready, &Reading::Idle)
    );
    assert_eq!(state.notice, Some(Notice::NothingDrawn));
    assert_eq!(state.reduce(Action::Drawn(vec![digit()])).notice, None);
}

#[test]
fn lost_keys_go_up_again_by_themselves() {
    let job = JobId::default();
    let mut state = after([
        uploaded(),
        ready(),
        asked(job),
        encrypted(job),
        news(News::SessionGone),
    ]);
    assert_eq!(
        (&state.session, &state.notice),
        (&None, &Some(Notice::KeysAgain))
    );
    state = state.reduce(news(News::UploadProgress { sent: 1, total: 9 }));
    state = state.reduce(uploaded()).reduce(ready());
    assert_eq!(
        (state.job, &state.reading, &state.notice),
        (Some(job), &Reading::Working, &None)
    );
    state = state.reduce(encrypted(job)).reduce(answered(job, 2));
    assert_eq!(read(&state), Some(2));
}

#[test]
fn a_failure_waits_for_a_retry() {
    let job = JobId::default();
    let failed = news(News::Failed(Failure::Unreachable));
    let state = after([uploaded(), ready(), asked(job), failed.clone()]);
    assert_eq!(state.phase, Phase::Failed(Failure::Unreachable));
    assert_eq!((&state.reading, state.job), (&Reading::Failed, Some(job)));
    assert!(!state.accepts_drawings());
    let state = state.reduce(asked(job.next()));
    assert_eq!(
        (&state.phase, &state.reading, state.job),
        (&Phase::Loading, &Reading::Working, Some(job.next()))
    );

    let state = after([failed]);
    assert_eq!((&state.reading, state.job), (&Reading::Idle, None));
    assert_eq!(*state.reduce(Action::Retried), State::default());
}

#[test]
fn a_retry_that_is_declined_can_be_retried() {
    let failed = news(News::Failed(Failure::Unreachable));
    let job = JobId::default();
    let declined = Action::Declined(Notice::NothingDrawn);
    let state = after([uploaded(), ready(), asked(job), failed, declined]);
    assert_eq!(state.phase, Phase::Failed(Failure::Unreachable));
    assert_eq!(state.notice, Some(Notice::NothingDrawn));
}

#[test]
fn a_retry_with_nothing_missing_is_ready() {
    let failed = news(News::Failed(Failure::Crypto("reply too noisy".into())));
    let state = after([uploaded(), failed, Action::Retried, ready()]);
    assert_eq!(state.phase, Phase::Ready);
}

#[test]
fn drawing_on_keeps_a_failure_in_sight() {
    let failed = news(News::Failed(Failure::Unreachable));
    let state = after([
        uploaded(),
        ready(),
        asked(JobId::default()),
        failed,
        Action::Drawn(vec![digit()]),
    ]);
    assert_eq!(state.phase, Phase::Failed(Failure::Unreachable));
    assert_eq!((&state.reading, state.job), (&Reading::Idle, None));
}

#[test]
fn a_busy_server_is_mentioned() {
    let state = after([uploaded(), ready(), news(News::Busy(2))]);
    assert_eq!(state.notice, Some(Notice::Busy(2)));
}

fn described(id: &str, threshold: Option<f64>) -> News {
    News::ModelDescribed(Model {
        id: id.into(),
        description: format!("What {id} is."),
        classes: vec!["zero".into()],
        preparation: Preparation { threshold },
    })
}

fn listed() -> News {
    let offer = |id: &str| Offer {
        id: id.into(),
        description: String::new(),
        foreign_input: None,
    };
    News::ModelsListed(["first", "second"].map(offer).to_vec())
}

fn chosen() -> (ChoiceId, Action) {
    let choice = ChoiceId::default().next();
    (choice, Action::Chosen(choice, "second".into()))
}

#[test]
fn the_model_in_use_is_the_chosen_one() {
    let state = after([]);
    assert_eq!(state.chosen(), None);
    let state = state.reduce(news(described("first", None)));
    assert_eq!(state.chosen(), Some("first"));
    assert_eq!(State::opened(Some("named".into())).chosen(), Some("named"));
    let state = state.reduce(chosen().1);
    assert_eq!((state.chosen(), &state.model), (Some("second"), &None));
}

#[test]
fn another_model_starts_afresh_with_the_same_drawing() {
    let job = JobId::default();
    let before = after([
        news(listed()),
        news(described("first", Some(0.5))),
        uploaded(),
        ready(),
        Action::Drawn(vec![digit()]),
        asked(job),
        encrypted(job),
        answered(job, 4),
    ]);
    assert_eq!(before.preparation().threshold, Some(0.5));
    let (choice, chosen) = chosen();
    let state = Rc::clone(&before).reduce(chosen);
    let expected = State {
        choice,
        wanted: Some("second".into()),
        offers: before.offers.clone(),
        inked: true,
        undoable: true,
        digits: vec![digit()],
        history: before.history.clone(),
        ..State::default()
    };
    assert_eq!(*state, expected);
    assert_eq!(state.preparation().threshold, None);

    let of_second = |news| Action::News(choice, news);
    let state = state
        .reduce(asked(job.next()))
        .reduce(of_second(News::KeysProgress { made: 2, pieces: 5 }));
    assert_eq!(state.phase, Phase::Keys { made: 2, pieces: 5 });
    assert_eq!(state.reading, Reading::Working);
    let state = state
        .reduce(of_second(described("second", None)))
        .reduce(of_second(News::Ready))
        .reduce(of_second(News::Answered(
            job.next(),
            Measure::time(1.0),
            answer(9),
        )));
    assert_eq!(read(&state), Some(9));
}

#[test]
fn late_news_of_the_model_before_change_nothing() {
    let job = JobId::default();
    let (_, chosen) = chosen();
    let state =
        after([uploaded(), ready(), asked(job), encrypted(job), chosen]).reduce(asked(job.next()));
    for late in [
        listed(),
        described("first", None),
        News::KeysProgress { made: 1, pieces: 2 },
        News::KeysMade(Measure::time(1.0)),
        News::UploadProgress { sent: 1, total: 2 },
        News::SessionOpened(session(), None),
        News::Ready,
        News::SessionGone,
        News::Busy(1),
        News::Encrypting(job),
        News::EncryptedAgain([1].into()),
        News::KeysForgotten,
        News::KeysRefused("too late".into()),
        News::Answered(job, Measure::time(1.0), answer(3)),
        News::Answered(job.next(), Measure::time(1.0), answer(3)),
        News::Failed(Failure::Unreachable),
    ] {
        assert_eq!(
            *Rc::clone(&state).reduce(news(late.clone())),
            *state,
            "{late:?}"
        );
    }
}

#[test]
fn an_unknown_model_gives_way_to_one_of_the_list() {
    let unknown = Failure::Model(ChoiceError::Unknown {
        id: "third".into(),
        near: vec!["first".into()],
    });
    let opened = Rc::new(State::opened(Some("third".into())));
    let state = opened
        .reduce(news(listed()))
        .reduce(news(News::Failed(unknown.clone())));
    assert_eq!(state.phase, Phase::Failed(unknown));
    assert_eq!((state.chosen(), state.offers.len()), (Some("third"), 2));
    let state = state.reduce(chosen().1);
    assert_eq!(
        (&state.phase, state.chosen()),
        (&Phase::Loading, Some("second"))
    );
    assert_eq!(state.offers.len(), 2);
}
