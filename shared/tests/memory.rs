//! What readers of messages take, at their peak, for whatever bytes: a multiple of them, never what
//! a field says. A binary of its own, because it counts every allocation of its process.

use std::sync::{Arc, LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use shared::api::{
    API_VERSION, BulkSpec, InputSpec, KeySpec, ModelInfo, OutputSpec, Preparation, RotationKeySpec,
    SwitchingKeySpec,
};
use shared::ciphertext::{BulkInput, BulkReply, Reply, ReplyPart, SeededCiphertext};
use shared::encoding::Scale;
use shared::keys::{SeededSwitchingKey, digits_at};
use shared::packing::{CoefficientPacking, InputPacking, OutputPacking, SlotPacking};
use shared::params::{Parameters, shipped};
use shared::ring::{Basis, Level, Ntt, Poly, Ring, uniform};
use shared::wire::{
    KEYS_HEADER_LEN, KeyReader, KeyUse, read_batch, read_bulk_input, read_bulk_reply,
    read_evaluation_keys, read_input, read_reply, write_batch, write_bulk_input, write_bulk_reply,
    write_input, write_key, write_keys_header, write_reply,
};

/// How long a reader may take on a slow, busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lists that grow, and the words of an error.
const BESIDES: u64 = 4096;

/// Ciphertexts of a bulk input, and classes of a bulk reply.
const BULK: usize = 3;

static RING: LazyLock<Arc<Ring>> =
    LazyLock::new(|| Ring::new(Parameters::new(shipped().remove(0)).expect("shipped")));

/// A kind of message: how one is read, a good one, and the most memory for each of its bytes.
struct Kind {
    name: &'static str,
    good: Vec<u8>,
    most: u64,
    read: fn(&[u8]) -> bool,
}

const PACKING: OutputPacking = OutputPacking::Coefficients(CoefficientPacking {
    classes: 7,
    zeros: 2,
    copies: 2,
});

fn slots() -> OutputPacking {
    OutputPacking::Slots(SlotPacking {
        slots: vec![5, 0, 2047],
    })
}

fn poly(index: u64, basis: Basis) -> Poly<Ntt> {
    uniform(&[1; 32], index, &RING, basis)
}

fn input() -> Vec<u8> {
    let ciphertext = SeededCiphertext {
        c0: poly(0, Basis::Q(RING.parameters().top())),
        seed: [2; 32],
        scale: Scale(1e5),
    };
    write_input(&ciphertext, &RING)
}

fn bulk_input() -> Vec<u8> {
    let input = BulkInput {
        c0: (0..BULK as u64)
            .map(|index| poly(index, Basis::Q(Level(0))))
            .collect(),
        seed: [2; 32],
        scale: Scale(1e5),
    };
    write_bulk_input(&input, &RING)
}

/// Keys of all uses, at both levels, with digits of one prime and of two.
fn keys() -> Vec<u8> {
    let key = |level, digit_primes| {
        let digits = digits_at(&RING, level, digit_primes) as u64;
        SeededSwitchingKey {
            b: (0..digits).map(|at| poly(at, Basis::Qp(level))).collect(),
            seed: [3; 32],
            level,
            digit_primes,
        }
    };
    let uses = [
        (KeyUse::Relinearization, key(Level(0), 2)),
        (KeyUse::Conjugation, key(Level(1), 1)),
        (KeyUse::Rotation(1), key(Level(1), 2)),
        (KeyUse::Rotation(64), key(Level(0), 1)),
    ];
    let pieces = uses.iter().map(|(of, key)| write_key(*of, key, &RING));
    std::iter::once(write_keys_header(4, &RING))
        .chain(pieces)
        .collect::<Vec<_>>()
        .concat()
}

fn numbers(count: usize) -> Vec<u32> {
    (0..count as u32).map(|at| at % (1 << 15)).collect()
}

fn reply(packing: &OutputPacking) -> Vec<u8> {
    let part = |coefficients| ReplyPart {
        c0: numbers(coefficients),
        c1: numbers(RING.degree()),
    };
    let parts = packing.parts(RING.degree());
    let reply = Reply {
        log_modulus: 15,
        scale: Scale(1e3),
        parts: parts.into_iter().map(part).collect(),
    };
    write_reply(&reply, &RING)
}

fn bulk_reply() -> Vec<u8> {
    let class = || [(); 3].map(|()| numbers(RING.degree()));
    let reply = BulkReply {
        log_modulus: 15,
        scale: Scale(1e3),
        classes: (0..BULK).map(|_| class()).collect(),
    };
    write_bulk_reply(&reply, &RING)
}

fn description() -> Vec<u8> {
    let key = SwitchingKeySpec {
        level: Level(1),
        digit_primes: 1,
    };
    let rotations = (1..20).map(|step| RotationKeySpec { step, key });
    let info = ModelInfo {
        api_version: API_VERSION,
        id: "memory".to_owned(),
        layers: None,
        description: "of lists".to_owned(),
        parameters: shipped().remove(0),
        input: InputSpec {
            shape: vec![1, 28, 28],
            preparation: Preparation::default(),
            packing: InputPacking {
                real: (0..1024)
                    .map(|at| Some(at).filter(|&at| at < 784))
                    .collect(),
                imaginary: vec![None; 1024],
            },
            scale: 1e5,
            level: Level(1),
        },
        output: OutputSpec {
            classes: vec![String::new(); 100],
            packing: slots(),
            scale: 1e3,
            log_modulus: 15,
            bound: 1.0,
        },
        keys: KeySpec {
            relinearization: Some(key),
            conjugation: Some(key),
            rotations: rotations.collect(),
        },
        bulk: Some(BulkSpec {
            images: 2048,
            inputs: (0..784).collect(),
            level: Level(1),
            scale: 1e5,
            reply_scale: 1e3,
            log_modulus: 15,
            bound: 1.0,
        }),
    };
    serde_json::to_vec(&info).expect("can be written")
}

/// Reads a key message in two parts: its header, and all that follows.
fn read_in_parts(message: &[u8]) -> bool {
    let (header, keys) = message.split_at(message.len().min(KEYS_HEADER_LEN));
    KeyReader::new(header, &RING)
        .is_ok_and(|mut reader| reader.read_part(keys, &RING).is_ok() && reader.missing() == 0)
}

/// Reads a batch and then its messages, as an evaluator does, which has all of them at once.
fn read_inputs(message: &[u8]) -> bool {
    read_batch(message, &RING).is_ok_and(|messages| {
        let inputs: Result<Vec<_>, _> =
            messages.map(|message| read_input(message, &RING)).collect();
        inputs.is_ok()
    })
}

fn kinds() -> &'static [Kind] {
    static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
        let kind = |name, good, most, read| Kind {
            name,
            good,
            most,
            read,
        };
        let batch = write_batch(&vec![input(); 3], &RING).expect("three");
        vec![
            kind("input", input(), 8, |message| {
                read_input(message, &RING).is_ok()
            }),
            kind("batch", batch, 8, read_inputs),
            kind("bulk input", bulk_input(), 8, |message| {
                read_bulk_input(message, BULK, &RING).is_ok()
            }),
            kind("keys", keys(), 8, |message| {
                read_evaluation_keys(message, &RING).is_ok()
            }),
            kind("keys in parts", keys(), 8, read_in_parts),
            // A number of one bit becomes four bytes.
            kind("reply", reply(&PACKING), 32, |message| {
                read_reply(message, &PACKING, &RING).is_ok()
            }),
            kind("reply in slots", reply(&slots()), 32, |message| {
                read_reply(message, &slots(), &RING).is_ok()
            }),
            kind("bulk reply", bulk_reply(), 32, |message| {
                read_bulk_reply(message, BULK, &RING).is_ok()
            }),
            // An empty text of a list takes three bytes of JSON and 24 of memory, and a list that
            // grows is there twice, one of them half empty.
            kind("description", description(), 72, |message| {
                serde_json::from_slice::<ModelInfo>(message).is_ok()
            }),
        ]
    });
    &KINDS
}

/// Whether a message is read, and the most bytes that this took: on a thread of its own, which has
/// no buffers of earlier polynomials to use again, within [`PATIENCE`].
fn peak(kind: &'static Kind, message: &[u8]) -> (bool, u64) {
    let (answer, answered) = mpsc::channel();
    let message = message.to_vec();
    thread::spawn(move || {
        let mut accepted = false;
        let memory = allocation_counter::measure(|| accepted = (kind.read)(&message));
        let _ = answer.send((accepted, memory.bytes_max));
    });
    let found = answered.recv_timeout(PATIENCE);
    found.unwrap_or_else(|error| panic!("{}: {error}", kind.name))
}

/// Reads a message; whether it is accepted.
#[track_caller]
fn check(kind: &'static Kind, message: &[u8]) -> bool {
    let (accepted, most) = peak(kind, message);
    let allowed = kind.most * message.len() as u64 + BESIDES;
    let (name, len) = (kind.name, message.len());
    assert!(
        most <= allowed,
        "{name}: {most} bytes for {len}, {allowed} are allowed"
    );
    accepted
}

#[test]
fn good_messages() {
    for kind in kinds() {
        let (_, most) = peak(kind, &kind.good);
        println!(
            "{}: {most} bytes for {}, {:.2} times as many",
            kind.name,
            kind.good.len(),
            most as f64 / kind.good.len() as f64
        );
        assert!(check(kind, &kind.good), "{}", kind.name);
    }
}

/// The counter counts: a reader can't take less than what it gives.
#[test]
fn what_is_read_is_counted() {
    let kind = &kinds()[0];
    let (_, most) = peak(kind, &kind.good);
    let residues = RING.moduli_of(Basis::Q(RING.parameters().top())).len() * RING.degree();
    assert!(most >= 4 * residues as u64, "{most} bytes");
}

/// Counts and sizes that promise more than there is, in whatever field they stand.
#[test]
fn fields_that_promise_too_much() {
    for kind in kinds() {
        for len in [16, 20, 25, 61, 64, 100, kind.good.len()] {
            for at in 0..80.min(len) {
                let mut message = kind.good[..len.min(kind.good.len())].to_vec();
                let end = message.len().min(at + 8);
                message[at..end].fill(u8::MAX);
                check(kind, &message);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    })]

    #[test]
    fn damaged_messages(
        kind in 0..kinds().len(),
        at in any::<prop::sample::Index>(),
        early in any::<bool>(),
        change in 1..=u8::MAX,
        more in proptest::collection::vec(any::<u8>(), 1..100),
    ) {
        let kind = &kinds()[kind];
        let mut flipped = kind.good.clone();
        flipped[at.index(if early { 100 } else { kind.good.len() })] ^= change;
        check(kind, &flipped);
        let cut = &kind.good[..at.index(kind.good.len())];
        prop_assert!(!check(kind, cut), "{}: {} bytes are enough", kind.name, cut.len());
        let longer = [&kind.good[..], &more].concat();
        let is_space = more.iter().all(u8::is_ascii_whitespace);
        let accepted = check(kind, &longer);
        prop_assert!(!accepted || is_space, "{}: {more:?} may follow", kind.name);
    }
}
