//! Damaged messages of every kind, all the way: a byte changed, an end cut off, bytes appended. What
//! comes of them is an error, or an answer that isn't the true one; never a panic, and always in time.
//!
//! `wire` has what each reader says of damage, `shared/tests/memory.rs` what memory it takes.

use std::ops::Range;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use client::{ClientError, ClientKeys, Logits, Plan, SecretSeed};
use evaluator::circuit::Circuit;
use proptest::prelude::*;
use shared::api::ModelInfo;
use shared::keys::EvaluationKeys;
use shared::packing::OutputPacking;
use shared::wire::{BATCH_FIELDS_LEN, KeyReader, read_batch, read_evaluation_keys, write_batch};
use tests::PATIENCE;
use tests::networks::chain;
use tests::plain::by_definition;

use crate::scheme::numbers;

const INPUTS: usize = 24;

/// So many that hardly any coefficient of a reply meets coefficients of the secret that are all zero: a
/// third of them are.
const LOGITS: usize = 24;

/// Bytes of an input's or reply's scale that make no difference above one part in 10^9, which is
/// what scales may differ by: the first of its mantissa.
const SCALE_ROUNDING: Range<usize> = 17..21;

/// Where the numbers of a reply begin: behind header, modulus and scale.
const REPLY_NUMBERS: usize = 25;

/// A client and an evaluator of one network, and what they have said to each other.
struct Talk {
    circuit: Circuit,
    keys: ClientKeys,
    evaluation: EvaluationKeys,
    image: Vec<f64>,
    /// What plain inference says.
    logits: Vec<f64>,
    upload: Vec<Vec<u8>>,
    input: Vec<u8>,
    batch: Vec<u8>,
    reply: Vec<u8>,
    replies: Vec<u8>,
    bulk_input: Vec<u8>,
    bulk_reply: Vec<u8>,
}

fn talk() -> &'static Talk {
    static TALK: OnceLock<Talk> = OnceLock::new();
    TALK.get_or_init(|| {
        let layer = |rows: usize, columns: usize, seed| {
            let size = 1.5 / (columns as f64).sqrt();
            let weights = numbers(rows * columns, seed).into_iter();
            (
                weights.map(|weight| weight * size).collect(),
                numbers(rows, seed + 1),
            )
        };
        let network = chain(
            INPUTS,
            vec![layer(16, INPUTS, 1), layer(LOGITS, 16, 3)],
            16.0,
        );
        let circuit = Circuit::compile("hostile", &network).unwrap();
        let plan = Arc::new(Plan::new(circuit.info().clone()).unwrap());
        let keys = ClientKeys::from_seed(plan, SecretSeed::from_bytes([5; 32]));
        let upload: Vec<Vec<u8>> = keys.evaluation_keys().collect::<Result<_, _>>().unwrap();
        let evaluation = read_evaluation_keys(&upload.concat(), circuit.ring()).unwrap();
        let image = numbers(INPUTS, 7);
        let input = keys.encrypt(&image).unwrap();
        let reply = circuit
            .evaluate(&evaluation, circuit.parse_input(&input).unwrap())
            .unwrap();
        let bulk_input = keys.encrypt_bulk(&[&image]).unwrap();
        let bulk = circuit.parse_bulk(&bulk_input).unwrap().unwrap();
        let bulk_reply = circuit.evaluate_bulk(&bulk).unwrap().unwrap();
        let twice = |message: &Vec<u8>| {
            write_batch(&[message.clone(), message.clone()], circuit.ring()).unwrap()
        };
        Talk {
            logits: by_definition(&network, &image),
            batch: twice(&input),
            replies: twice(&reply),
            circuit,
            keys,
            evaluation,
            image,
            upload,
            input,
            reply,
            bulk_input,
            bulk_reply,
        }
    })
}

/// What became of a message: logits, or where it was refused.
type Outcome = Result<Vec<Logits>, String>;

/// The kinds of messages, the good one of each, and who makes what of it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Keys,
    KeysInParts,
    Input,
    Batch,
    BulkInput,
    Reply,
    Replies,
    BulkReply,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Keys,
        Self::KeysInParts,
        Self::Input,
        Self::Batch,
        Self::BulkInput,
        Self::Reply,
        Self::Replies,
        Self::BulkReply,
    ];

    fn good(self) -> Vec<u8> {
        let talk = talk();
        match self {
            Self::Keys | Self::KeysInParts => talk.upload.concat(),
            Self::Input => talk.input.clone(),
            Self::Batch => talk.batch.clone(),
            Self::BulkInput => talk.bulk_input.clone(),
            Self::Reply => talk.reply.clone(),
            Self::Replies => talk.replies.clone(),
            Self::BulkReply => talk.bulk_reply.clone(),
        }
    }

    /// Whether a changed byte may make no difference: it is rounded away, or is of the zeros behind
    /// the logits or of an imaginary part, which nobody is told.
    fn may_be_any(self, at: usize) -> bool {
        let rounded = |at: usize| SCALE_ROUNDING.contains(&at);
        match self {
            Self::Keys | Self::KeysInParts => false,
            Self::Input | Self::BulkInput => rounded(at),
            Self::Reply => rounded(at) || zeros().contains(&at),
            Self::BulkReply => rounded(at) || is_imaginary(at),
            Self::Batch => rounded(inside_batch(at, talk().input.len())),
            Self::Replies => Self::Reply.may_be_any(inside_batch(at, talk().reply.len())),
        }
    }

    /// Goes on with a message as its receiver does, to the logits.
    fn answer(self, message: &[u8]) -> Outcome {
        let talk = talk();
        let reply = |input: &[u8]| reply(&talk.evaluation, input);
        match self {
            Self::Keys => {
                let keys = told(read_evaluation_keys(message, talk.circuit.ring()))?;
                decrypt(&reply_of(&keys)?)
            }
            Self::KeysInParts => decrypt(&reply_of(&read_in_parts(message)?)?),
            Self::Input => decrypt(&reply(message)?),
            Self::Batch => {
                let inputs = told(read_batch(message, talk.circuit.ring()))?;
                let replies = inputs.map(reply).collect::<Result<Vec<_>, _>>()?;
                decrypt_batch(&told(write_batch(&replies, talk.circuit.ring()))?)
            }
            Self::BulkInput => {
                let input = talk.circuit.parse_bulk(message).unwrap();
                let reply = talk.circuit.evaluate_bulk(&told(input)?).unwrap();
                decrypt_bulk(&told(reply)?)
            }
            Self::Reply => decrypt(message),
            Self::Replies => decrypt_batch(message),
            Self::BulkReply => decrypt_bulk(message),
        }
    }
}

/// The place within its message of a place in a batch; 0 for one in front of the messages.
fn inside_batch(at: usize, length: usize) -> usize {
    at.checked_sub(BATCH_FIELDS_LEN).map_or(0, |at| at % length)
}

/// Bytes of a reply that hold its zeros, or bits of them.
fn zeros() -> Range<usize> {
    let output = &talk().circuit.info().output;
    let OutputPacking::Coefficients(packing) = &output.packing else {
        return 0..0;
    };
    let bits = output.log_modulus as usize;
    let end = |numbers: usize| REPLY_NUMBERS * 8 + numbers * bits;
    end(packing.classes) / 8..end(packing.classes + packing.zeros).div_ceil(8)
}

/// Whether a byte of a bulk reply holds bits of the middle coefficient of a first part: that is an
/// imaginary number in every slot.
fn is_imaginary(at: usize) -> bool {
    let (bulk, degree) = (&talk().circuit.info().bulk, talk().circuit.ring().degree());
    let bits = bulk.as_ref().map_or(0, |bulk| bulk.log_modulus as usize);
    let part = (degree * bits).div_ceil(8);
    let middle = degree / 2 * bits;
    at.checked_sub(REPLY_NUMBERS)
        .is_some_and(|at| (middle / 8..(middle + bits).div_ceil(8)).contains(&(at % (3 * part))))
}

fn told<T>(result: Result<T, impl std::fmt::Display>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// Reads keys as they come in an upload: the header, half of what follows, the rest.
fn read_in_parts(message: &[u8]) -> Result<EvaluationKeys, String> {
    let ring = talk().circuit.ring();
    let mut rest = message;
    let mut reader = None;
    // Cut as a client cuts, whatever stands there.
    let lengths = talk().upload.iter().map(Vec::len);
    for length in lengths {
        let (part, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        match &mut reader {
            None => reader = Some(told(KeyReader::new(part, ring))?),
            Some(reader) => told(reader.read_part(part, ring))?,
        }
    }
    let mut reader = reader.ok_or("no header")?;
    if !rest.is_empty() {
        told(reader.read_part(rest, ring))?;
    }
    match reader.missing() {
        0 => told(reader.into_keys(ring)),
        missing => Err(format!("{missing} keys are missing")),
    }
}

fn reply(keys: &EvaluationKeys, input: &[u8]) -> Result<Vec<u8>, String> {
    let circuit = &talk().circuit;
    told(circuit.evaluate(keys, told(circuit.parse_input(input))?))
}

fn reply_of(keys: &EvaluationKeys) -> Result<Vec<u8>, String> {
    reply(keys, &talk().input)
}

fn decrypt(reply: &[u8]) -> Outcome {
    Ok(vec![told(talk().keys.decrypt(reply))?])
}

fn decrypt_batch(replies: &[u8]) -> Outcome {
    told(talk().keys.decrypt_batch(replies))
}

fn decrypt_bulk(reply: &[u8]) -> Outcome {
    told(talk().keys.decrypt_bulk(reply, 1))
}

/// The outcome for a message, which has to come in time.
#[track_caller]
fn outcome(kind: Kind, message: Vec<u8>) -> Outcome {
    let (answer, answered) = mpsc::channel();
    thread::spawn(move || {
        let _ = answer.send(kind.answer(&message));
    });
    let found = answered.recv_timeout(PATIENCE);
    found.unwrap_or_else(|error| panic!("{kind:?}: {error}, after a panic or {PATIENCE:?}"))
}

/// How far logits are from those of plain inference.
fn off(logits: &Logits) -> f64 {
    let pairs = logits.values().iter().zip(&talk().logits);
    pairs.fold(0.0, |most, (got, want)| (got - want).abs().max(most))
}

#[test]
fn untouched_messages_have_the_true_answer() {
    for kind in Kind::ALL {
        let answer = outcome(kind, kind.good()).unwrap();
        assert!(!answer.is_empty(), "{kind:?}");
        for logits in answer {
            assert!(off(&logits) < 16.0 / 64.0, "{kind:?}: {logits:?}");
        }
    }
}

/// Each claims more than there may be.
#[test]
fn descriptions_that_lie_about_sizes_are_refused() {
    let check = |change: &dyn Fn(&mut ModelInfo)| {
        let mut info = talk().circuit.info().clone();
        change(&mut info);
        let plan = Plan::new(info);
        assert!(
            plan.is_err(),
            "accepted: {:?}",
            plan.map(|plan| plan.info().clone())
        );
    };
    check(&|info| info.parameters.log_n = 40);
    check(&|info| info.parameters.levels = vec![vec![12_289]; 1 << 20]);
    check(&|info| info.input.shape = vec![usize::MAX, usize::MAX]);
    check(&|info| info.input.packing.real = vec![Some(0); 1 << 20]);
    check(&|info| info.input.packing.real[0] = Some(usize::MAX));
    check(&|info| info.input.scale = f64::MAX);
    check(&|info| info.output.log_modulus = u32::MAX);
    check(&|info| info.keys.rotations = vec![info.keys.rotations[0]; 1 << 20]);
    check(&|info| info.bulk.as_mut().unwrap().inputs = (0..1 << 20).collect());
    check(&|info| info.bulk.as_mut().unwrap().images = usize::MAX);
}

/// Damage to one message.
#[derive(Clone, Debug)]
struct Damage {
    kind: Kind,
    at: prop::sample::Index,
    /// Whether a byte near the beginning is changed, where the fields are.
    early: bool,
    change: u8,
    more: Vec<u8>,
}

fn damage() -> impl Strategy<Value = Damage> {
    let more = proptest::collection::vec(any::<u8>(), 1..100);
    let parts = (
        any::<prop::sample::Index>(),
        any::<bool>(),
        1..=u8::MAX,
        more,
    );
    (proptest::sample::select(&Kind::ALL[..]), parts).prop_map(
        |(kind, (at, early, change, more))| Damage {
            kind,
            at,
            early,
            change,
            more,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    /// The receiver says no, or what comes out in the end isn't what came out before.
    #[test]
    fn a_changed_byte_is_refused_or_ruins_the_answer(damage in damage()) {
        let Damage { kind, at, early, change, .. } = damage;
        let mut message = kind.good();
        let at = at.index(if early { 100 } else { message.len() });
        message[at] ^= change;
        let before = outcome(kind, kind.good()).unwrap();
        if let Ok(after) = outcome(kind, message) {
            prop_assert_eq!(after.len(), before.len());
            prop_assert!(after != before || kind.may_be_any(at), "byte {} changes nothing", at);
        }
    }

    /// One of them changed on its way up, and not only in its last digits: the answer is garbage.
    #[test]
    fn a_changed_residue_on_the_way_up_ruins_all_logits(
        kind in proptest::sample::select(&[Kind::Keys, Kind::Input][..]),
        at in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let mut message = kind.good();
        // Behind all fields of an input, or of the first key.
        let at = 100 + at.index(message.len() - 100);
        message[at] ^= change;
        if let Ok(after) = outcome(kind, message) {
            prop_assert!(off(&after[0]) > 1.0, "off by {} only", off(&after[0]));
        }
    }

    #[test]
    fn cut_or_longer_messages_are_refused(damage in damage()) {
        let Damage { kind, at, more, .. } = damage;
        let good = kind.good();
        let cut = good[..at.index(good.len())].to_vec();
        prop_assert!(outcome(kind, cut).is_err());
        prop_assert!(outcome(kind, [good, more].concat()).is_err());
    }

    /// JSON with a byte changed, cut or appended is none, or describes something that a client
    /// refuses, or can work with.
    #[test]
    fn damaged_descriptions_are_refused_or_used(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        digit in proptest::sample::select(&b"0123456789-.,e\"[]{}"[..]),
        as_text in any::<bool>(),
    ) {
        let good = serde_json::to_vec(talk().circuit.info()).unwrap();
        let at = at.index(good.len());
        let mut changed = good.clone();
        changed[at] = if as_text { digit } else { byte };
        for json in [&changed[..], &good[..at]] {
            let Ok(info) = serde_json::from_slice::<ModelInfo>(json) else {
                continue;
            };
            let Ok(plan) = Plan::new(info) else {
                continue;
            };
            let keys = ClientKeys::from_seed(Arc::new(plan), SecretSeed::from_bytes([5; 32]));
            match keys.encrypt(&talk().image) {
                Ok(_) | Err(ClientError::Packing(_) | ClientError::Encoding(_)) => {}
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
    }
}
