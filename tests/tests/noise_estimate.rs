//! Predicted noise against measured noise, after each operation and in the logits.

use std::sync::Arc;

use client::{ClientKeys, Plan, SecretSeed};
use evaluator::circuit::{Circuit, Options};
use evaluator::engine::{Automorphism, Ckks, Lifted, Noise, NoiseModel, SlotContent, Walk};
use evaluator::network::Network;
use evaluator::server::models;
use shared::api::{
    API_VERSION, InputSpec, KeySpec, ModelInfo, OutputSpec, Preparation, RotationKeySpec,
    SwitchingKeySpec,
};
use shared::ciphertext::{Ciphertext, Reply};
use shared::encoding::{Complex64, Scale};
use shared::keys::EvaluationKeys;
use shared::packing::{CoefficientPacking, InputPacking, OutputPacking};
use shared::params::{ParameterSpec, Parameters};
use shared::ring::{Level, Ring};
use shared::wire::{read_evaluation_keys, write_reply};
use tests::digits::{Hand, strokes};
use tests::networks::{chain, sets};
use tests::plain::by_definition;

/// Most that an operation's estimate may be off, in bits.
const OPERATION_BITS: f64 = 0.5;

/// Most that the estimate for the logits may be off, in bits: their values are guessed as well.
const LOGIT_BITS: f64 = 2.0;

const LOG_REPLY: u32 = 15;

#[track_caller]
fn check(what: &str, measured: f64, estimated: f64, most_bits: f64) {
    let bits = (measured / estimated).log2();
    println!(
        "{what}: measured 2^{:.2}, off by {bits:+.2} bits",
        measured.log2()
    );
    assert!(
        bits.abs() < most_bits,
        "{what}: measured 2^{:.2}, estimated 2^{:.2}",
        measured.log2(),
        estimated.log2()
    );
}

/// Reproducible numbers in `-1..1`.
fn numbers(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    })
}

/// Mean square of what [`numbers`] gives.
const MEAN_SQUARE: f64 = 1.0 / 3.0;

/// Both sides for one parameter set and size of digits.
struct Fixture {
    name: String,
    keys: ClientKeys,
    engine: Ckks,
    evaluation: EvaluationKeys,
    digit_primes: usize,
}

const INPUT_SCALE: f64 = (1u64 << 21) as f64;
const IMAGES: [Automorphism; 3] = [
    Automorphism::Conjugation,
    Automorphism::Rotation(1),
    Automorphism::Rotation(5),
];

impl Fixture {
    fn new(set: ParameterSpec, digit_primes: usize) -> Self {
        let name = format!("{} with digits of {digit_primes}", set.name);
        let parameters = Parameters::new(set).expect("a shipped set");
        let (slots, level) = (parameters.slots(), parameters.top());
        let key = SwitchingKeySpec {
            level,
            digit_primes,
        };
        let info = ModelInfo {
            api_version: API_VERSION,
            id: "estimate".to_owned(),
            description: String::new(),
            layers: None,
            parameters: parameters.spec().clone(),
            input: InputSpec {
                shape: vec![1, slots],
                preparation: Preparation::default(),
                packing: InputPacking {
                    real: vec![None; slots],
                    imaginary: Vec::new(),
                },
                scale: INPUT_SCALE,
                level,
            },
            output: OutputSpec {
                classes: Vec::new(),
                packing: OutputPacking::Coefficients(CoefficientPacking {
                    classes: slots,
                    zeros: 0,
                    copies: slots,
                }),
                scale: 1.0,
                log_modulus: LOG_REPLY,
                bound: 1.0,
            },
            bulk: None,
            keys: KeySpec {
                relinearization: Some(key),
                conjugation: Some(key),
                rotations: [1, 5].map(|step| RotationKeySpec { step, key }).to_vec(),
            },
        };
        let plan = Arc::new(Plan::new(info).expect("a sound description"));
        let keys = ClientKeys::from_seed(Arc::clone(&plan), SecretSeed::from_bytes([1; 32]));
        let ring = Ring::new(parameters);
        let upload: Result<Vec<_>, _> = keys.evaluation_keys().collect();
        let upload = upload.expect("keys").concat();
        Self {
            name,
            evaluation: read_evaluation_keys(&upload, &ring).expect("what was written"),
            engine: Ckks::new(&ring),
            keys,
            digit_primes,
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        let sizes = |set: ParameterSpec| [1, 2].map(|digits| Self::new(set.clone(), digits));
        sets().into_iter().flat_map(sizes)
    }

    fn model(&self) -> NoiseModel<'_> {
        self.engine.noise_model()
    }

    fn top(&self) -> Level {
        self.engine.ring().parameters().top()
    }

    fn values(&self, seed: u64) -> Vec<Complex64> {
        numbers(seed)
            .map(Complex64::from)
            .take(self.engine.slots())
            .collect()
    }

    fn encrypt(&self, values: &[Complex64], seed: u8) -> Ciphertext {
        let seed = SecretSeed::from_bytes([seed; 32]);
        let seeded = self
            .keys
            .encrypt_slots(values, &seed)
            .expect("values that fit");
        seeded
            .expand(self.engine.ring())
            .expect("a ciphertext of the ring")
    }

    #[track_caller]
    fn check(&self, what: &str, got: &Ciphertext, want: &[Complex64], estimate: Noise) {
        let slots = self
            .keys
            .decrypt_slots(got)
            .expect("a ciphertext of the ring");
        let off = slots
            .iter()
            .zip(want)
            .map(|(slot, want)| (slot - want).norm_sqr());
        let measured = (off.sum::<f64>() / want.len() as f64).sqrt() * got.scale().0;
        check(
            &format!("{}: {what}", self.name),
            measured,
            estimate.rms(),
            OPERATION_BITS,
        );
    }

    /// As [`Fixture::check`], behind a division by P.
    #[track_caller]
    fn check_lifted(&self, what: &str, got: &Lifted, want: &[Complex64], estimate: Noise) {
        let lowered = self.engine.lower(got).expect("both halves at one level");
        self.check(what, &lowered, want, self.model().lower(estimate));
    }
}

/// The slots that an automorphism leaves.
fn image(values: &[Complex64], automorphism: Automorphism) -> Vec<Complex64> {
    match automorphism {
        Automorphism::Conjugation => values.iter().map(Complex64::conj).collect(),
        Automorphism::Rotation(step) => {
            let (front, back) = values.split_at(step as usize);
            [back, front].concat()
        }
    }
}

#[test]
fn fresh_and_lifted_ciphertexts() {
    for fixture in Fixture::all() {
        let values = fixture.values(1);
        let fresh = fixture.encrypt(&values, 1);
        fixture.check("fresh", &fresh, &values, fixture.model().fresh());
        let lifted = fixture.engine.lift(&fresh);
        // Multiples of P leave nothing to round.
        let lowered = fixture
            .engine
            .lower(&lifted)
            .expect("both halves at one level");
        fixture.check(
            "lifted and lowered",
            &lowered,
            &values,
            fixture.model().fresh(),
        );
    }
}

#[test]
fn sums_of_products_with_plaintexts() {
    for fixture in Fixture::all() {
        let (engine, model) = (&fixture.engine, fixture.model());
        let [a, b, v, w] = [1, 2, 3, 4].map(|seed| fixture.values(seed));
        for log_scale in [8, 20] {
            let scale = Scale(2f64.powi(log_scale));
            let encode = |values: &[Complex64]| engine.encode(values, scale, fixture.top());
            let (v_plain, w_plain) = (encode(&v).expect("fits"), encode(&w).expect("fits"));
            let (a_lifted, b_lifted) = (
                engine.lift(&fixture.encrypt(&a, 1)),
                engine.lift(&fixture.encrypt(&b, 2)),
            );
            let sum = engine.mul_plain_sum(&[(&a_lifted, &v_plain), (&b_lifted, &w_plain)]);
            let want: Vec<_> = (0..a.len())
                .map(|at| a[at] * v[at] + b[at] * w[at])
                .collect();
            let message = MEAN_SQUARE * INPUT_SCALE.powi(2);
            let one = model.product(model.fresh(), message, MEAN_SQUARE * scale.0.powi(2));
            let what = format!("products at 2^{log_scale}");
            fixture.check_lifted(&what, &sum.expect("one level"), &want, one.times(2.0));
        }
    }
}

#[test]
fn automorphisms() {
    for fixture in Fixture::all() {
        let (engine, model, level) = (&fixture.engine, fixture.model(), fixture.top());
        let (keys, digits) = (&fixture.evaluation, fixture.digit_primes);
        let values = fixture.values(1);
        let fresh = fixture.encrypt(&values, 1);
        let hoisted = engine
            .rotate_hoisted(&fresh, &IMAGES, keys)
            .expect("keys for all");
        let once = model.rotate_hoisted(model.fresh(), level, digits);
        for (lifted, automorphism) in hoisted.iter().zip(IMAGES) {
            let want = image(&values, automorphism);
            fixture.check_lifted(&format!("hoisted {automorphism:?}"), lifted, &want, once);

            let turned = engine
                .rotate(lifted, Automorphism::Rotation(5), keys)
                .expect("a key");
            let want = image(&want, Automorphism::Rotation(5));
            let twice = model.rotate(once, level, digits);
            fixture.check_lifted(&format!("rotated {automorphism:?}"), &turned, &want, twice);
        }
        let sum = engine
            .sum_of_images(&hoisted[1], &IMAGES, keys)
            .expect("keys for all");
        let start = image(&values, IMAGES[1]);
        let images = IMAGES.map(|automorphism| image(&start, automorphism));
        let add = |at| images.iter().map(|image| image[at]).sum::<Complex64>() + start[at];
        let want: Vec<_> = (0..start.len()).map(add).collect();
        let estimate = model.sum_of_images(once, level, &[digits; 3]);
        fixture.check_lifted("sum of images", &sum, &want, estimate);
    }
}

#[test]
fn squares_and_rescales() {
    for fixture in Fixture::all() {
        let (engine, model, level) = (&fixture.engine, fixture.model(), fixture.top());
        let values = fixture.values(1);
        let square = engine.square(&fixture.encrypt(&values, 1), &fixture.evaluation);
        let square = square.expect("a key");
        let want: Vec<_> = values.iter().map(|value| value * value).collect();
        let message = MEAN_SQUARE * INPUT_SCALE.powi(2);
        let estimate = model.square(model.fresh(), message, level, fixture.digit_primes);
        fixture.check_lifted("square", &square, &want, estimate);
        let rescaled = engine.rescale(&square).expect("a level below");
        let estimate = model.rescale(estimate, level);
        fixture.check("rescaled square", &rescaled, &want, estimate);
    }
}

#[test]
fn truncated_replies() {
    for fixture in Fixture::all() {
        let (engine, model) = (&fixture.engine, fixture.model());
        let mut zero = fixture.encrypt(&[], 1);
        let mut estimate = model.fresh();
        while let Level(1..) = zero.level() {
            estimate = model.rescale(estimate, zero.level());
            zero = engine.rescale(&engine.lift(&zero)).expect("a level below");
        }
        let output = &fixture.keys.plan().info().output;
        let lifted = engine.lift(&zero);
        let all: Vec<usize> = (0..engine.slots()).collect();
        let part = engine.truncate(&lifted, &all, LOG_REPLY);
        let reply = Reply {
            log_modulus: LOG_REPLY,
            scale: Scale(output.scale),
            parts: vec![part],
        };
        let bytes = write_reply(&reply, engine.ring());
        let numbers = fixture.keys.decrypt(&bytes).expect("a reply of the plan");
        let squares = numbers.values().iter().map(|number| number * number);
        let degree = engine.ring().degree() as f64;
        let measured = (squares.sum::<f64>() / engine.slots() as f64).sqrt();
        let estimate = model
            .truncate(estimate, Level(0), LOG_REPLY)
            .times(degree.recip());
        let what = format!("{}: truncated", fixture.name);
        check(&what, measured, estimate.rms(), OPERATION_BITS);
    }
}

fn random_network(inputs: usize, hidden: &[usize], classes: usize) -> Network {
    let mut columns = inputs;
    let layer = |(&rows, seed): (&usize, u64)| {
        // Rows of norm 1.
        let size = (columns as f64 * MEAN_SQUARE).sqrt().recip();
        let scaled = |seed, size: f64, count| {
            let numbers = numbers(seed).map(|number| number * size);
            numbers.take(count).collect::<Vec<f64>>()
        };
        let weights = scaled(seed, size, rows * columns);
        columns = rows;
        (weights, scaled(seed + 1, 0.1, rows))
    };
    let layers = hidden.iter().chain([&classes]).zip(10..).map(layer);
    chain(inputs, layers.collect(), 2.0)
}

#[track_caller]
fn check_logits(what: &str, circuit: &Circuit, network: &Network, inputs: &[Vec<f64>]) {
    let plan = Arc::new(Plan::new(circuit.info().clone()).expect("a sound description"));
    let keys = ClientKeys::from_seed(plan, SecretSeed::from_bytes([2; 32]));
    let upload: Result<Vec<_>, _> = keys.evaluation_keys().collect();
    let upload = upload.expect("keys").concat();
    let evaluation = read_evaluation_keys(&upload, circuit.ring()).expect("what was written");
    let (mut squares, mut count) = (0.0, 0.0);
    for (input, seed) in inputs.iter().zip(1..) {
        let seed = SecretSeed::from_bytes([seed; 32]);
        let request = keys
            .encrypt_from_seed(input, &seed)
            .expect("an input that fits");
        let request = circuit.parse_input(&request).expect("what was written");
        let reply = circuit.evaluate(&evaluation, request).expect("all keys");
        let logits = keys.decrypt(&reply).expect("a reply of the circuit");
        for (got, want) in logits.values().iter().zip(by_definition(network, input)) {
            squares += (got - want).powi(2);
            count += 1.0;
        }
    }
    let measured = (squares / count).sqrt();
    check(what, measured, circuit.predicted_error(), LOGIT_BITS);
}

#[test]
fn logits_of_random_networks() {
    let shapes: [(usize, &[usize], usize); 6] = [
        (256, &[64], 10),
        (784, &[128], 10),
        (60, &[16], 3),
        (784, &[64, 32], 10),
        (300, &[256, 128], 100),
        (100, &[], 10),
    ];
    for (inputs, hidden, classes) in shapes {
        let network = random_network(inputs, hidden, classes);
        // Uniform numbers of root mean square 0.3.
        let size = 0.3 / MEAN_SQUARE.sqrt();
        let input = |seed| {
            numbers(seed)
                .map(|number| number * size)
                .take(inputs)
                .collect()
        };
        let samples: Vec<Vec<f64>> = (40..44).map(input).collect();
        let options = Options {
            samples: &samples,
            ..Options::default()
        };
        let circuit = Circuit::compile_with("random", &network, &options).expect("a set that fits");
        let parameters = circuit.ring().parameters().clone();
        let what = format!("logits of {inputs}-{hidden:?}-{classes}");
        check_logits(&what, &circuit, &network, &samples);
        for walk in [
            Walk {
                babies: 1,
                stage_bits: 1,
                ..Walk::default()
            },
            Walk {
                babies: 16,
                stage_bits: 3,
                input: SlotContent::Real,
            },
        ] {
            let options = Options {
                parameters: Some(parameters.clone()),
                walk: Some(walk),
                ..options.clone()
            };
            let circuit = Circuit::compile_with("random", &network, &options);
            let circuit = circuit.expect("a set that fits");
            check_logits(&format!("{what}, {walk:?}"), &circuit, &network, &samples);
        }
    }
}

/// A digit of 28×28 pixels, drawn with a pen two pixels wide.
fn drawn(digit: u8) -> Vec<f64> {
    let strokes = strokes(digit, &Hand::default());
    let pixel = |at: usize| {
        let (x, y) = ((at % 28) as f64 + 0.5, (at / 28) as f64 + 0.5);
        let nearest = strokes
            .iter()
            .flat_map(|stroke| stroke.windows(2))
            .flat_map(|ends| {
                (0..8).map(|step| {
                    let along = f64::from(step) / 8.0;
                    let mix = |from: f64, to: f64| 28.0 * (from + (to - from) * along);
                    (mix(ends[0].0, ends[1].0) - x).hypot(mix(ends[0].1, ends[1].1) - y)
                })
            });
        (1.8 - nearest.fold(f64::MAX, f64::min)).clamp(0.0, 1.0)
    };
    (0..28 * 28).map(pixel).collect()
}

#[test]
fn logits_of_the_shipped_model() {
    let path = tests::root().join("models/mnist-fast.onnx");
    let network = models::read_network(&path).expect("a model");
    let circuit = models::load(&path).expect("a model");
    let digits: Vec<Vec<f64>> = (0..10).map(drawn).collect();
    check_logits("logits of mnist-fast", &circuit, &network, &digits);
}
