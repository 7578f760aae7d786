//! Reading while a person draws on.

use super::*;
use crate::state::live::SLOW_MS;

fn evaluated(job: JobId, ms: f64) -> Action {
    news(News::Evaluated {
        job,
        upload: Measure::time(ms),
        evaluate: Measure::time(0.0),
        download: Measure::time(0.0),
        reply: [].into(),
    })
}

/// One stroke is read as a 1, the next one is drawn.
fn one_stroke_more(live: bool) -> Rc<State> {
    let job = JobId::default();
    after([
        uploaded(),
        ready(),
        Action::Lived(live),
        asked(job),
        encrypted(job),
        answered(job, 1),
        Action::Drawn(vec![digit()]),
    ])
}

#[test]
fn the_last_answer_stays_in_sight_until_the_next() {
    let state = one_stroke_more(true);
    assert_eq!((read(&state), state.reading), (None, Reading::Idle));
    assert_eq!(state.answer, Some(answer(1)), "but it is still to be seen");
    let job = JobId::default().next();
    let state = state.reduce(asked(job));
    assert_eq!(state.answer, Some(answer(1)));
    assert_eq!(read(&state.reduce(answered(job, 4))), Some(4));
    assert_eq!(one_stroke_more(false).answer, None, "without live reading");
}

#[test]
fn an_overtaken_answer_is_never_shown() {
    let (first, second) = (JobId::default(), JobId::default().next());
    let state = after([
        uploaded(),
        ready(),
        asked(first),
        encrypted(first),
        Action::Drawn(vec![digit()]),
        asked(second),
        answered(second, 4),
    ]);
    assert_eq!(read(&state), Some(4));
    assert_eq!(*Rc::clone(&state).reduce(answered(first, 1)), *state);
}

#[test]
fn a_cleared_or_replaced_drawing_leaves_no_answer() {
    for action in [cleared(), typed()] {
        let state = one_stroke_more(true).reduce(action);
        assert_eq!((&state.answer, state.reading), (&None, Reading::Idle));
    }
}

#[test]
fn slow_answers_end_it_with_a_word_and_a_person_can_have_it_back() {
    let mut state = after([uploaded(), ready()]);
    let mut job = JobId::default();
    for _ in 0..2 {
        assert!(state.live.is_on());
        job = job.next();
        state = state
            .reduce(asked(job))
            .reduce(evaluated(job, SLOW_MS + 1.0));
    }
    assert!(!state.live.is_on());
    assert_eq!(state.notice, Some(Notice::TooSlowForLive));
    let state = state.reduce(Action::Lived(true));
    assert!(state.live.is_on());
    let job = job.next();
    let state = state.reduce(asked(job)).reduce(evaluated(job, 9e9));
    assert_eq!((state.live.is_on(), &state.notice), (true, &None));
}

#[test]
fn each_drawing_has_a_line_and_a_changed_one_no_second() {
    let mut state = one_stroke_more(true);
    let mut job = JobId::default();
    let mut read_as = |state: Rc<State>, class| {
        job = job.next();
        state.reduce(asked(job)).reduce(answered(job, class))
    };
    state = read_as(state, 4);
    state = read_as(state.reduce(cleared()), 7);
    let numbers = |state: &State| -> Vec<String> {
        let entries = state.history.entries().iter();
        entries.map(|entry| entry.number.clone()).collect()
    };
    assert_eq!(numbers(&state), ["4", "7"]);
    assert_eq!(numbers(&state.reduce(Action::HistoryCleared)), [""; 0]);
}
