//! Classifying again and again takes no new memory: what a digit's polynomials occupied serves those
//! of the next one. A binary of its own, because it counts every allocation of its process.

use evaluator::circuit::{Circuit, Options};
use evaluator::network::{Activation, Layer, Matrix, Network, Term, ValueId};
use shared::api::{KeySpec, Preparation, SwitchingKeySpec};
use shared::ciphertext::SeededCiphertext;
use shared::encoding::Scale;
use shared::keys::{EvaluationKeys, SeededSwitchingKey, SwitchingKey, digits_at};
use shared::params::{Parameters, shipped};
use shared::ring::{Basis, Poly, Ring};

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

fn dense(rows: usize, columns: usize, of: usize, activation: Activation) -> Layer {
    let weight = |at: usize| (at % 7) as f64 / 16.0;
    let weights: Vec<f64> = (0..rows * columns).map(weight).collect();
    Layer {
        name: "dense".to_owned(),
        shape: vec![rows],
        terms: vec![Term {
            of: ValueId(of),
            matrix: Matrix::from_dense(columns, &weights),
        }],
        bias: vec![0.5; rows],
        activation,
    }
}

fn key(spec: SwitchingKeySpec, ring: &Ring) -> SwitchingKey {
    let zero = |_| Poly::zero(ring, Basis::Qp(spec.level));
    SeededSwitchingKey {
        b: (0..digits_at(ring, spec.level, spec.digit_primes))
            .map(zero)
            .collect(),
        seed: [7; 32],
        level: spec.level,
        digit_primes: spec.digit_primes,
    }
    .expand(ring)
}

fn keys(spec: &KeySpec, ring: &Ring) -> EvaluationKeys {
    let rotations = spec.rotations.iter();
    EvaluationKeys {
        relinearization: spec.relinearization.map(|spec| key(spec, ring)),
        conjugation: spec.conjugation.map(|spec| key(spec, ring)),
        rotations: rotations
            .map(|rotation| (rotation.step, key(rotation.key, ring)))
            .collect(),
    }
}

#[test]
fn a_second_digit_takes_no_new_polynomial() {
    let network = Network {
        input_shape: vec![28, 28],
        preparation: Preparation::default(),
        layers: vec![
            dense(128, 784, 0, Activation::Square),
            dense(10, 128, 1, Activation::Identity),
        ],
        classes: (0..10).map(|class| class.to_string()).collect(),
        logit_bound: Some(64.0),
        precision_bits: None,
        left_to_client: None,
        description: String::new(),
    };
    let options = Options {
        parameters: Some(Parameters::new(shipped().remove(0)).unwrap()),
        ..Options::default()
    };
    let circuit = Circuit::compile_with("steady", &network, &options).unwrap();
    let ring = circuit.ring();
    let keys = keys(&circuit.info().keys, ring);
    let input = &circuit.info().input;
    let input = SeededCiphertext {
        c0: Poly::zero(ring, Basis::Q(input.level)),
        seed: [9; 32],
        scale: Scale(input.scale),
    };
    let evaluate = || circuit.evaluate(&keys, input.clone()).unwrap().len();

    let _profiler = dhat::Profiler::builder().testing().build();
    let first = evaluate();
    let before = dhat::HeapStats::get();
    assert_eq!(evaluate(), first);
    let after = dhat::HeapStats::get();
    let taken = after.total_bytes - before.total_bytes;
    let polynomial = 4 * ring.degree() as u64;
    println!(
        "{taken} bytes in {} blocks",
        after.total_blocks - before.total_blocks
    );
    // The reply's numbers, its bytes while they grow, and lists of references: one for each block of
    // values that sums are worked out for together.
    assert!(taken < 6 * polynomial, "{taken} bytes for one digit");
    assert_eq!(after.curr_bytes, before.curr_bytes);
}
