//! The store under a clock that the tests turn.

use std::net::IpAddr;
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
const LIFE: u64 = 600;

/// A store that one owner may fill.
fn store(bytes: u64, count: usize) -> (Arc<TestClock>, SessionStore<&'static str>) {
    let each = Share {
        count: usize::MAX,
        bytes: u64::MAX,
    };
    store_with(Share { count, bytes }, each)
}

fn store_with(all: Share, each: Share) -> (Arc<TestClock>, SessionStore<&'static str>) {
    let clock = Arc::new(TestClock::default());
    let limits = SessionLimits {
        idle: Duration::from_secs(IDLE),
        life: Duration::from_secs(LIFE),
        all,
        each,
    };
    (Arc::clone(&clock), SessionStore::new(limits, clock))
}

fn insert(store: &SessionStore<&'static str>, value: &'static str, bytes: u64) -> SessionId {
    insert_for(store, 1, value, bytes).expect("fits")
}

fn insert_for(
    store: &SessionStore<&'static str>,
    owner: u8,
    value: &'static str,
    bytes: u64,
) -> Result<SessionId, SessionError> {
    store.insert(value, bytes, IpAddr::from([192, 0, 2, owner]).into())
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
    let refusal = insert_for(&store, 1, "too large", 101).err();
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
fn a_session_ends_at_its_age_however_much_it_is_used() {
    let (clock, store) = store(100, 10);
    let id = insert(&store, "keys", 10);
    for _ in 0..LIFE / (IDLE - 1) {
        clock.advance(IDLE - 1);
        assert_eq!(value(&store, id), Some("keys"));
    }
    let left = LIFE % (IDLE - 1);
    let state = store.state(id).expect("held");
    assert_eq!(state.expires_in, Duration::from_secs(left));
    clock.advance(left);
    assert_eq!(value(&store, id), None);
    assert_eq!(store.sweep().expired, 1);
}

#[test]
fn a_young_session_outlives_one_that_was_used_before_it_and_is_older() {
    let (clock, store) = store(100, 10);
    let old = insert(&store, "old", 10);
    for _ in 0..(LIFE - 1) / (IDLE - 1) {
        clock.advance(IDLE - 1);
        assert_eq!(value(&store, old), Some("old"));
    }
    let young = insert(&store, "young", 10);
    assert_eq!(value(&store, old), Some("old"), "used last");
    clock.advance(IDLE - 1);
    assert_eq!(value(&store, old), None);
    assert_eq!(value(&store, young), Some("young"));
}

#[test]
fn one_owner_has_no_more_than_its_share_and_evicts_nobody_else() {
    let all = Share {
        count: 10,
        bytes: 100,
    };
    let (clock, store) = store_with(
        all,
        Share {
            count: 2,
            bytes: 50,
        },
    );
    let check_full = |owner, bytes, limit, wait| {
        let refusal = SessionError::OwnerFull {
            limit,
            retry_after: Duration::from_secs(wait),
        };
        assert_eq!(
            insert_for(&store, owner, "more", bytes).err(),
            Some(refusal)
        );
    };
    let other = insert_for(&store, 2, "other", 50).expect("fits");
    clock.advance(10);
    let first = insert_for(&store, 1, "first", 10).expect("fits");
    check_full(1, 41, Full::Bytes(50), IDLE);
    clock.advance(5);
    insert_for(&store, 1, "second", 40).expect("fits");
    check_full(1, 0, Full::Count(2), IDLE - 5);
    assert_eq!(store.sweep().held, 3);
    assert_eq!(value(&store, other), Some("other"));
    assert!(store.remove(first));
    insert_for(&store, 1, "third", 10).expect("its share has room again");
    clock.advance(IDLE);
    assert_eq!(store.sweep().held, 0);
    assert!(
        store.lock().owners.is_empty(),
        "an owner of nothing takes no memory"
    );
}

#[test]
fn a_session_does_not_grow_past_its_owner_s_share() {
    let all = Share {
        count: 10,
        bytes: 100,
    };
    let (_, store) = store_with(
        all,
        Share {
            count: 9,
            bytes: 50,
        },
    );
    let growing = insert_for(&store, 1, "growing", 10).expect("fits");
    insert_for(&store, 1, "other", 20).expect("fits");
    assert_eq!(store.resize(growing, 30), Ok(true));
    let refusal = SessionError::OwnerFull {
        limit: Full::Bytes(50),
        retry_after: Duration::from_secs(IDLE),
    };
    assert_eq!(store.resize(growing, 31), Err(refusal));
    assert_eq!(store.sweep().bytes, 50, "its size stays");
}

#[test]
fn a_session_under_its_old_id_replaces_the_old_one() {
    let (_, store) = store(100, 10);
    let id = insert(&store, "first", 60);
    let owner = IpAddr::from([192, 0, 2, 1]).into();
    let kept = store.insert_as(id, "second", 70, owner);
    assert_eq!(kept.map(|value| *value), Ok("second"));
    assert_eq!(value(&store, id), Some("second"));
    let figures = store.sweep();
    assert_eq!((figures.held, figures.bytes, figures.evicted), (1, 70, 0));
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

/// The second way to end: the oldest session, which was used last, doesn't stand first among those
/// that idle.
#[test]
fn a_session_that_ends_by_age_behind_younger_ones_is_counted() {
    let (clock, store) = store(100, 10);
    let old = insert(&store, "old", 10);
    for _ in 0..(LIFE - 1) / (IDLE - 1) {
        clock.advance(IDLE - 1);
        assert_eq!(value(&store, old), Some("old"));
    }
    insert(&store, "young", 20);
    assert_eq!(value(&store, old), Some("old"));
    clock.advance(LIFE % (IDLE - 1));
    let figures = SessionFigures {
        held: 1,
        bytes: 20,
        expired: 1,
        evicted: 0,
    };
    assert_eq!(store.sweep(), figures);
}

#[test]
fn a_session_may_grow_to_the_whole_store_and_evicts_what_was_there() {
    let (_, store) = store(100, 10);
    let growing = insert(&store, "growing", 10);
    let others = [1, 2].map(|_| insert(&store, "other", 45));
    assert_eq!(store.resize(growing, 100), Ok(true));
    assert!(others.into_iter().all(|id| value(&store, id).is_none()));
    let figures = SessionFigures {
        held: 1,
        bytes: 100,
        expired: 0,
        evicted: 2,
    };
    assert_eq!(store.sweep(), figures);
}

#[test]
fn a_store_for_no_session_still_holds_the_last_one() {
    let (_, store) = store(100, 0);
    let first = insert(&store, "first", 1);
    assert_eq!(value(&store, first), Some("first"));
    let second = insert(&store, "second", 1);
    assert_eq!(value(&store, first), None);
    assert_eq!(value(&store, second), Some("second"));
}

#[test]
fn limits_are_as_documented_where_nobody_sets_them() {
    let limits = SessionLimits::default();
    assert_eq!(limits.idle.as_secs(), 3_600);
    assert_eq!(limits.life.as_secs(), 86_400);
    let (count, bytes) = (10_000, 2_147_483_648);
    assert_eq!(limits.all, Share { count, bytes });
    let (count, bytes) = (1_000, 536_870_912);
    assert_eq!(limits.each, Share { count, bytes });
}

#[test]
fn a_refusal_says_what_is_used_up() {
    let check = |limit, words: &str| {
        let retry_after = Duration::ZERO;
        let refusal = SessionError::OwnerFull { limit, retry_after };
        assert_eq!(refusal.to_string(), words);
    };
    check(Full::Count(2), "the owner holds its share of 2 sessions");
    let words = "the owner holds its share of 50 bytes of keys";
    check(Full::Bytes(50), words);
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
        let mut model: Vec<(SessionId, u64, u64, u64)> = Vec::new(); // id, bytes, used at, born at
        let mut now = 0;
        for event in events {
            model.retain(|&(_, _, used_at, born_at)| now - used_at < IDLE && now - born_at < LIFE);
            match event {
                Event::Insert(bytes) => {
                    while model.len() >= COUNT || model.iter().map(|held| held.1).sum::<u64>() + bytes > BYTES {
                        model.remove(0);
                    }
                    let id = insert(&store, "value", bytes);
                    model.push((id, bytes, now, now));
                    ids.push(id);
                }
                Event::Use(at) => if let Some(&id) = ids.get(at) {
                    let held = model.iter().position(|held| held.0 == id);
                    prop_assert_eq!(store.get(id).is_some(), held.is_some());
                    if let Some(held) = held {
                        let (id, bytes, _, born_at) = model.remove(held);
                        model.push((id, bytes, now, born_at));
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
            model.retain(|&(_, _, used_at, born_at)| now - used_at < IDLE && now - born_at < LIFE);
            let figures = store.sweep();
            prop_assert_eq!(figures.held, model.len());
            prop_assert_eq!(figures.bytes, model.iter().map(|held| held.1).sum::<u64>());
        }
    }
}
