//! What comes of messages, with a store in memory and a clock that stands still.

use std::cell::RefCell;
use std::collections::BTreeMap as Map;
use std::rc::Rc;

use futures_util::FutureExt;
use shared::api::{
    API_VERSION, InputSpec, KeySpec, ModelInfo, OutputSpec, Preparation, RotationKeySpec,
    SwitchingKeySpec,
};
use shared::packing::{InputPacking, OutputPacking, SlotPacking};
use shared::params::shipped;
use shared::ring::Level;
use shared::wire::{is_batch, read_evaluation_keys};

use super::*;

const DATE: f64 = 1.8e12;

/// A store that several workers share, as tabs do; it can break.
#[derive(Clone, Default)]
struct Memory {
    records: Rc<RefCell<Map<String, Record>>>,
    broken: Rc<RefCell<Option<StoreError>>>,
}

impl Memory {
    fn check(&self) -> Result<(), StoreError> {
        self.broken.borrow().clone().map_or(Ok(()), Err)
    }
}

impl Store for Memory {
    async fn get(&self, model: &str) -> Result<Option<Record>, StoreError> {
        self.check()?;
        Ok(self.records.borrow().get(model).cloned())
    }

    async fn all(&self) -> Result<Vec<Record>, StoreError> {
        self.check()?;
        Ok(self.records.borrow().values().cloned().collect())
    }

    async fn put(&self, model: &str, record: &Record) -> Result<(), StoreError> {
        self.check()?;
        let mut records = self.records.borrow_mut();
        records.insert(model.into(), record.clone());
        Ok(())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.check()?;
        self.records.borrow_mut().clear();
        Ok(())
    }
}

fn worker(store: &Memory) -> Crypto<Memory> {
    let (now, date) = (|| 0.0, || DATE);
    Crypto::new(store.clone(), Clock { now, date })
}

/// What comes of these messages, in order.
fn told(
    crypto: &mut Crypto<Memory>,
    messages: impl IntoIterator<Item = ToWorker>,
) -> Vec<FromWorker> {
    let mut told = Vec::new();
    for message in messages {
        let mut tell = |message: &FromWorker| told.push(message.clone());
        let done = crypto.handle(message, &mut tell).now_or_never();
        done.expect("nothing to wait for");
    }
    told
}

#[track_caller]
fn check_failure(crypto: &mut Crypto<Memory>, message: ToWorker, task: Task, part: &str) {
    let told = told(crypto, [message]);
    let [FromWorker::Failed { task: of, reason }] = told.as_slice() else {
        panic!("expected one failure, got {told:?}");
    };
    assert_eq!(*of, Some(task));
    assert!(reason.contains(part), "{reason}");
}

fn ids() -> [KeysId; 3] {
    let first = KeysId::default();
    [first, first.next(), first.next().next()]
}

fn info(id: &str) -> ModelInfo {
    ModelInfo {
        api_version: API_VERSION,
        id: id.into(),
        layers: None,
        description: String::new(),
        parameters: shipped().remove(0),
        input: InputSpec {
            shape: vec![4],
            preparation: Preparation::default(),
            packing: InputPacking {
                real: (0..4).map(Some).collect(),
                imaginary: Vec::new(),
            },
            scale: 1e3,
            level: Level(0),
        },
        output: OutputSpec {
            classes: vec!["only".into()],
            packing: OutputPacking::Slots(SlotPacking { slots: vec![0] }),
            scale: 1e3,
            log_modulus: 15,
            bound: 1.0,
        },
        bulk: None,
        keys: KeySpec {
            rotations: vec![RotationKeySpec {
                step: 1,
                key: SwitchingKeySpec {
                    level: Level(0),
                    digit_primes: 2,
                },
            }],
            ..KeySpec::default()
        },
    }
}

fn description(id: &str) -> String {
    serde_json::to_string(&info(id)).unwrap()
}

fn make(keys: KeysId, id: &str) -> ToWorker {
    let model = description(id);
    ToWorker::MakeKeys { keys, model }
}

fn restore(keys: KeysId, id: &str) -> ToWorker {
    let model = description(id);
    ToWorker::RestoreKeys { keys, model }
}

fn store(keys: KeysId, session: &str, wanted: StoreWish) -> ToWorker {
    let session = Some(session.into());
    ToWorker::StoreKeys {
        keys,
        session,
        wanted,
    }
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.into())
}

fn ready(keys: KeysId, session: Option<&str>) -> FromWorker {
    FromWorker::KeysReady {
        keys,
        made_at: DATE,
        session: session.map(Into::into),
        ms: 0.0,
    }
}

fn encrypt(keys: KeysId, job: JobId, digits: usize) -> ToWorker {
    let inputs = vec![vec![0.5; 4]; digits];
    ToWorker::Encrypt { keys, job, inputs }
}

/// The evaluation keys of a secret key: the same each time, and another secret key's are others.
fn evaluation_keys_of(crypto: &mut Crypto<Memory>, keys: KeysId) -> Vec<u8> {
    let told = told(crypto, [ToWorker::MakeEvaluationKeys { keys }]);
    let [pieces @ .., FromWorker::EvaluationKeysMade { keys: of, .. }] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(*of, keys);
    let mut upload = Vec::new();
    for (expected, piece) in (1..).zip(pieces) {
        let FromWorker::KeyPiece {
            keys: of,
            made,
            pieces: count,
            bytes,
            ..
        } = piece
        else {
            panic!("{piece:?}");
        };
        assert_eq!((*of, *made, *count), (keys, expected, 2));
        upload.extend_from_slice(bytes);
    }
    for piece in pieces {
        let FromWorker::KeyPiece { total, .. } = piece else {
            panic!("{piece:?}");
        };
        assert_eq!(*total, upload.len() as u64);
    }
    upload
}

#[test]
fn failures_are_told() {
    let (job, [keys, ..]) = (JobId::default().next(), ids());
    let crypto = &mut worker(&Memory::default());
    let none = "no such keys";
    check_failure(crypto, encrypt(keys, job, 1), Task::Job(job), none);
    let decrypt = ToWorker::Decrypt {
        keys,
        job,
        digits: 1,
        reply: vec![1, 2],
    };
    check_failure(crypto, decrypt, Task::Job(job), none);
    let task = Task::Keys(keys);
    check_failure(crypto, ToWorker::MakeEvaluationKeys { keys }, task, none);
    check_failure(crypto, store(keys, "5e55", StoreWish::Put), task, none);
    let seal = ToWorker::SealKeys {
        keys,
        passphrase: passphrase("correct horse"),
    };
    check_failure(crypto, seal, task, none);
    let model = "{}".to_owned();
    let make = ToWorker::MakeKeys { keys, model };
    check_failure(crypto, make, task, "can't be read");
}

#[test]
fn each_models_keys_stay_until_they_are_forgotten() {
    let crypto = &mut worker(&Memory::default());
    let [one, two, _] = ids();
    for (keys, id) in [(one, "one"), (two, "two")] {
        assert_eq!(told(crypto, [make(keys, id)]), [ready(keys, None)]);
    }
    let (first, second) = (
        evaluation_keys_of(crypto, one),
        evaluation_keys_of(crypto, two),
    );
    assert_ne!(first, second, "each is a key of its own");
    assert_eq!(evaluation_keys_of(crypto, one), first, "made again");
    let plan = Plan::new(info("one")).unwrap();
    assert!(read_evaluation_keys(&first, plan.ring()).is_ok());

    let job = JobId::default();
    assert_eq!(told(crypto, [ToWorker::ForgetKeys { keys: one }]), []);
    check_failure(crypto, encrypt(one, job, 1), Task::Job(job), "no such keys");
    assert_eq!(told(crypto, [encrypt(two, job, 1)]).len(), 1);
}

#[test]
fn several_digits_are_one_batch_and_one_is_none() {
    let crypto = &mut worker(&Memory::default());
    let ([keys, ..], job) = (ids(), JobId::default());
    told(crypto, [make(keys, "one")]);
    for (digits, batch) in [(1, false), (2, true), (3, true)] {
        let told = told(crypto, [encrypt(keys, job, digits)]);
        let [FromWorker::Query { ciphertext, .. }] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!(is_batch(ciphertext), batch, "{digits} digits");
    }
}

#[test]
fn stored_keys_are_the_next_visits() {
    let memory = Memory::default();
    let [keys, later, _] = ids();
    let crypto = &mut worker(&memory);
    told(crypto, [make(keys, "one")]);
    let stored = told(crypto, [store(keys, "5e55", StoreWish::Put)]);
    assert_eq!(stored, [FromWorker::KeysStored { keys }]);
    let made = evaluation_keys_of(crypto, keys);

    let visit = &mut worker(&memory);
    let restored = told(visit, [restore(later, "one")]);
    assert_eq!(restored, [ready(later, Some("5e55"))]);
    assert_eq!(evaluation_keys_of(visit, later), made);
    let others = true;
    let nothing = FromWorker::NothingStored {
        keys: keys.next(),
        others,
    };
    assert_eq!(told(visit, [restore(keys.next(), "two")]), [nothing]);
}

#[test]
fn a_session_is_of_no_use_to_a_model_that_needs_other_keys() {
    let memory = Memory::default();
    let [keys, later, _] = ids();
    let crypto = &mut worker(&memory);
    told(
        crypto,
        [make(keys, "one"), store(keys, "5e55", StoreWish::Put)],
    );
    let mut changed = info("one");
    changed.keys.rotations[0].step = 2;
    let model = serde_json::to_string(&changed).unwrap();
    let restore = ToWorker::RestoreKeys { keys: later, model };
    assert_eq!(told(&mut worker(&memory), [restore]), [ready(later, None)]);
}

#[test]
fn a_key_for_other_parameters_is_none() {
    let memory = Memory::default();
    let [keys, later, _] = ids();
    let crypto = &mut worker(&memory);
    told(
        crypto,
        [make(keys, "one"), store(keys, "5e55", StoreWish::Put)],
    );
    let mut changed = info("one");
    changed.parameters.levels.truncate(1);
    changed.parameters.name = "other".into();
    changed.keys = KeySpec::default();
    let model = serde_json::to_string(&changed).unwrap();
    let nothing = FromWorker::NothingStored {
        keys: later,
        others: true,
    };
    let restore = ToWorker::RestoreKeys { keys: later, model };
    assert_eq!(told(&mut worker(&memory), [restore]), [nothing]);
}

#[test]
fn what_another_tab_has_forgotten_does_not_come_back() {
    let memory = Memory::default();
    let [keys, theirs, _] = ids();
    let ours = &mut worker(&memory);
    let update = || store(keys, "new", StoreWish::Update);
    let nothing = |others| [FromWorker::NothingStored { keys, others }];
    told(
        ours,
        [make(keys, "one"), store(keys, "old", StoreWish::Put)],
    );
    assert_eq!(told(ours, [update()]), [FromWorker::KeysStored { keys }]);

    let other_tab = &mut worker(&memory);
    let emptied = told(other_tab, [ToWorker::EmptyStore]);
    let sessions = vec!["new".to_owned()];
    assert_eq!(emptied, [FromWorker::StoreEmptied { sessions }]);
    assert_eq!(told(ours, [update()]), nothing(false));

    let put = store(theirs, "their", StoreWish::Put);
    told(other_tab, [make(theirs, "one"), put]);
    assert_eq!(told(ours, [update()]), nothing(true));
    let restored = told(ours, [restore(theirs, "one")]);
    assert_eq!(restored, [ready(theirs, Some("their"))]);
}

#[test]
fn without_a_store_keys_live_in_memory() {
    let memory = Memory::default();
    memory.broken.replace(Some(StoreError::Unavailable));
    let [keys, ..] = ids();
    let crypto = &mut worker(&memory);
    let others = false;
    let nothing = FromWorker::NothingStored { keys, others };
    assert_eq!(told(crypto, [restore(keys, "one")]), [nothing]);
    assert_eq!(told(crypto, [make(keys, "one")]), [ready(keys, None)]);
    let put = || store(keys, "5e55", StoreWish::Put);
    check_failure(crypto, put(), Task::Keys(keys), "lets the page store");
    let sessions = Vec::new();
    let emptied = [FromWorker::StoreEmptied { sessions }];
    assert_eq!(told(crypto, [ToWorker::EmptyStore]), emptied);

    memory.broken.replace(Some(StoreError::Full));
    check_failure(crypto, put(), Task::Keys(keys), "no room left");
    check_failure(crypto, ToWorker::EmptyStore, Task::Store, "no room left");
}

#[test]
fn a_sealed_key_opens_on_another_device() {
    let [keys, theirs, spare] = ids();
    let crypto = &mut worker(&Memory::default());
    told(crypto, [make(keys, "one")]);
    let seal = |text| ToWorker::SealKeys {
        keys,
        passphrase: passphrase(text),
    };
    check_failure(crypto, seal("short"), Task::Keys(keys), "5 characters");
    let sealed = told(crypto, [seal("correct horse")]);
    let [FromWorker::KeysSealed { keys: of, file }] = sealed.as_slice() else {
        panic!("{sealed:?}");
    };
    assert_eq!(*of, keys);

    let other = &mut worker(&Memory::default());
    let open = |keys, text: &str, model: &str| ToWorker::OpenKeys {
        keys,
        model: description(model),
        passphrase: passphrase(text),
        file: file.clone(),
    };
    let opened = told(other, [open(theirs, "correct horse", "one")]);
    assert_eq!(opened, [ready(theirs, None)]);
    let made = evaluation_keys_of(crypto, keys);
    assert_eq!(evaluation_keys_of(other, theirs), made);
    let task = Task::Keys(spare);
    let wrong = open(spare, "battery staple", "one");
    check_failure(other, wrong, task, "passphrase is wrong");
    let foreign = open(spare, "correct horse", "two");
    check_failure(other, foreign, task, "is for the model one, not for two");
    assert_eq!(evaluation_keys_of(other, theirs), made, "they stay in use");
}
