//! Every transition, without a browser.

use std::rc::Rc;

use shared::api::SessionInfo;
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
        class,
        probabilities,
    }
}

fn asked(job: JobId) -> Action {
    Action::Asked {
        job,
        digit: digit(),
        prepared: Measure::time(1.0),
    }
}

fn uploaded() -> Action {
    Action::News(News::SessionOpened(session(), Measure::new(80.0, 900_000)))
}

fn ready() -> Action {
    Action::News(News::Ready)
}

fn encrypted(job: JobId) -> Action {
    Action::News(News::Encrypted(job, Measure::new(2.0, 38_000)))
}

fn answered(job: JobId, class: usize) -> Action {
    Action::News(News::Answered(job, Measure::time(0.5), answer(class)))
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
    state = state.reduce(Action::News(News::KeysProgress { made: 3, pieces: 9 }));
    assert_eq!(state.phase, Phase::Keys { made: 3, pieces: 9 });
    // The first keys go up while the others are made.
    let progress = |sent| Action::News(News::UploadProgress { sent, total: 90 });
    state = state.reduce(progress(5));
    assert_eq!(state.phase, Phase::Keys { made: 3, pieces: 9 });
    state = state.reduce(Action::News(News::KeysProgress { made: 9, pieces: 9 }));
    state = state.reduce(Action::News(News::KeysMade(Measure::new(40.0, 900_000))));
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
    state = state.reduce(Action::News(News::Encrypting(job)));
    assert_eq!(state.phase, Phase::Encrypting);
    state = state.reduce(encrypted(job));
    assert_eq!(state.phase, Phase::Evaluating);
    let (upload, download) = (Measure::new(4.0, 38_000), Measure::new(1.0, 20_000));
    let evaluate = Measure::time(1.5);
    state = state.reduce(Action::News(News::Evaluated {
        job,
        upload,
        evaluate,
        download,
    }));
    state = state.reduce(answered(job, 7));
    assert_eq!(state.reading, Reading::Done(answer(7)));
    assert_eq!((&state.phase, state.job), (&Phase::Ready, None));
    assert_eq!(state.timings.total(), Some(10.0));
    assert!(state.accepts_drawings());
}

#[test]
fn a_drawing_may_be_asked_about_before_the_keys_are_up() {
    let job = JobId::default().next();
    let state = after([
        Action::News(News::KeysProgress { made: 1, pieces: 9 }),
        asked(job),
    ]);
    assert_eq!(state.phase, Phase::Keys { made: 1, pieces: 9 });
    let state = state.reduce(uploaded()).reduce(ready());
    assert_eq!((&state.reading, state.job), (&Reading::Working, Some(job)));
}

#[test]
fn late_answers_change_nothing() {
    let (old, new) = (JobId::default(), JobId::default().next());
    for forgetting in [Action::Cleared, Action::Drawn(Some(digit()))] {
        let state = after([uploaded(), ready(), asked(old), encrypted(old), forgetting]);
        assert_eq!(
            (&state.phase, &state.reading),
            (&Phase::Ready, &Reading::Idle)
        );
        assert_eq!(*Rc::clone(&state).reduce(answered(old, 3)), *state);

        let state = state.reduce(asked(new));
        assert_eq!(*Rc::clone(&state).reduce(answered(old, 3)), *state);
        assert_eq!(*Rc::clone(&state).reduce(encrypted(old)), *state);
        assert_eq!(
            state.reduce(answered(new, 4)).reading,
            Reading::Done(answer(4))
        );
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
        Action::Cleared,
    ]);
    assert_eq!(*state, *after([uploaded(), ready()]));
}

#[test]
fn an_empty_pad_is_declined() {
    let state = after([uploaded(), ready(), Action::Declined(Notice::NothingDrawn)]);
    assert_eq!(
        (&state.phase, &state.reading),
        (&Phase::Ready, &Reading::Idle)
    );
    assert_eq!(state.notice, Some(Notice::NothingDrawn));
    assert_eq!(state.reduce(Action::Drawn(Some(digit()))).notice, None);
}

#[test]
fn lost_keys_go_up_again_by_themselves() {
    let job = JobId::default();
    let mut state = after([
        uploaded(),
        ready(),
        asked(job),
        encrypted(job),
        Action::News(News::SessionGone),
    ]);
    assert_eq!(
        (&state.session, state.notice),
        (&None, Some(Notice::KeysAgain))
    );
    state = state.reduce(Action::News(News::UploadProgress { sent: 1, total: 9 }));
    state = state.reduce(uploaded()).reduce(ready());
    assert_eq!(
        (state.job, &state.reading, state.notice),
        (Some(job), &Reading::Working, None)
    );
    state = state.reduce(encrypted(job)).reduce(answered(job, 2));
    assert_eq!(state.reading, Reading::Done(answer(2)));
}

#[test]
fn a_failure_waits_for_a_retry() {
    let job = JobId::default();
    let failed = Action::News(News::Failed(Failure::Unreachable));
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
    let failed = Action::News(News::Failed(Failure::Unreachable));
    let job = JobId::default();
    let declined = Action::Declined(Notice::Unreadable);
    let state = after([uploaded(), ready(), asked(job), failed, declined]);
    assert_eq!(state.phase, Phase::Failed(Failure::Unreachable));
    assert_eq!(state.notice, Some(Notice::Unreadable));
}

#[test]
fn a_retry_with_nothing_missing_is_ready() {
    let failed = Action::News(News::Failed(Failure::Crypto("reply too noisy".into())));
    let state = after([uploaded(), failed, Action::Retried, ready()]);
    assert_eq!(state.phase, Phase::Ready);
}

#[test]
fn drawing_on_keeps_a_failure_in_sight() {
    let failed = Action::News(News::Failed(Failure::Unreachable));
    let state = after([
        uploaded(),
        ready(),
        asked(JobId::default()),
        failed,
        Action::Drawn(Some(digit())),
    ]);
    assert_eq!(state.phase, Phase::Failed(Failure::Unreachable));
    assert_eq!((&state.reading, state.job), (&Reading::Idle, None));
}

#[test]
fn a_busy_server_is_mentioned() {
    let state = after([uploaded(), ready(), Action::News(News::Busy(2))]);
    assert_eq!(state.notice, Some(Notice::Busy(2)));
}
