//! What stays and what goes after a failure; needs no browser.

use std::cell::RefCell;
use std::rc::Rc;

use client::models::ChoiceError;
use shared::api::{API_VERSION, InputSpec, KeySpec, OutputSpec, Preparation, Problem, SessionInfo};
use shared::packing::{CoefficientPacking, InputPacking, OutputPacking};
use shared::params::{ParameterSpec, Parameters, shipped};
use shared::ring::Level;

use super::*;
use crate::link::LinkError;
use crate::protocol::JobId;
use crate::state::{KeyFacts, Origin};

fn model(id: &str) -> ModelInfo {
    ModelInfo {
        api_version: API_VERSION,
        id: id.into(),
        layers: None,
        description: String::new(),
        parameters: ParameterSpec {
            name: String::new(),
            log_n: 0,
            levels: Vec::new(),
            special: Vec::new(),
        },
        input: InputSpec {
            shape: vec![28, 28],
            preparation: Preparation::default(),
            packing: InputPacking {
                real: vec![Some(0)],
                imaginary: Vec::new(),
            },
            scale: 1.0,
            level: Level(0),
        },
        output: OutputSpec {
            classes: Vec::new(),
            packing: OutputPacking::Coefficients(CoefficientPacking {
                classes: 1,
                zeros: 0,
                copies: 1,
            }),
            scale: 1.0,
            log_modulus: 15,
            bound: 1.0,
        },
        bulk: None,
        keys: KeySpec::default(),
    }
}

fn session() -> Session {
    Session {
        info: SessionInfo {
            id: "5e55".into(),
            expires_in_s: 600,
            key_bytes: 1,
        },
        measure: Some(Measure::time(1.0)),
    }
}

fn secret() -> Secret {
    let parameters = Parameters::new(shipped().remove(0)).unwrap();
    Secret {
        id: KeysId::default(),
        facts: KeyFacts {
            origin: Origin::Made,
            made_at: 0.0,
            parameters: (&parameters).into(),
        },
        ms: 1.0,
    }
}

fn prepared(id: &str) -> Prepared {
    Prepared {
        secret: Some(secret()),
        looked: true,
        made: Some(Measure::time(1.0)),
        session: Some(session()),
        ..Prepared::new(model(id))
    }
}

/// A controller that used model `other` and then `gone`; its worker needs a browser.
fn controller() -> Controller {
    let mut controller = Controller {
        models: Some(Vec::new()),
        current: Some("gone".into()),
        ..Controller::default()
    };
    for id in ["other", "gone"] {
        assert!(controller.shelf.put(id, prepared(id)).is_empty());
    }
    controller
}

/// Whether list, model, keys and session are still there after a failure.
#[track_caller]
fn check_kept(failure: &Failure, list: bool, gone: [bool; 3], other: [bool; 3]) {
    let mut controller = controller();
    controller.drop_useless(failure);
    assert_eq!(controller.models.is_some(), list, "{failure:?}");
    for (id, expected) in [("gone", gone), ("other", other)] {
        let model = controller.shelf.get(id);
        let kept = [
            model.is_some(),
            model.is_some_and(|model| model.secret.is_some()),
            model.is_some_and(|model| model.session.is_some()),
        ];
        assert_eq!(kept, expected, "{id} after {failure:?}");
    }
}

#[test]
fn a_retry_starts_from_what_may_still_hold() {
    let refused = Failure::Refused(Problem {
        kind: "about:blank".into(),
        title: "No such model".into(),
        status: 404,
        detail: String::new(),
    });
    let (all, none) = ([true; 3], [false; 3]);
    check_kept(&refused, false, none, all);
    check_kept(&Failure::Crypto("noise".into()), false, none, all);
    check_kept(&Failure::Model(ChoiceError::None), false, none, all);
    let bare = [true, false, false];
    check_kept(&Failure::Link(LinkError::NotStarted), true, bare, bare);
    check_kept(&Failure::Unreachable, true, all, all);
    check_kept(&Failure::TimedOut { seconds: 60 }, true, all, all);
}

/// What the page is told of a session that is gone, again and again.
#[test]
fn a_lost_session_is_made_again_once_for_each_drawing() {
    let told = Rc::new(RefCell::new(Vec::new()));
    let page = {
        let told = Rc::clone(&told);
        Callback::from(move |(_, news)| told.borrow_mut().push(news))
    };
    let choice = ChoiceId::default();
    let tell = Teller {
        page,
        choice,
        busy_until: Rc::default(),
    };
    let gone = Failure::Refused(Problem {
        kind: "/problems/session-gone".into(),
        title: "Gone".into(),
        status: 410,
        detail: String::new(),
    });
    let mut controller = controller();
    let mut wish = Wish::opening(None);
    let drawing = |job| {
        let inputs = [vec![0.0; 4]].into();
        Command::Read(Drawing { job, inputs })
    };
    for job in [JobId::default(), JobId::default().next()] {
        wish.heed(drawing(job), None);
        controller.recover(gone.clone(), &mut wish, &tell);
        assert_eq!(told.take(), [News::SessionGone]);
        let model = controller.shelf.get("gone").unwrap();
        assert!(model.secret.is_some() && model.session.is_none());
        assert_eq!(wish.task(false), Some(Task::Prepare(None)));
    }
    controller.recover(gone, &mut wish, &tell);
    assert_eq!(told.take(), [News::Failed(Failure::SessionLost)]);
    assert_eq!(wish.task(false), None);
}

#[test]
fn sessions_of_keys_that_are_gone_are_deleted_unless_the_keys_are_stored() {
    for (stored, expected) in [(false, vec![session().info.id]), (true, Vec::new())] {
        let mut controller = controller();
        if let Some(model) = controller.shelf.get_mut("gone") {
            model.stored = stored;
        }
        controller.drop_useless(&Failure::Crypto("no such keys".into()));
        assert_eq!(controller.orphans, expected, "stored: {stored}");
    }
}
