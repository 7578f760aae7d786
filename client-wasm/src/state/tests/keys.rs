//! The keys' comings and goings.

use super::*;

fn facts(origin: Origin) -> KeyFacts {
    KeyFacts {
        origin,
        made_at: 1e12,
        parameters: ParameterFacts {
            name: "n12".into(),
            degree: 4_096,
            log2_qp: 106,
            line: None,
        },
    }
}

fn with_keys() -> Rc<State> {
    let job = JobId::default();
    after([
        news(News::KeysReady(facts(Origin::Made))),
        news(News::KeysMade(Measure::new(40.0, 900_000))),
        uploaded(),
        ready(),
        asked(job),
        encrypted(job),
        answered(job, 3),
    ])
}

#[test]
fn stored_keys_need_no_upload() {
    let state = after([
        news(News::KeysReady(facts(Origin::Stored))),
        news(News::Kept(Keeping::Device)),
        news(News::SessionOpened(session(), None)),
        ready(),
    ]);
    assert_eq!(
        (&state.phase, state.keeping),
        (&Phase::Ready, Keeping::Device)
    );
    assert_eq!(state.timings.get(Stage::KeyUpload), None);
    assert_eq!(state.session, Some(session()));
}

#[test]
fn forgotten_keys_leave_what_was_read_and_read_no_more() {
    let state = with_keys().reduce(Action::KeysAsked(KeyTask::Forget));
    assert_eq!(state.key_work, KeyWork::Doing(KeyTask::Forget));
    let state = state.reduce(news(News::KeysForgotten));
    assert_eq!(
        (&state.phase, &state.keys, &state.session),
        (&Phase::NoKeys, &None, &None)
    );
    assert_eq!(
        (state.key_work.clone(), state.keeping),
        (KeyWork::Idle, Keeping::Tab)
    );
    assert_eq!(read(&state), Some(3));
    assert!(!state.accepts_drawings());
    assert_eq!(state.reduce(Action::Retried).phase, Phase::Loading);
}

#[test]
fn a_drawing_under_way_ends_with_the_keys() {
    let job = JobId::default().next();
    let state = with_keys()
        .reduce(asked(job))
        .reduce(news(News::KeysForgotten));
    assert_eq!((state.job, state.reading), (None, Reading::Idle));
    assert_eq!(*Rc::clone(&state).reduce(answered(job, 8)), *state);
}

#[test]
fn what_was_refused_leaves_the_keys_in_use() {
    let state = with_keys().reduce(Action::KeysAsked(KeyTask::Open));
    let reason = String::from("the passphrase is wrong");
    let state = state.reduce(news(News::KeysRefused(reason.clone())));
    assert_eq!(state.key_work, KeyWork::Refused(reason));
    assert_eq!(
        (&state.phase, &state.keys),
        (&Phase::Ready, &Some(facts(Origin::Made)))
    );
}

#[test]
fn the_same_drawing_twice_can_be_compared() {
    let state = with_keys().reduce(news(News::EncryptedAgain([1, 2].into())));
    assert_eq!(state.ciphertexts.latest.as_deref(), Some(&[1, 2][..]));
    assert_eq!(state.ciphertexts.earlier.as_deref(), Some(&[9, 9][..]));
    assert_eq!(read(&state), Some(3), "nothing was asked");
}

#[test]
fn a_broken_upload_is_mentioned() {
    let state = after([news(News::UploadAgain)]);
    assert_eq!(state.notice, Some(Notice::UploadAgain));
    assert_eq!(state.reduce(uploaded()).notice, None);
}

#[test]
fn a_failed_drawing_can_be_read_with_the_next_keys() {
    let failed = news(News::Failed(Failure::Crypto("too noisy".into())));
    let job = JobId::default().next();
    let state = with_keys().reduce(asked(job)).reduce(failed);
    assert!(!state.accepts_drawings());
    let state = state
        .reduce(news(News::KeysReady(facts(Origin::Made))))
        .reduce(uploaded())
        .reduce(ready());
    assert!(state.accepts_drawings());
}
