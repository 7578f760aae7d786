//! The store under a clock that the tests turn.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct TestClock(AtomicU64);

impl TestClock {
    fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

const IDLE: u64 = 60;

fn store(bytes: u64, count: usize) -> (Arc<TestClock>, SessionStore<&'static str>) {
    let clock = Arc::new(TestClock::default());
    let limits = SessionLimits {
        idle: Duration::from_secs(IDLE),
        bytes,
        count,
    };
    (Arc::clone(&clock), SessionStore::new(limits, clock))
}

fn insert(store: &SessionStore<&'static str>, value: &'static str, bytes: u64) -> SessionId {
    store.insert(value, bytes).expect("fits")
}

fn value(store: &SessionStore<&'static str>, id: SessionId) -> Option<&'static str> {
    store.get(id).map(|value| *value)
}

#[test]
fn a_session_is_held_until_it_has_been_idle_for_the_limit() {
    let (clock, store) = store(100, 10);
    let id = insert(&store, "keys", 10);
    clock.advance(IDLE - 1);
    assert_eq!(value(&store, id), Some("keys"));
    clock.advance(IDLE - 1);
    assert_eq!(
        value(&store, id),
        Some("keys"),
        "a use starts the time again"
    );
    clock.advance(IDLE);
    assert_eq!(value(&store, id), None);
    let figures = SessionFigures {
        held: 0,
        bytes: 0,
        expired: 1,
        evicted: 0,
    };
    assert_eq!(store.sweep(), figures);
}

#[test]
fn looking_is_not_using() {
    let (clock, store) = store(100, 10);
    let id = insert(&store, "keys", 10);
    clock.advance(IDLE - 1);
    let left = SessionState {
        expires_in: Duration::from_secs(1),
        bytes: 10,
    };
    assert_eq!(store.state(id), Some(left));
    clock.advance(1);
    assert_eq!(store.state(id), None);
}

#[test]
fn the_least_recently_used_goes_first_when_bytes_run_out() {
    let (_, store) = store(100, 10);
    let first = insert(&store, "first", 40);
    let second = insert(&store, "second", 40);
    assert_eq!(value(&store, first), Some("first"));
    let third = insert(&store, "third", 21);
    assert_eq!(value(&store, second), None);
    assert_eq!(value(&store, first), Some("first"));
    assert_eq!(value(&store, third), Some("third"));
    let figures = SessionFigures {
        held: 2,
        bytes: 61,
        expired: 0,
        evicted: 1,
    };
    assert_eq!(store.sweep(), figures);
}

#[test]
fn a_full_store_still_takes_exactly_its_size() {
    let (_, store) = store(100, 10);
    let small: Vec<_> = (0..5).map(|_| insert(&store, "small", 20)).collect();
    let large = insert(&store, "large", 100);
    assert!(small.into_iter().all(|id| value(&store, id).is_none()));
    assert_eq!(value(&store, large), Some("large"));
    let figures = SessionFigures {
        held: 1,
        bytes: 100,
        expired: 0,
        evicted: 5,
    };
    assert_eq!(store.sweep(), figures);
}

#[test]
fn sessions_without_bytes_are_bounded_too() {
    let (_, store) = store(100, 3);
    let ids: Vec<_> = (0..5).map(|_| insert(&store, "empty", 0)).collect();
    let held: Vec<_> = ids
        .into_iter()
        .map(|id| value(&store, id).is_some())
        .collect();
    assert_eq!(held, [false, false, true, true, true]);
}

#[test]
fn what_never_fits_evicts_nothing() {
    let (_, store) = store(100, 10);
    let id = insert(&store, "keys", 100);
    let refusal = store.insert("too large", 101).err();
    assert_eq!(
        refusal,
        Some(SessionError::TooLarge {
            bytes: 101,
            limit: 100
        })
    );
    assert_eq!(value(&store, id), Some("keys"));
}

#[test]
fn a_session_that_grows_evicts_others() {
    let (_, store) = store(100, 10);
    let growing = insert(&store, "growing", 10);
    let other = insert(&store, "other", 50);
    assert_eq!(store.resize(growing, 50), Ok(true));
    assert_eq!(value(&store, other), Some("other"));
    assert_eq!(store.resize(growing, 51), Ok(true));
    assert_eq!(value(&store, other), None);
    let (bytes, limit) = (101, 100);
    let refusal = SessionError::TooLarge { bytes, limit };
    assert_eq!(store.resize(growing, bytes), Err(refusal));
    assert_eq!(store.resize(other, 1), Ok(false));
    assert_eq!(store.resize(growing, 20), Ok(true));
    let figures = SessionFigures {
        held: 1,
        bytes: 20,
        expired: 0,
        evicted: 1,
    };
    assert_eq!(store.sweep(), figures);
}

#[test]
fn a_removed_session_is_gone_and_its_bytes_are_free() {
    let (_, store) = store(100, 10);
    let id = insert(&store, "keys", 70);
    assert!(store.remove(id));
    assert!(!store.remove(id));
    assert_eq!(value(&store, id), None);
    assert_eq!(store.sweep(), SessionFigures::default());
}

#[test]
fn an_expired_session_can_not_be_removed() {
    let (clock, store) = store(100, 10);
    let id = insert(&store, "keys", 70);
    clock.advance(IDLE);
    assert!(!store.remove(id));
}

#[test]
fn ids_are_canonical() {
    let id = SessionId::random().expect("randomness");
    let words = id.to_string();
    assert_eq!(words.len(), 32);
    assert!(words.parse() == Ok(id));
    for malformed in [
        "",
        "0",
        &words[1..],
        &format!("{words}0"),
        &"F".repeat(32),
        &"+".repeat(32),
    ] {
        assert!(malformed.parse::<SessionId>().is_err(), "{malformed:?}");
    }
}

/// What happens to the store in [`bookkeeping_is_exact`].
#[derive(Clone, Debug)]
enum Event {
    Insert(u64),
    Use(usize),
    Remove(usize),
    Wait(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (0..40_u64).prop_map(Event::Insert),
        (0..20_usize).prop_map(Event::Use),
        (0..20_usize).prop_map(Event::Remove),
        (0..IDLE).prop_map(Event::Wait),
    ];
    prop::collection::vec(event, 0..80)
}

proptest! {
    /// Against a list in order of use, which is slow and obvious.
    #[test]
    fn bookkeeping_is_exact(events in events()) {
        const BYTES: u64 = 100;
        const COUNT: usize = 6;
        let (clock, store) = store(BYTES, COUNT);
        let mut ids = Vec::new();
        let mut model: Vec<(SessionId, u64, u64)> = Vec::new(); // id, bytes, used at
        let mut now = 0;
        for event in events {
            model.retain(|&(_, _, used_at)| now - used_at < IDLE);
            match event {
                Event::Insert(bytes) => {
                    while model.len() >= COUNT || model.iter().map(|held| held.1).sum::<u64>() + bytes > BYTES {
                        model.remove(0);
                    }
                    let id = insert(&store, "value", bytes);
                    model.push((id, bytes, now));
                    ids.push(id);
                }
                Event::Use(at) => if let Some(&id) = ids.get(at) {
                    let held = model.iter().position(|held| held.0 == id);
                    prop_assert_eq!(store.get(id).is_some(), held.is_some());
                    if let Some(held) = held {
                        let (id, bytes, _) = model.remove(held);
                        model.push((id, bytes, now));
                    }
                },
                Event::Remove(at) => if let Some(&id) = ids.get(at) {
                    let held = model.iter().position(|held| held.0 == id);
                    prop_assert_eq!(store.remove(id), held.is_some());
                    held.map(|held| model.remove(held));
                },
                Event::Wait(seconds) => {
                    clock.advance(seconds);
                    now += seconds;
                }
            }
            model.retain(|&(_, _, used_at)| now - used_at < IDLE);
            let figures = store.sweep();
            prop_assert_eq!(figures.held, model.len());
            prop_assert_eq!(figures.bytes, model.iter().map(|held| held.1).sum::<u64>());
        }
    }
}
