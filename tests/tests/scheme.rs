//! The scheme across its three rooms: the client makes keys and ciphertexts, the evaluator computes
//! on them, and what comes back is compared with the same computation on plain numbers.
//!
//! Bounds are derived, not tried out. An error polynomial with coefficients of variance `V` has slots
//! of mean square `N·V`. The largest errors are a rounding times the secret, in each slot the
//! product of two nearly Gaussian complex numbers, which exceeds `x` times its root mean square
//! with probability `2x·K₁(2x)`: below 10^-10 for `x` = [`DEVIATIONS`].

mod matrix;
mod noise;
mod operations;
mod refusals;

use std::sync::Arc;

use client::{ClientKeys, Plan, SecretSeed};
use evaluator::engine::{Automorphism, Ckks, Lifted};
use shared::api::{
    API_VERSION, InputSpec, KeySpec, ModelInfo, OutputSpec, Preparation, RotationKeySpec,
    SwitchingKeySpec,
};
use shared::ciphertext::Ciphertext;
use shared::encoding::{Complex64, Scale};
use shared::keys::{EvaluationKeys, digits_at};
use shared::packing::{CoefficientPacking, InputPacking, OutputPacking};
use shared::params::{ParameterSpec, Parameters};
use shared::ring::{Basis, Level, Ring};
use shared::wire::read_evaluation_keys;
use tests::networks::sets;

/// Variance of an error's coefficient.
pub const ERROR_VARIANCE: f64 = 3.2 * 3.2;

/// How far a slot may be off, in units of the root mean square.
pub const DEVIATIONS: f64 = 13.0;

/// How far a slot may be off because encoding and decoding compute with 53 bits.
const DECODING: f64 = 1e-12;

/// Everything both sides have, for one parameter set.
pub struct Fixture {
    pub keys: ClientKeys,
    pub engine: Ckks,
    pub evaluation: EvaluationKeys,
    digit_primes: usize,
}

/// A model description that only says what the scheme's tests need.
pub fn description(
    parameters: ParameterSpec,
    scale: f64,
    steps: &[u32],
    digit_primes: usize,
) -> ModelInfo {
    let checked = Parameters::new(parameters.clone()).expect("a sound parameter set");
    let (slots, level) = (checked.slots(), checked.top());
    let key = SwitchingKeySpec {
        level,
        digit_primes,
    };
    ModelInfo {
        api_version: API_VERSION,
        id: "test".to_owned(),
        description: String::new(),
        layers: None,
        input: InputSpec {
            shape: vec![1, slots],
            preparation: Preparation::default(),
            packing: InputPacking {
                real: (0..slots).map(Some).collect(),
                imaginary: Vec::new(),
            },
            scale,
            level,
        },
        output: OutputSpec {
            classes: Vec::new(),
            packing: OutputPacking::Coefficients(CoefficientPacking {
                classes: slots,
                zeros: 0,
                copies: slots,
            }),
            scale,
            log_modulus: 24,
            bound: 1.0,
        },
        bulk: None,
        keys: KeySpec {
            relinearization: Some(key),
            conjugation: Some(key),
            rotations: steps
                .iter()
                .map(|&step| RotationKeySpec { step, key })
                .collect(),
        },
        parameters,
    }
}

impl Fixture {
    /// Keys for a parameter set and these rotation steps; ciphertexts have scale 2^`log_scale`.
    pub fn new(parameters: ParameterSpec, log_scale: i32, steps: &[u32], seed: u8) -> Self {
        Self::with_digits(parameters, log_scale, steps, seed, 1)
    }

    /// As [`Fixture::new`], with key digits of this many primes.
    pub fn with_digits(
        parameters: ParameterSpec,
        log_scale: i32,
        steps: &[u32],
        seed: u8,
        digit_primes: usize,
    ) -> Self {
        let info = description(parameters, 2f64.powi(log_scale), steps, digit_primes);
        Self::with_info(info, seed, digit_primes)
    }

    /// The fixture of a description all of whose keys have digits of this many primes.
    pub fn with_info(info: ModelInfo, seed: u8, digit_primes: usize) -> Self {
        let plan = Arc::new(Plan::new(info).expect("a sound description"));
        let keys = ClientKeys::from_seed(Arc::clone(&plan), SecretSeed::from_bytes([seed; 32]));
        let upload: Vec<u8> = keys
            .evaluation_keys()
            .collect::<Result<Vec<_>, _>>()
            .expect("keys")
            .concat();
        let ring = Ring::new(Parameters::new(plan.info().parameters.clone()).expect("sound"));
        let evaluation = read_evaluation_keys(&upload, &ring).expect("what was written");
        Self {
            keys,
            engine: Ckks::new(&ring),
            evaluation,
            digit_primes,
        }
    }

    /// A fixture for each size of digits that P makes room for, down to a whole modulus in one
    /// digit. Scales are 2^`log_scales`, of each parameter set in turn.
    pub fn all(log_scales: [i32; 2], steps: &[u32]) -> Vec<Self> {
        let sets = sets()
            .into_iter()
            .zip(log_scales)
            .zip([&[1, 2][..], &[1, 2, 4]]);
        let digits = |((set, log_scale), digits): ((ParameterSpec, i32), &'static [usize])| {
            let fixture =
                move |&digits| Self::with_digits(set.clone(), log_scale, steps, 1, digits);
            digits.iter().map(fixture)
        };
        sets.flat_map(digits).collect()
    }

    pub fn name(&self) -> String {
        let name = &self.engine.ring().parameters().spec().name;
        format!("{name} with digits of {}", self.digit_primes)
    }

    pub fn degree(&self) -> f64 {
        self.engine.ring().degree() as f64
    }

    pub fn encrypt<T: Copy + Into<Complex64>>(&self, values: &[T], seed: u8) -> Ciphertext {
        let object = SecretSeed::from_bytes([100 + seed; 32]);
        let seeded = self
            .keys
            .encrypt_slots(values, &object)
            .expect("values that fit");
        seeded
            .expand(self.engine.ring())
            .expect("a fresh ciphertext")
    }

    /// A fresh ciphertext times P.
    pub fn encrypt_lifted<T: Copy + Into<Complex64>>(&self, values: &[T], seed: u8) -> Lifted {
        self.engine.lift(&self.encrypt(values, seed))
    }

    pub fn lower(&self, lifted: &Lifted) -> Ciphertext {
        self.engine.lower(lifted).expect("two halves of one level")
    }

    /// The scale of fresh ciphertexts.
    pub fn scale(&self) -> Scale {
        Scale(self.keys.plan().info().input.scale)
    }

    /// The coefficient variance of `ciphertext - scale·values`, measured over all slots.
    pub fn noise_variance(&self, ciphertext: &Ciphertext, values: &[f64]) -> f64 {
        let slots = self.keys.decrypt_slots(ciphertext).expect("this ring");
        let off = slots
            .iter()
            .zip(values)
            .map(|(slot, value)| (slot - value).norm_sqr());
        let mean = off.sum::<f64>() / slots.len() as f64;
        mean * ciphertext.scale().0.powi(2) / self.degree()
    }

    /// Asserts that the slots are `values` up to noise of this coefficient variance, which has to
    /// leave something of them.
    #[track_caller]
    pub fn check<T>(&self, ciphertext: &Ciphertext, values: &[T], variance: f64)
    where
        T: Copy + Into<Complex64>,
    {
        let slots = self.keys.decrypt_slots(ciphertext).expect("this ring");
        let noise = DEVIATIONS * (self.degree() * variance).sqrt() / ciphertext.scale().0;
        let bound = noise + DECODING;
        assert!(bound < 0.2, "{}: any value is within {bound}", self.name());
        for (at, (slot, &value)) in slots.iter().zip(values).enumerate() {
            let value: Complex64 = value.into();
            let off = (slot - value).re.abs().max((slot - value).im.abs());
            assert!(
                off < bound,
                "{}: slot {at} is {slot}, not {value} ± {bound:e}",
                self.name()
            );
        }
    }

    /// Variance of the rounding when a pair `(c0, c1)` is divided: `τ0 + τ1·s`, with τ uniform on an
    /// interval of length 1.
    pub fn rounding_variance(&self) -> f64 {
        1.0 / 12.0 + self.second_rounding_variance()
    }

    /// Variance of the rounding when `c1` alone is divided: `τ1·s`, with a ternary secret of
    /// variance 2/3.
    pub fn second_rounding_variance(&self) -> f64 {
        self.degree() * 2.0 / 3.0 / 12.0
    }

    /// Variance that key switching at a level adds, before anything is rounded: each digit, uniform
    /// on an interval of its primes' product `D`, meets an error polynomial; the sum is over P.
    pub fn key_switch_variance(&self, level: Level) -> f64 {
        let ring = self.engine.ring();
        let primes: Vec<f64> = ring
            .moduli_of(Basis::Q(level))
            .map(|modulus| f64::from(modulus.prime()))
            .collect();
        let digits = primes
            .chunks(self.digit_primes)
            .map(|digit| digit.iter().product::<f64>().powi(2) / 12.0);
        assert_eq!(digits.len(), digits_at(ring, level, self.digit_primes));
        let special = ring.moduli()[ring.q_count()..]
            .iter()
            .map(|m| f64::from(m.prime()));
        let p: f64 = special.product();
        self.degree() * ERROR_VARIANCE * digits.sum::<f64>() / (p * p)
    }

    /// Variance of a fresh ciphertext: the error, and the rounding of the encoded message.
    pub fn fresh_variance(&self) -> f64 {
        ERROR_VARIANCE + 1.0 / 12.0
    }

    pub fn top(&self) -> Level {
        self.engine.ring().parameters().top()
    }
}

/// Rotations by these steps.
pub fn rotations(steps: &[u32]) -> Vec<Automorphism> {
    steps
        .iter()
        .map(|&step| Automorphism::Rotation(step))
        .collect()
}

/// What an automorphism does to slots, by definition.
pub fn image(automorphism: Automorphism, slots: &[Complex64]) -> Vec<Complex64> {
    let mut slots = slots.to_vec();
    match automorphism {
        Automorphism::Conjugation => slots.iter_mut().for_each(|slot| *slot = slot.conj()),
        Automorphism::Rotation(step) => slots.rotate_left(step as usize),
    }
    slots
}

/// Reproducible numbers with both parts in `-1..1`.
pub fn complex_numbers(count: usize, seed: u64) -> Vec<Complex64> {
    let parts = numbers(2 * count, seed);
    parts
        .chunks(2)
        .map(|part| Complex64::new(part[0], part[1]))
        .collect()
}

/// The modulus of a level.
pub fn modulus(set: &ParameterSpec, level: usize) -> f64 {
    let primes = set.levels[level].iter();
    primes.map(|&prime| f64::from(prime)).product()
}

/// Reproducible numbers in `-1..1`.
pub fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A scale as its base-2 logarithm.
pub fn scale(log_scale: i32) -> Scale {
    Scale(2f64.powi(log_scale))
}
